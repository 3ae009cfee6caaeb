"""Class rebalancing: make rare, vivid colours count as much as the greys that fill photographs.

In training the weights stand in the loss; in judging, in the rebalanced AuC of `metrics`.

Zhang, Isola & Efros, *Colorful Image Colorization* (ECCV 2016), section 2.2, equation 4; section 3.1.
"""

import json
from collections.abc import Iterable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from .bins import AbBins
from .color import rgb_to_lab

STORED_PRIOR = Path(__file__).parent / "weights" / "evaluation-prior.json"
GREY = 5.0  # a photograph whose |a| and |b| never exceed this teaches nothing about colour


def empirical_prior(images: Iterable[Tensor], bins: AbBins) -> Tensor:
    """How often each bin occurs in photographs: ab averaged over 4x4 pixels (the network's output grid), then counted.

    Args:
        images: an iterable of RGB batches ``(N, 3, H, W)``, floating in [0, 1] or uint8; H and W at least 4.
        bins: the bins.
    Returns:
        float64 ``(Q,)``, summing to 1.
    Raises:
        ValueError: no image was given.
    """
    counts = torch.zeros(len(bins), dtype=torch.float64)
    for rgb in images:
        ab = F.avg_pool2d(rgb_to_lab(rgb)[:, 1:], 4)
        counts += torch.bincount(bins.nearest(ab).flatten(), minlength=len(bins)).cpu()
    if counts.sum() == 0:
        raise ValueError("images is empty; expected at least one RGB batch (N, 3, H, W)")
    return counts / counts.sum()


def smooth_prior(prior: Tensor, bins: AbBins, sigma: float = 5.0) -> Tensor:
    """Smooth a prior over the ab plane with a Gaussian, so that a bin never met learns from its neighbours.

    Args:
        prior: ``(Q,)``, not negative. sigma: in units of a and b.
    Returns:
        ``(Q,)``, summing to 1.
    """
    _check_prior(prior, len(bins))
    if not sigma > 0:
        raise ValueError(f"sigma is {sigma}; expected a positive width in units of a and b")
    centers = bins.centers.to(prior)
    squared = (centers[:, None] - centers).square().sum(-1)  # (Q, Q)
    smoothed = torch.exp(-squared / (2 * sigma**2)) @ prior
    return smoothed / smoothed.sum()


def stored_prior(path: str | Path = STORED_PRIOR) -> Tensor:
    """Read a smoothed prior from a file of ``python -m colorlab prior``; by default the shipped one.

    The shipped prior was counted once, over 13,800 photographs that are not used for judging
    (the file names them and the command). `metrics.stored_prior_weights` weighs with it, so that
    a rebalanced AuC does not depend on which photographs, or how many, are judged.

    Returns:
        float64 ``(313,)``, summing to 1, in the order of ``AbBins().centers``.
    """
    record = json.loads(Path(path).read_text(encoding="utf-8"))
    return torch.tensor(record["prior"], dtype=torch.float64)


def class_weights(prior: Tensor, mix: float = 0.5) -> Tensor:
    """Weight each bin by the inverse of its prior, mixed with a uniform one (equation 4, whose lambda is ``mix``).

    Args:
        prior: ``(Q,)``, smoothed. mix: 0 trusts the prior alone, 1 weighs all bins alike.
    Returns:
        ``(Q,)``, scaled so that ``(prior * weights).sum() == 1``: the expected weight of a pixel is 1.
    Raises:
        ValueError: ``mix`` out of [0, 1], or a prior with an empty bin and ``mix`` 0.
    """
    _check_prior(prior)
    if not 0 <= mix <= 1:
        raise ValueError(f"mix is {mix}; expected 0 (prior alone) to 1 (all bins alike)")
    if mix == 0 and (prior == 0).any():
        raise ValueError("prior has empty bins, which mix=0 would weigh infinitely; smooth it first or take mix > 0")
    prior = prior / prior.sum()
    weights = 1 / ((1 - mix) * prior + mix / len(prior))
    return weights / (prior * weights).sum()


def stored_prior_weights() -> Tensor:
    """Weights of the rebalanced AuC: those of equation 4 (lambda 1/2) under the stored prior.

    They are the same whatever is judged, so AuCs of different photographs can be compared.
    Lambda caps them: the rarest color weighs 58 times as much as the commonest.

    Returns:
        float64 ``(313,)``, for ``AbBins()``; the mean weight of a pixel under the prior is 1.
    """
    return class_weights(stored_prior(), mix=0.5)


def own_prior_weights(ab: Tensor | Iterable[Tensor], bins: AbBins) -> Tensor:
    """Weights by Zhang et al.'s definition: one over the prior of the evaluated photographs.

    Each bin's pixels are counted, plus one, then smoothed with sigma 5; no lambda, unlike in
    training. The AuC that follows depends on the number of photographs: the fewer, the more it
    exceeds that of the population, and no bootstrap interval covers the latter. Compare it with
    the numbers of Zhang et al. only; elsewhere take `stored_prior_weights`.

    Args:
        ab: true colors ``(N, 2, H, W)``, or an iterable of such.
    Returns:
        float64 ``(Q,)``, scaled so that the mean weight of a pixel under the prior is 1.
    """
    counts = torch.ones(len(bins), dtype=torch.float64)
    for batch in [ab] if isinstance(ab, Tensor) else ab:
        for part in batch.reshape(-1, *batch.shape[-3:]):
            counts += torch.bincount(bins.nearest(part).flatten(), minlength=len(bins)).cpu()
    return class_weights(smooth_prior(counts, bins, sigma=5.0), mix=0)


@torch.no_grad()
def take_back(generator: torch.nn.Module, weights: Tensor, share: float) -> None:
    """Undo a share of the rebalancing in a trained generator: log-odds that training raised by log w are lowered by it.

    Weighing a pixel of bin q by w makes a network predict p(q) w(q), up to a factor. Subtracting share * log w from the
    last layer's bias leads from there (0) back to p(q) (1) without training; between lie less vivid, likelier colours.
    (Menon et al., *Long-tail learning via logit adjustment*, ICLR 2021.)

    Args:
        generator: with bins; changed in place. weights: ``(Q,)``, what it was trained with. share: in [0, 1].
    """
    if generator.bins is None or len(weights) != len(generator.bins):
        raise ValueError(f"weights has {len(weights)} values; expected a generator with bins, and one weight for each")
    if not 0 <= share <= 1:
        raise ValueError(f"share is {share}; expected 0 (leave all) to 1 (take all back)")
    bias = generator.output_layer.bias
    bias -= share * weights.log().to(bias)


def is_grey(ab: Tensor, limit: float = GREY) -> Tensor:
    """Which photographs have no colour to learn from: |a| and |b| never above ``limit``. (N, 2, H, W) -> bool (N,)."""
    return ab.abs().flatten(1).amax(1) <= limit


def _check_prior(prior: Tensor, length: int | None = None) -> None:
    if not prior.is_floating_point():
        raise TypeError(f"prior has dtype {prior.dtype}; expected floating shares: of counts, counts.double()")
    if prior.ndim != 1 or (length is not None and len(prior) != length):
        wanted = "(Q,)" if length is None else f"({length},), one value for each bin"
        raise ValueError(f"prior has shape {tuple(prior.shape)}; expected {wanted}")
    if not (torch.isfinite(prior).all() and (prior >= 0).all() and prior.sum() > 0):
        raise ValueError("prior has negative, non-finite or only zero values; expected shares or counts of each bin")
