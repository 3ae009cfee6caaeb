"""How near a colorization comes to the true colours, and how colourful it is.

Colour error AuC: the share of pixels whose ab lies within a threshold of the true one, for thresholds 0 to 150, as the
area under that curve; 100 is perfect. Greys fill photographs, so a plain AuC is content with grey; the rebalanced one
weighs each pixel by how rare its true colour is: in one prior that is stored (`stored_prior_weights`), or, by Zhang et
al.'s own definition, in the photographs that are evaluated (`own_prior_weights`). A few vivid photographs then hold much
of the weight (`effective_number`), hence the bootstraps over photographs. Both come from one small table,
`error_histogram`, so that resampling is cheap.

Sources: Zhang, Isola & Efros (ECCV 2016), section 3.1; Kish, *Survey Sampling* (1965); Hasler &
Süsstrunk, *Measuring colourfulness in natural images* (2003).
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from .bins import AbBins
from .color import _check_range, _check_same_size, _image
from .delta_e import ciede2000  # noqa: F401
from .rebalance import own_prior_weights, stored_prior_weights  # noqa: F401
from .resampling import Estimate, bootstrap, widened

THRESHOLDS = 151  # 0, 1, ..., 150


def color_auc(ab_hat: Tensor, ab: Tensor, bin_weights: Tensor | None = None, bins: AbBins | None = None) -> float:
    """Colour error AuC in [0, 100]: plain, or rebalanced when weights are given.

    Args:
        ab_hat, ab: ``(..., 2, H, W)``, predicted and true; ab_hat may be broadcast, e.g. ``(2, 1, 1)`` for one colour.
        bin_weights: ``(Q,)``, of `stored_prior_weights`; a pixel weighs what the bin nearest to its true ab does.
        bins: the bins of the weights.
    """
    return auc(error_histogram(ab_hat, ab, bin_weights, bins))


def error_histogram(ab_hat: Tensor, ab: Tensor, bin_weights: Tensor | None = None,
                    bins: AbBins | None = None) -> Tensor:
    """For each photograph, how much weight has which colour error, from which every AuC and bootstrap follows.

    Args:
        as `color_auc`; ab is ``(2, H, W)`` or ``(N, 2, H, W)``. Tables of several batches may be concatenated.
    Returns:
        float64 ``(N, 152)`` on the CPU: column t holds the pixels whose error is at most t, but not t - 1 (rounded up
        to a whole number, that is); column 151 those beyond 150.
    """
    ab = _image(ab, "ab", 2)
    ab = ab if ab.ndim == 4 else ab.reshape(-1, *ab.shape[-3:])  # (N, 2, H, W)
    try:
        ab_hat = _image(ab_hat, "ab_hat", 2).to(ab).expand_as(ab) if ab_hat.ndim <= 4 else ab_hat.reshape(ab.shape)
    except RuntimeError:
        raise ValueError(f"ab_hat has shape {tuple(ab_hat.shape)}; expected ab's, {tuple(ab.shape)}") from None
    if bin_weights is not None:
        bins = _check_weights(bin_weights, bins)
    rows = []
    for one_hat, one in zip(ab_hat, ab):
        error = (one_hat - one).square().sum(0).sqrt().ceil()  # (H, W)
        if not torch.isfinite(error).all():
            raise ValueError("ab_hat or ab holds NaN or infinite values; expected finite ones")
        column = error.clamp(max=THRESHOLDS).long().flatten().cpu()
        weights = None if bin_weights is None else bin_weights.double().cpu()[bins.nearest(one).flatten().cpu()]
        rows.append(torch.bincount(column, weights, minlength=THRESHOLDS + 1).double())
    return torch.stack(rows)


def auc(histogram) -> float:
    """Area under the share of weight within each threshold, 0 to 100; (N, 152) of `error_histogram`, pooled."""
    return float(_auc(np.asarray(histogram, np.float64).reshape(-1, THRESHOLDS + 1).sum(0)))


def bootstrap_auc(histogram, n: int = 2000, seed: int = 0, groups=None) -> Estimate:
    """AuC and its 95 % interval over photographs.

    Args:
        histogram: (N, 152), of `error_histogram`; or (S, N, 152), S training seeds over the same photographs.
        n: resamples. groups: (N,) labels; crops of one photograph share theirs.
    """
    return _bootstrap_auc([histogram], n, seed, groups)


def bootstrap_auc_difference(a, b, n: int = 2000, seed: int = 0, groups=None) -> Estimate:
    """AuC of a less that of b, paired: each resample draws the same photographs (and seeds) for both."""
    return _bootstrap_auc([a, b], n, seed, groups)


def bootstrap_ratio(top, bottom, n: int = 2000, seed: int = 0, groups=None) -> Estimate:
    """Sum of top over sum of bottom, e.g. `mean_chroma` of fakes and of originals; NaN where bottom is 0, all grey.

    Args:
        top: (N,), a number a photograph; or (S, N), S training seeds over the same photographs.
        bottom: (N,). n: resamples, in which both vary together. groups: (N,) labels, as `bootstrap_auc`.
    """
    top, bottom = np.atleast_2d(np.asarray(top, np.float64)), np.asarray(bottom, np.float64)
    if top.ndim != 2 or bottom.shape != top.shape[1:] or not bottom.size:
        raise ValueError(f"top has shape {top.shape} and bottom {bottom.shape}; expected (N,) or (S, N), and (N,)")
    seeds, rng = len(top), np.random.default_rng([seed, 1])

    def ratio(counts):  # (n, N), how often each photograph was drawn -> (n,)
        drawn = rng.multinomial(seeds, [1 / seeds] * seeds, size=len(counts))  # (n, S)
        below = counts @ bottom
        return widened(((drawn @ top) * counts).sum(1) / (seeds * below), counts @ top.mean(0) / below, seeds)

    with np.errstate(divide="ignore", invalid="ignore"):
        return Estimate(float(top.sum() / (seeds * bottom.sum())), *bootstrap(ratio, top.shape[1], n, seed, groups))


def effective_number(histogram, groups=None) -> float:
    """Count the photographs that a weighted AuC rests on, by Kish's formula: (sum m)^2 / sum m^2.

    m is a photograph's total weight. N photographs of equal weight count as N; where a few vivid
    ones hold most of the weight, they rule the AuC, and the number is little above theirs.

    Args:
        histogram: (N, 152), of `error_histogram`. groups: (N,) labels; crops of one photograph
            share theirs, and count as one.
    """
    mass = np.asarray(histogram, np.float64).sum(-1)  # (N,)
    if groups is not None:
        mass = np.bincount(np.unique(np.asarray(groups), return_inverse=True)[1], mass)
    return float(mass.sum() ** 2 / np.square(mass).sum())


class Constant(NamedTuple):
    """One colour for every pixel, and what it scores."""
    ab: tuple[float, float]
    plain: float
    rebalanced: float


def best_constant(ab: Tensor | Iterable[Tensor], bin_weights: Tensor, bins: AbBins | None = None,
                  limit: float | None = None) -> Constant:
    """The single colour of best rebalanced AuC among those whose plain AuC is no worse than ``limit``: a floor.

    Without a limit on the plain AuC a sepia wash gains 2-3 points of rebalanced AuC over grey.

    Args:
        ab: true colours ``(N, 2, H, W)``, or an iterable of such.
        limit: the least plain AuC; None takes all grey's, -inf any.
    Returns:
        Constant; its AuCs come from ab summed up in unit cells, and are within 0.05 of `color_auc`'s.
    Raises:
        ValueError: no colour on the grid reaches ``limit``.
    """
    points, mass = _cells(ab, bin_weights, _check_weights(bin_weights, bins))  # (C, 2), (C, 2)
    grey = _scores_of(torch.zeros(1, 2, dtype=torch.float64), points, mass)
    limit = float(grey[0, 0]) if limit is None else limit
    best, span = torch.zeros(2, dtype=torch.float64), 110
    for step in (10, 2, 0.5, 0.1):  # each round searches finer around the best of the last
        axis = torch.arange(-span, span + step / 2, step, dtype=torch.float64)
        tried = torch.cat((best[None], best + torch.cartesian_prod(axis, axis)))
        scores = _scores_of(tried, points, mass)  # (T, 2): plain, rebalanced
        allowed = scores[:, 0] >= limit - 1e-9
        if allowed.any():
            found = int(torch.where(allowed, scores[:, 1], -1.0).argmax())
            best, result = tried[found], scores[found]
        else:  # go where the limit is nearest
            best, result = tried[scores[:, 0].argmax()], None
        span = 2 * step
    if result is None:
        raise ValueError(f"limit is {limit}, but no constant colour has a plain AuC above {scores[:, 0].max():.3f}")
    return Constant(tuple(round(x, 3) for x in best.tolist()), *result.tolist())


def psnr(rgb_hat: Tensor, rgb: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in dB, of RGB (..., 3, H, W) in [0, 1] -> (...); infinite where the two are equal.

    L is given to a colorizer for free, so a PSNR looks high whatever the colours: compare it with all grey's.
    """
    for image, name in ((rgb_hat, "rgb_hat"), (rgb, "rgb")):
        _check_range(_image(image, name, 3), name, 0.0, 1.0)
    _check_same_size(rgb_hat, "rgb_hat", rgb, "rgb")
    error = rgb_hat - rgb
    return -10 * error.square().mean((-3, -2, -1)).log10()


