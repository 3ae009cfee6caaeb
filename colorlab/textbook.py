"""The plain versions of what is made fast elsewhere: a few lines each, as a textbook would print them.

Notebooks show these, and the tests hold the fast versions against them in float64. They take memory and time without
shame; use them to understand, and `bins`, `losses` and `color` to compute.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .adversarial import both_sides, look
from .batches import at_a_quarter
from .losses import adversarial_loss, critic_loss, rebalanced_cross_entropy


def nearest_bin(ab: Tensor, centers: Tensor) -> Tensor:
    """ab (..., 2, H, W), centers (Q, 2) -> index of the nearest centre (..., H, W), by comparing with all of them."""
    difference = ab.movedim(-3, -1)[..., None, :] - centers  # (..., H, W, Q, 2)
    return difference.square().sum(-1).argmin(-1)


def soft_code(ab: Tensor, centers: Tensor, neighbors: int = 10, sigma: float = 5.0) -> Tensor:
    """ab (..., 2, H, W) -> its weights over all bins (..., Q, H, W): a Gaussian over the nearest, summing to 1."""
    difference = ab.movedim(-3, -1)[..., None, :] - centers  # (..., H, W, Q, 2)
    squared = difference.square().sum(-1)  # (..., H, W, Q)
    nearest, index = squared.topk(neighbors, largest=False)
    weights = torch.exp(-(nearest - nearest[..., :1]) / (2 * sigma**2))
    weights = weights / weights.sum(-1, keepdim=True)
    return torch.zeros_like(squared).scatter(-1, index, weights).movedim(-1, -3)


def annealed_mean(logits: Tensor, centers: Tensor, temperature: float = 0.38) -> Tensor:
    """logits (..., Q, H, W) -> ab (..., 2, H, W): softmax of logits / T, then the mean of the centres under it."""
    probabilities = F.softmax(logits / temperature, dim=-3)
    return (probabilities.unsqueeze(-4) * centers.T[..., None, None]).sum(-3)


def cross_entropy(logits: Tensor, code: Tensor, pixel_weights: Tensor) -> Tensor:
    """Mean over pixels of weight * -sum_q code_q * log softmax(logits)_q: (N, Q, H, W) twice and (N, H, W) -> scalar."""
    per_pixel = -(code * F.log_softmax(logits, dim=1)).sum(1)  # (N, H, W)
    return (pixel_weights * per_pixel).mean()


def sparse_cross_entropy(logits: Tensor, indices: Tensor, codes: Tensor, pixel_weights: Tensor) -> Tensor:
    """The same from soft codes that are not written out: indices and codes (N, K, H, W), which sum to 1 over K."""
    expected = (codes * logits.gather(1, indices)).sum(1)  # (N, H, W)
    return (pixel_weights * (logits.logsumexp(1) - expected)).mean()


def running_logsumexp(logits: Tensor, tile: int = 32) -> Tensor:
    """logsumexp over dimension 0 in one pass, a tile of rows at a time: (Q, ...) -> (...)."""
    most = torch.full_like(logits[0], float("-inf"))
    total = torch.zeros_like(most)
    for z in logits.split(tile):
        now = torch.maximum(most, z.amax(0))
        total = total * torch.exp(most - now) + torch.exp(z - now).sum(0)
        most = now
    return most + total.log()


def gaussian_smoothing(prior: Tensor, centers: Tensor, sigma: float = 5.0) -> Tensor:
    """Prior (Q,) smoothed over the ab plane: each bin takes from every other by its distance; sums to 1 again."""
    distance = torch.cdist(centers, centers, compute_mode="donot_use_mm_for_euclid_dist")  # (Q, Q)
    smoothed = torch.exp(-distance.square() / (2 * sigma**2)) @ prior
    return smoothed / smoothed.sum()


class Patches(nn.Module):
    """`discriminators.PatchDiscriminator` without its checks: RGB (N, 3, H, W) in [0, 1] -> one logit a patch."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 32, 4, stride=2, padding=1), nn.LeakyReLU(0.2),   # H -> H/2
            nn.Conv2d(32, 64, 4, stride=2, padding=1), nn.LeakyReLU(0.2),  # -> H/4
            nn.Conv2d(64, 128, 4, padding=1), nn.LeakyReLU(0.2),           # -> H/4 - 1
            nn.Conv2d(128, 1, 4, padding=1))                               # -> H/4 - 2

    def forward(self, rgb: Tensor) -> Tensor:
        return self.layers(2 * rgb - 1)


def one_turn(generator: nn.Module, critic: nn.Module, lab: Tensor, weights: Tensor, weight: float,
             first: torch.optim.Optimizer, second: torch.optim.Optimizer) -> None:
    """The generator moves, then the critic answers to what it paints now: photographs as Lab (N, 3, H, W)."""
    logits = generator(lab[:, :1])  # (N, Q, H/4, W/4)
    pixel = rebalanced_cross_entropy(logits, at_a_quarter(lab[:, 1:]), generator.bins, weights)
    _, fake = both_sides(lab, logits, generator.bins)
    first.zero_grad()
    (pixel + weight * adversarial_loss(look(critic, fake))).backward()
    first.step()

    with torch.no_grad():  # the generator only paints
        real, fake = both_sides(lab, generator(lab[:, :1]), generator.bins)
    second.zero_grad()  # what the critic's parameters received from the generator's turn
    critic_loss(look(critic, real), look(critic, fake)).backward()
    second.step()
