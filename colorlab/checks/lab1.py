"""Lab 1, colour and bins: the properties of each answer.

The inputs are float64, drawn with a fixed seed; bins come from tables that are not the 313, and not in their order, so
that a function which ignores its arguments is noticed.
"""

import torch
from torch import Tensor

from .. import color
from ..bins import AbBins
from .answers import EXACTLY, call, close, tensor, uniform
from .registry import need, question

def _tables() -> list[Tensor]:
    """Centres (Q, 2) to be tried: the 313, and those of step 20 in another order."""
    coarse = AbBins(20).centers.double()
    return [AbBins().centers.double(), coarse[torch.randperm(len(coarse), generator=torch.Generator().manual_seed(2))]]


def _distances(ab: Tensor, centers: Tensor) -> Tensor:
    """ab (..., 2, H, W) -> squared distance to each centre (..., Q, H, W)."""
    return (ab[..., None, :, :, :] - centers[:, :, None, None]).square().sum(-3)


@question("lab1.q1", "within 1e-9 in float64, slopes within 1e-5",
          "Draw it: the line has two unknowns, its slope and its height at 0, and there are two conditions at the join.",
          "Without a kink: the line's slope is the derivative of the cube root at t = join. Write it as a power of join.",
          "Without a step: which height must a line of that slope have at 0, if it is to end where the root begins?")
def lab_curve(answer):
    """A cube root above the join; below it the line that continues it without a step and without a kink."""
    for join in ((6 / 29) ** 3, 0.02, 0.1):
        above = torch.linspace(1.001 * join, 1, 50, dtype=torch.float64)
        below = torch.linspace(0, 0.999 * join, 50, dtype=torch.float64)
        root, line = (tensor(call(answer, t, join), t.shape, t.dtype) for t in (above, below))
        at = f"With join = {join:.4g}"
        need(close(root**3, above), f"{at}: for t above the join, the cube of your answer is not t again. "
             "(Mind the brackets: t ** 1 / 3 is a third of t.)")
        slopes = line.diff() / below.diff()
        slope = slopes.mean()
        need(close(slopes, slope, 1e-5), f"{at}: below the join your curve is not a straight line.")
        derivative = join ** (-2 / 3) / 3
        step = line[-1] + slope * (join - below[-1]) - join ** (1 / 3)
        need(close(step, 0, 1e-6), f"{at}: there is a step. The line arrives {'above' if step > 0 else 'below'} the place where the "
             "root begins. If one join is right and another is not: which of your numbers belongs to one join only?")
        need(close(slope / derivative, 1, 1e-5), f"{at}: no step, but a kink. Your line is too "
             f"{'steep' if slope > derivative else 'flat'} to continue the root.")


@question("lab1.q2", "within 1e-6 in float64 (light), grey within 0.05 (a and b)",
          "Three steps: mix the channels into X, Y, Z; divide by those of white; put each through the curve.",
          "Each of X, Y, Z takes one row of the matrix: X is row 0 times (R, G, B). The channels stand at dimension -3: move them, or let "
          "torch.einsum find them.",
          "Name the three curves fx, fy, fz. L needs fy alone, a compares fx with fy, b compares fy with fz.")
def linear_to_lab(answer):
    """Linear light (..., 3, H, W) -> Lab of the same shape."""
    light = uniform(2, 3, 4, 5)
    lab = tensor(call(answer, light), light.shape, light.dtype)
    grey = torch.tensor([0.0, 0.001, 0.2, 1.0], dtype=torch.float64).expand(3, 1, 4)
    L, a, b = tensor(call(answer, grey), grey.shape, grey.dtype)[:, 0]
    need(close(L[[0, 3]], torch.tensor([0.0, 100.0]), 1e-3), f"Black and white have L = {L[0]:.4g} and {L[3]:.4g}; expected 0 and 100.")
    need(close(a, 0, 0.05) and close(b, 0, 0.05), f"A grey has a = {a[3]:.3g}, b = {b[3]:.3g}; expected 0 for every grey. White itself "
         "must come out of the second step as (1, 1, 1).")
    _, a, b = tensor(call(answer, torch.eye(3, dtype=torch.float64)[:, None]), (3, 1, 3), light.dtype)[:, 0]
    need(a[1] < 0 < a[0] and b[2] < 0 < b[1], f"Pure green has a = {a[1]:.3g} and pure blue b = {b[2]:.3g}; both lie at the negative "
         "ends of their axes. Are a and b exchanged, or their signs?")
    back = color.srgb_to_linear(color.lab_to_rgb(lab, clip=False, check=False))
    need(close(back, light, 1e-6), f"Turned back into light, your Lab is off by up to {(back - light).abs().max():.2g}: a mix or a curve is "
         "not what was asked. Is every step there once, and the matrix the right way round?")