def mean_chroma(ab: Tensor) -> Tensor:
    """Mean distance from grey, sqrt(a^2 + b^2), of each image: (..., 2, H, W) -> (...)."""
    return _image(ab, "ab", 2).square().sum(-3).sqrt().mean((-2, -1))


def chroma_ratio(ab_hat: Tensor, ab: Tensor) -> float:
    """Mean predicted over mean true chroma: below 1 the colours are duller than the truth; NaN if the truth is grey."""
    true = float(mean_chroma(ab).mean())
    return float(mean_chroma(ab_hat).mean()) / true if true > 0 else float("nan")


def colorfulness(rgb: Tensor) -> Tensor:
    """Colourfulness M3 of Hasler & Süsstrunk, RGB (..., 3, H, W) in [0, 1] -> (...).

    In their study about 0 was called not colourful, 15 slightly, 33 moderately, 45 averagely, 59 quite, 82 highly, 109
    extremely colourful.
    """
    red, green, blue = (255 * _image(rgb, "rgb", 3)).flatten(-2).unbind(-2)  # (..., H * W) each
    opponents = torch.stack((red - green, (red + green) / 2 - blue))
    spread, offset = opponents.std(-1, correction=0).norm(dim=0), opponents.mean(-1).norm(dim=0)
    return spread + 0.3 * offset


