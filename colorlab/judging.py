"""How well fakes pass for real: scores of a discriminator, rates with intervals, and what people said.

Two numbers that are easily mixed up. The *accuracy per image* asks whether one image, alone, falls on the right side of
a threshold. The *paired fooling rate* shows a fake beside its own original and asks which looks more real; 50 % is
perfect deception. People in the studies below were asked the second question, so only the second compares with them.

How far apart a judge's scores are, whatever its threshold: `single_image_d_prime`,
`paired_d_prime`, `roc_area`. Their size depends on the judge's skill, too: compare two rows only
under the same judges.

Sources: Wilson, *Probable inference, the law of succession, and statistical inference* (JASA 1927); Efron & Tibshirani,
*An Introduction to the Bootstrap* (1993), chapter 13; Macmillan &
Creelman, *Detection Theory* (2005), on d'.
Scores are logits: a sigmoid rounds the surest ones to exactly 1.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from .generators import evaluating
from .resampling import Estimate, Z, _numbers, bootstrap, bootstrap_mean, difference, wilson  # noqa: F401


class Proportion(NamedTuple):
    """A share in [0, 1] with its 95 % interval."""
    rate: float
    low: float
    high: float

    def __str__(self):
        return _percent(self)


class FoolingRate(NamedTuple):
    """Share of pairs in which the fake scored higher than its own original (ties count one half), 95 % interval."""
    rate: float
    low: float
    high: float
    fooled: int
    ties: int
    pairs: int

    def __str__(self):
        return f"{_percent(self)}, {self.fooled} of {self.pairs} pairs" + (f", {self.ties} ties" if self.ties else "")


class Human(NamedTuple):
    """A row of an Amazon Mechanical Turk study: share of the trials in which people took the fake for the real one."""
    name: str
    source: str
    rate: float
    standard_error: float | None

    @property
    def low(self) -> float | None:
        """Lower end of the 95 % interval; None where no standard error is known."""
        return None if self.standard_error is None else self.rate - Z * self.standard_error

    @property
    def high(self) -> float | None:
        """Upper end, likewise."""
        return None if self.standard_error is None else self.rate + Z * self.standard_error


_ZHANG = "Zhang, Isola & Efros, ECCV 2016, Table 1"  # forty people a method, 40 trials each, one second a picture
_ISOLA = "Isola et al., CVPR 2017, AMT colorization"  # another crowd: compare within a source before across
HUMANS = (
    Human("real photographs", _ZHANG, 0.500, None),
    Human("classification + rebalancing (full)", _ZHANG, 0.323, 0.022),
    Human("Larsson et al.", _ZHANG, 0.272, 0.027),
    Human("classification", _ZHANG, 0.252, 0.027),
    Human("L2, fine-tuned", _ZHANG, 0.239, 0.028),
    Human("L2", _ZHANG, 0.212, 0.025),
    Human("Dahl", _ZHANG, 0.183, 0.028),
    Human("random colours", _ZHANG, 0.130, 0.044),
    Human("Zhang et al. (full)", _ISOLA, 0.278, 0.027),
    Human("cGAN + L1", _ISOLA, 0.225, 0.016),
    Human("Zhang et al. (L2)", _ISOLA, 0.163, 0.024),
)


def fooling_rate(real_scores, fake_scores, groups=None, seed: int = 0) -> FoolingRate:
    """How often a fake scores higher than the photograph it was made from.

    Args:
        real_scores, fake_scores: (N,) each, tensors, arrays or lists; entry i of both belongs to the same photograph.
            Higher means more real. Only the order matters, so use logits, which do not saturate.
        groups: (N,) labels where several pairs come from one photograph (crops): the interval resamples photographs.
        seed: of the bootstrap.
    Returns:
        FoolingRate. The interval is Wilson's, or, with ties or crops of one photograph, a bootstrap.
    Raises:
        ValueError: unequal lengths, no pairs, NaN.
    """
    real, fake = _paired(real_scores, fake_scores)
    count, ties, pairs = int((fake > real).sum()), int((fake == real).sum()), len(real)
    won = fooled(real, fake)
    crops = groups is not None and len(np.unique(groups)) < pairs
    rate, low, high = _share(won, groups, seed) if ties or crops else (count / pairs, *wilson(count, pairs))
    return FoolingRate(rate, low, high, count, ties, pairs)


def fooled(real, fake):
    """Scores (N,) twice, tensors or arrays -> 1 where the fake beats its own original, 0.5 for a tie, else 0."""
    return (fake > real) + 0.5 * (fake == real)


def accuracy(real_scores, fake_scores, groups=None, seed: int = 0) -> Proportion:
    """Share of single images on their right side of the threshold: real above a logit of 0, fake not above it.

    A photograph and its fake are alike, so their two answers are not independent: the interval resamples pairs (or
    ``groups`` of pairs), never single images.

    Args and Raises: as ``fooling_rate``, but the scores must be logits: here their sign matters.
    """
    real, fake = _paired(real_scores, fake_scores)
    return Proportion(*_share(((real > 0) * 1.0 + (fake <= 0)) / 2, groups, seed))


def single_image_d_prime(real_scores, fake_scores, groups=None, seed: int = 0,
                         n: int = 2000) -> Estimate:
    """How far real and fake images lie apart one by one: difference of means over the mean spread.

    (mean(real) - mean(fake)) / sqrt((var(real) + var(fake)) / 2): 0 where single images cannot be
    told apart. Pairs still may be: see `paired_d_prime`.

    Args and Raises: as ``fooling_rate``; the unit of the scores does not matter. n: resamples.
    Returns:
        Estimate, its interval a bootstrap over photographs.
    """
    real, fake = _paired(real_scores, fake_scores)

    def d_prime(counts):  # (m, N), how often each photograph was drawn -> (m,)
        spread = np.sqrt((_variance(counts, real) + _variance(counts, fake)) / 2)
        return _over(_mean(counts, real - fake), spread)

    return _resampled(d_prime, len(real), n, seed, groups)


def paired_d_prime(real_scores, fake_scores, groups=None, seed: int = 0, n: int = 2000) -> Estimate:
    """How far each fake lies below its own original: mean(real - fake) / sd(real - fake).

    What makes a photograph look real in both versions cancels, so this is what goes with the
    fooling rate: were the differences normal, it would be Phi(-d'). 0 is perfect deception.

    Args, Returns and Raises: as ``single_image_d_prime``.
    """
    real, fake = _paired(real_scores, fake_scores)

    def d_prime(counts):
        return _over(_mean(counts, real - fake), np.sqrt(_variance(counts, real - fake)))

    return _resampled(d_prime, len(real), n, seed, groups)


def roc_area(real_scores, fake_scores, groups=None, seed: int = 0, n: int = 2000) -> Estimate:
    """Area under the ROC curve: how often a real image scores above the fake of any photograph.

    In [0, 1]; 0.5 is chance, ties count one half. Unlike `fooling_rate` it compares all pairs.

    Args, Returns and Raises: as ``single_image_d_prime``.
    """
    real, fake = _paired(real_scores, fake_scores)
    above = fooled(fake[:, None], real)  # (N, N): fake i, real j

    def area(counts):
        return ((counts @ above) * counts).sum(1) / counts.sum(1) ** 2

    return _resampled(area, len(real), n, seed, groups)


@torch.no_grad()
def score(discriminator, images, batch: int = 64) -> Tensor:
    """Logits of a discriminator, higher for more real; dropout is off, and the network's modes are restored after.

    Args:
        discriminator: takes float RGB (n, 3, H, W) in [0, 1] and returns logits (n,).
        images: uint8 (N, 3, H, W), 150x150 for the paper's CNN; a tensor or a NumPy array, also one mapped from disk.
        batch: images at a time.
    Returns:
        float32 (N,), on the CPU.
    Raises:
        TypeError: images are not uint8. ValueError: not (N, 3, H, W), or none.
    """
    images = torch.as_tensor(images)
    if images.dtype != torch.uint8:
        raise TypeError(f"images has dtype {images.dtype}; expected uint8, as pairs keeps them")
    if images.ndim != 4 or images.shape[1] != 3 or not len(images):
        raise ValueError(f"images has shape {tuple(images.shape)}; expected (N, 3, H, W) with N >= 1")
    with evaluating(discriminator) as device:
        return torch.cat([discriminator(part.to(device).float() / 255).float().cpu() for part in images.split(batch)])


def _share(values: np.ndarray, groups, seed: int) -> tuple[float, float, float]:
    """Mean of values in [0, 1] with a bootstrap interval; Wilson's where all are equal and resampling says nothing."""
    if (values == values[0]).all():
        n = len(values) if groups is None else len(np.unique(groups))
        return (float(values[0]), *wilson(float(values[0]) * n, n))
    values = np.sort(values) if groups is None else values  # the order of the pairs must not change the interval
    return tuple(bootstrap_mean(values, seed=seed, groups=groups))


def _resampled(statistic, items: int, n: int, seed: int, groups) -> Estimate:
    """A statistic of counts (m, N) for all photographs, with its bootstrap interval."""
    value = float(statistic(np.ones((1, items)))[0])
    return Estimate(value, *bootstrap(statistic, items, n, seed, groups))


def _mean(counts: np.ndarray, values: np.ndarray) -> np.ndarray:
    return counts @ values / counts.sum(1)


def _variance(counts: np.ndarray, values: np.ndarray) -> np.ndarray:
    centered = values - values.mean()  # else digits cancel
    total = counts.sum(1)
    squares = counts @ centered**2 - total * _mean(counts, centered) ** 2
    return squares.clip(min=0) / (total - 1).clip(min=1)


def _over(difference: np.ndarray, spread: np.ndarray) -> np.ndarray:
    return difference / spread.clip(min=1e-6)


def _paired(real_scores, fake_scores) -> tuple[np.ndarray, np.ndarray]:
    real, fake = _numbers(real_scores, "real_scores", (1,)), _numbers(fake_scores, "fake_scores", (1,))
    if len(real) != len(fake):
        raise ValueError(f"real_scores has {len(real)} entries and fake_scores {len(fake)}; expected pairs: one each")
    return real, fake


def _percent(row) -> str:
    return f"{row.rate:.1%} [{row.low:.1%}, {row.high:.1%}]"