@question("lab1.q4", "exactly: indices are equal or not",
          "Compare each colour with all centres: a tensor (..., H, W, Q) of distances, then the smallest of the last axis.",
          "The colours have their two channels at dimension -3, the centres at dimension -1: move one, and let broadcasting do the rest.",
          "On a tie, torch.argmin answers the first on a CPU. If yours does not: do you search backwards, or has something rounded the "
          "distances?")
def nearest_bin(answer):
    """ab (..., 2, H, W), centers (Q, 2) -> the index of the nearest centre; on a tie the lowest."""
    for centers in _tables():
        own = centers.T[:, None]  # (2, 1, Q): each centre as a pixel
        found = tensor(call(answer, own, centers), own.shape[1:], torch.int64)
        i = (found[0] != torch.arange(len(centers))).int().argmax()  # the first that is wrong, or 0
        need(close(found, torch.arange(len(centers)), 0), f"The colour of centre {i} is given to bin {found[0, i]}: a centre should be its own bin, "
             "counted from 0, in the table that was given.")
        ab = uniform(2, 2, 12, 15, low=-140, high=140)
        squared = _distances(ab, centers)
        found = tensor(call(answer, ab, centers), (2, 12, 15), torch.int64)
        need(0 <= found.min() and found.max() < len(centers), f"Indices go from {found.min()} to {found.max()}; expected 0 to {len(centers) - 1}.")
        chosen, best = squared.gather(-3, found[:, None]).sqrt().flatten(), squared.amin(-3).sqrt().flatten()
        i = (chosen - best).argmax()
        need(chosen[i] <= best[i], f"A colour is {chosen[i]:.2f} away from the bin that you give it, and {best[i]:.2f} from another. Distance is "
             "the root of the sum of squares, over a and b, also outside of the grid.")
        step = (centers[0] - centers[1:]).norm(dim=1).min()
        between = (centers + step / 2).T[:, None]  # the middle of four bins, where there are four
        first = _distances(between, centers).argmin(-3)
        need(close(call(answer, between, centers), first, 0), "Of several bins that are equally near, one with a higher index is given; expected the lowest.")


@question("lab1.q5", EXACTLY,
          "Find the nearest first (torch.topk can look for the smallest), then weigh only those.",
          "The Gaussian takes the squared distance, over twice the square of sigma; then each pixel's K weights are divided by their own sum.",
          "Far from all bins every exp(...) is 0. Multiplying all weights by one number changes nothing after normalising: which number "
          "makes the largest weight 1 beforehand, whatever the distance?")
def soft_code(answer):
    """ab, centers, K, sigma -> indices and weights (..., K, H, W) of the K nearest bins, nearest first."""
    for centers, k, sigma in zip(_tables(), (10, 5), (5.0, 8.0)):
        ab = uniform(2, 2, 6, 7, low=-100, high=100)
        ab[0, :, 0, 0] = torch.tensor([400.0, -300.0])
        pair = call(answer, ab, centers, k, sigma)
        need(isinstance(pair, (tuple, list)) and len(pair) == 2, f"The answer is a {type(pair).__name__}; expected two tensors, indices and weights.")
        indices = tensor(pair[0], (2, k, 6, 7), torch.int64, "the first, indices,")
        need(isinstance(pair[1], Tensor) and not pair[1].isnan().any(), "A colour far outside of the bins has NaN for weights: all of its "
             "exp(...) are 0, and 0 / 0 is not a number.")
        weights = tensor(pair[1], (2, k, 6, 7), ab.dtype, "the second, weights,")
        _soft_code_of(ab, centers, k, sigma, indices, weights)