def _auc(mass: np.ndarray) -> np.ndarray:
    """Weight per column (..., 152) -> area under its running share, by trapezoids, 0 to 100."""
    within = mass.cumsum(-1)
    area = within[..., :THRESHOLDS].sum(-1) - (within[..., 0] + within[..., THRESHOLDS - 1]) / 2
    return 100 * area / (THRESHOLDS - 1) / within[..., -1]


def _bootstrap_auc(histograms: list, n: int, seed: int, groups) -> Estimate:
    """AuC of the first, less that of the second if there is one; seeds and photographs resampled, alike in both."""
    tables = [np.asarray(h, np.float64).reshape(-1, *np.shape(h)[-2:]) for h in histograms]  # (S, N, 152)
    if tables[0].shape != tables[-1].shape or tables[0].shape[-1] != THRESHOLDS + 1:
        raise ValueError(f"histograms have shapes {[np.shape(h) for h in histograms]}; expected (N, {THRESHOLDS + 1}) "
                         f"or (S, N, {THRESHOLDS + 1}), the same for both")
    seeds, rng = len(tables[0]), np.random.default_rng([seed, 1])

    def statistic(counts):  # (m, N) -> (m,)
        drawn = rng.multinomial(seeds, [1 / seeds] * seeds, size=len(counts))  # (m, S)
        of_seed = [[counts @ one for one in table] for table in tables]  # S times (m, 152)
        def auc_of(times):  # (m, S), how often each seed counts
            pooled = [_auc(sum(k[:, None] * one for k, one in zip(times.T, some))) for some in of_seed]
            return pooled[0] - sum(pooled[1:])
        return widened(auc_of(drawn), auc_of(np.ones_like(drawn)), seeds)

    values = [float(_auc(table.sum((0, 1)))) for table in tables]
    return Estimate(values[0] - sum(values[1:]), *bootstrap(statistic, tables[0].shape[1], n, seed, groups))


def _check_weights(bin_weights: Tensor, bins: AbBins | None) -> AbBins:
    bins = AbBins() if bins is None else bins
    if bin_weights.shape != (len(bins),):
        raise ValueError(f"bin_weights has shape {tuple(bin_weights.shape)}; expected ({len(bins)},), one for each bin")
    return bins


def _cells(ab: Tensor | Iterable[Tensor], bin_weights: Tensor, bins: AbBins) -> tuple[Tensor, Tensor]:
    """True colours summed up in unit cells of ab: mean ab (C, 2), and shares of plain and weighted mass (C, 2)."""
    sums = torch.zeros(3, 256 * 256, dtype=torch.float64)  # count, sum of a, sum of b
    for batch in [ab] if isinstance(ab, Tensor) else ab:
        for one in batch.reshape(-1, *batch.shape[-3:]).cpu():  # (2, H, W)
            a, b = one.double().flatten(1)
            cell = (a.floor() + 128).clamp(0, 255).long() * 256 + (b.floor() + 128).clamp(0, 255).long()
            sums += torch.stack([torch.bincount(cell, x, 256 * 256) for x in (torch.ones_like(a), a, b)])
    sums = sums[:, sums[0] > 0]
    points = sums[1:] / sums[0]  # (2, C)
    nearest = bins.nearest(points[:, None])[0]
    mass = torch.stack((sums[0], sums[0] * bin_weights.double().cpu()[nearest]), 1)  # (C, 2)
    return points.T.contiguous(), mass / mass.sum(0)


def _scores_of(colors: Tensor, points: Tensor, mass: Tensor) -> Tensor:
    """Plain and rebalanced AuC (T, 2) of constant colours (T, 2), from `_cells`."""
    rows = []
    for part in colors.split(64):
        error = torch.cdist(part, points, compute_mode="donot_use_mm_for_euclid_dist")  # (t, C)
        error = torch.where(error > 1, error, 0.5 * (error > 0))  # thresholds are whole numbers
        rows.append(100 * (1 - error.clamp(max=150) / 150) @ mass)
    return torch.cat(rows)
