"""Intervals: Wilson's, and bootstraps that resample photographs and training seeds.

Sources: Wilson, *Probable inference, the law of succession, and statistical inference* (JASA 1927); Efron & Tibshirani,
*An Introduction to the Bootstrap* (1993), chapter 13. `judging` and `metrics` use them; their names are `judging`'s, too.
"""

from math import sqrt
from typing import NamedTuple

import numpy as np
from torch import Tensor

Z = 1.959964  # a standard normal lies within +-Z in 95 % of draws


class Estimate(NamedTuple):
    """A mean, in the unit of what was averaged, with its 95 % interval (NaN where none is given)."""
    mean: float
    low: float
    high: float

    def __str__(self):
        if np.isnan(self.low):
            return f"{self.mean:.4g}"
        return f"{self.mean:.4g} [{self.low:.4g}, {self.high:.4g}]"


def wilson(k: float, n: float) -> tuple[float, float]:
    """Wilson's 95 % interval of k successes in n trials: inside [0, 1], and honest at k = 0, where k/n +- 2 SE is not.

    >>> low, high = wilson(58, 2000)
    >>> f"{low:.4f} {high:.4f}"
    '0.0225 0.0373'
    """
    if not n > 0 or not 0 <= k <= n:
        raise ValueError(f"k is {k} and n is {n}; expected 0 <= k <= n and n > 0")
    p, z2 = k / n, Z * Z
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = Z / (1 + z2 / n) * sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    return (0.0 if k == 0 else middle - half), (1.0 if k == n else middle + half)


def bootstrap_mean(values, n: int = 2000, seed: int = 0, groups=None) -> Estimate:
    """Mean and 95 % percentile interval, by resampling photographs and, where there are several, seeds.

    Args:
        values: (photographs,), or (seeds, photographs) with the same photographs in each row.
        n: resamples.
        groups: (photographs,) labels; what shares a label is drawn together.
    Raises:
        ValueError: another number of dimensions, no values, NaN.
    """
    values = np.atleast_2d(_numbers(values, "values", (1, 2)))  # (S, P)
    seeds, rng = len(values), np.random.default_rng([seed, 1])

    def mean(counts):  # (n, P), how often each photograph was drawn -> (n,)
        drawn = rng.multinomial(seeds, [1 / seeds] * seeds, size=len(counts))  # (n, S), the same for the seeds
        of_drawn = ((drawn @ values) * counts).sum(1) / (seeds * counts.sum(1))
        return widened(of_drawn, counts @ values.mean(0) / counts.sum(1), seeds)

    return Estimate(float(values.mean()), *bootstrap(mean, values.shape[1], n, seed, groups))


def widened(of_drawn, of_all, seeds: int):
    """A statistic of resampled seeds, moved as far from that of all seeds as so few of them leave open.

    Of two to five seeds a bootstrap draws none beyond its least and greatest, and its 95 % are 50 to 90. So what seeds add is stretched
    by sqrt(S / (S - 1)), which a sample's own spread lacks, and by Student's t over the normal's quantile.
    """
    from scipy.special import stdtrit

    if seeds == 1:
        return of_drawn
    stretch = sqrt(seeds / (seeds - 1)) * stdtrit(seeds - 1, 0.975) / Z
    return of_all + stretch * (of_drawn - of_all)


def difference(a, b, n: int = 2000, seed: int = 0, groups=None) -> Estimate:
    """Mean of a - b over the same photographs (and seeds), with a paired bootstrap interval.

    The difference is taken photograph by photograph before resampling, so that what makes a photograph hard for both
    cancels. An interval that leaves out 0 says that a and b differ.

    Args:
        a, b: equal shapes, (photographs,) or (seeds, photographs); for a difference of fooling rates give 0, 0.5 or 1
            for each pair.
    """
    a, b = _numbers(a, "a", (1, 2)), _numbers(b, "b", (1, 2))
    if a.shape != b.shape:
        raise ValueError(f"a has shape {a.shape} and b {b.shape}; expected the same photographs (and seeds) in both")
    return bootstrap_mean(a - b, n, seed, groups)


def bootstrap(statistic, items: int, n: int = 2000, seed: int = 0, groups=None) -> tuple[float, float]:
    """The middle 95 % of a statistic over n resamples of ``items`` things, drawn with replacement.

    Args:
        statistic: from counts (m, items), how often each thing was drawn in m resamples, to (m,) values.
        groups: (items,) labels; what shares a label is drawn together.
    """
    labels = np.arange(items) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    if len(labels) != items:
        raise ValueError(f"groups has {len(labels)} labels; expected {items}, one for each photograph")
    rng, k = np.random.default_rng(seed), int(labels.max()) + 1
    values = []
    for start in range(0, n, 250):  # a few hundred at a time bounds the memory
        m = min(250, n - start)
        drawn = rng.integers(k, size=(m, k)) + k * np.arange(m)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=m * k).reshape(m, k)
        values.append(statistic(counts[:, labels].astype(np.float64)))
    low, high = np.quantile(np.concatenate(values), (0.025, 0.975))
    return float(low), float(high)


def _numbers(values, name: str, dimensions: tuple[int, ...]) -> np.ndarray:
    """Tensor, array or list -> float64 array with one of the given numbers of dimensions, not empty, without NaN."""
    if isinstance(values, Tensor):
        values = values.detach().cpu().double().numpy()
    values = np.asarray(values, dtype=np.float64)
    if values.ndim not in dimensions or values.size == 0:
        raise ValueError(f"{name} has shape {values.shape}; expected {' or '.join(map(str, dimensions))} dimension(s), "
                         "not empty")
    if np.isnan(values).any():
        raise ValueError(f"{name} has {int(np.isnan(values).sum())} NaN of {values.size}; expected numbers: a network "
                         "that gives NaN has diverged")
    return values