def _soft_code_of(ab, centers, k, sigma, indices, weights):
    """What holds for a soft code of the right shape."""
    squared = _distances(ab, centers)
    chosen = squared.gather(-3, indices)  # (2, K, 6, 7)
    need(close(chosen.sort(-3).values, squared.topk(k, -3, largest=False).values.sort(-3).values),
         f"These are not the {k} nearest bins: a nearer one is left out, or one stands twice.")
    need((chosen.diff(dim=-3) >= -1e-9).all(), "The nearest bin should come first, and the others in the order of their distance.")
    total = weights.sum(-3)
    need(close(total, 1), f"A pixel's weights sum to between {total.min():.9g} and {total.max():.9g}; expected 1 for every pixel.")
    fall, wanted = (weights[:, :1] / weights).log(), (chosen - chosen[:, :1]) / (2 * sigma**2)
    near = (wanted > 0.01) & (wanted < 30)  # neither the first itself nor one that has vanished
    ratio = (fall / wanted)[near]
    need(close(ratio, 1), f"The weights sum to 1 but do not fall with the distance as asked: at sigma = {sigma:g} they fall "
         f"{ratio.min():.3g} to {ratio.max():.3g} times as fast as exp(-d^2 / 2 sigma^2), d being the distance.")
    need((weights <= 1e-9)[wanted > 30].all(), "Far outside of the bins the distances differ so much that the nearest bin should get all of the "
         "weight; yours shares it out.")


@question("lab1.q6", EXACTLY,
          "centers[indices] gives the colours of all neighbours at once. What is its shape?",
          "Each neighbour's colour counts by its weight. Over which dimension of centers[indices] do you sum, and where does (a, b) have to go?")
def soft_mean(answer):
    """indices and weights (..., K, H, W), centers (Q, 2) -> the weighted mean colour (..., 2, H, W)."""
    for centers in _tables():
        one = torch.arange(len(centers)).view(1, 1, -1)  # (1, 1, Q): every bin alone
        found = tensor(call(answer, one, torch.ones_like(one, dtype=torch.float64), centers), (2, 1, len(centers)), centers.dtype)
        need(not close(found, centers.flip(1).T[:, None]), "The answer has b first, and then a.")
        need(close(found, centers.T[:, None]), "A code that is all one bin should give the colour of that bin.")
        indices = torch.stack((one, one.flip(-1), one.roll(3, -1)), 1).expand(2, 3, 4, -1)  # (2, 3, 4, Q)
        weights = torch.tensor([0.5, 0.0, 0.5], dtype=torch.float64).view(3, 1, 1).expand(indices.shape)
        found = tensor(call(answer, indices, weights, centers), (2, 2, 4, len(centers)), centers.dtype)
        middle = (centers + centers.roll(3, 0)) / 2
        need(close(found, middle.T[:, None]), "Half of one bin, half of another and nothing of a third is not the colour in the middle of "
             "the two. Does each neighbour count by its own weight?")


@question("lab1.q8", EXACTLY,
          "These are probabilities already. Raise each to the power 1 / T, then make every pixel's sum 1 again.",
          "A high power of a small number is 0 to the computer, and then the sum is 0 too. Logarithms of such numbers are harmless.",
          "The softmax takes logarithms of probabilities, up to a constant. What does a power become in logarithms?")
def sharpen(answer):
    """Probabilities (..., Q, H, W) and T -> p^(1/T) over its sum."""
    p = uniform(2, 40, 3, 4)
    p[:, 5, 0, 1] = 0
    p = p / p.sum(-3, keepdim=True)
    q = tensor(call(answer, p, 1.0), p.shape, p.dtype)
    need(close(q, p), f"T = 1 should leave the probabilities as they are; yours changes them by up to {(q - p).abs().max():.1g}.")
    need(close(tensor(call(answer, p[0], 1.0), p[0].shape, p.dtype), p[0]), "With (Q, H, W), no dimension before the bins, the answer is another. They are "
         "at dimension -3.")
    for t in (0.38, 0.1):
        q = tensor(call(answer, p, t), p.shape, p.dtype)
        need(close(q.sum(-3), 1), f"At T = {t:g} a pixel's probabilities sum to {q.sum(-3).min():.9g}; expected 1, over dimension -3.")
        need(close(q[:, 5, 0, 1], 0), "A bin that was impossible has become possible.")
        need((q.amax(-3) > p.amax(-3)).all(), f"At T = {t:g} the likeliest bin has become less likely: T below 1 should sharpen.")
        need(close((q / q[:, :1])[:, 6:].log() * t, (p / p[:, :1])[:, 6:].log()),
             f"At T = {t:g} the ratio of two probabilities is not their old ratio to the power 1/T.")
    q = call(answer, p, 0.001)
    need(q.isfinite().all() and close(q.sum(-3), 1), "At T = 0.001 the answer is not finite, or does not sum to 1: the powers have become "
         "0 for every bin.")
    need((q.argmax(-3) == p.argmax(-3)).all(), "At T = 0.001 the likeliest bin is no longer the one it was.")
