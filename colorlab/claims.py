"""What galleries make one say, as numbers: variety of hue, sepia, red patches, and whether scores follow.

Mu & Lee describe their galleries in words (section 3.3). Here each word is a measure of an image, and a claim
is a rank correlation with an interval. Chroma itself is `metrics.mean_chroma`. Hues are angles of (a, b) in
degrees: 0 towards +a (pink red), 90 towards +b (yellow), 180 green, 270 blue.
"""

import math

import numpy as np
import torch
from torch import Tensor

from .color import _image
from .judging import Estimate, _numbers, bootstrap

SECTORS = 24  # of the circle of hues, 15 degrees each
GREY = 5.0  # chroma below which a pixel has no hue worth the name, as in training
SEPIA = 65.0  # the hue of a sepia print, which is that of the pigment (#704214)
RED, RED_REACH, RED_CHROMA = 30.0, 25.0, 30.0  # hues from 5 to 55: tomato and brick, not orange, not pink


def hue_variety(ab: Tensor) -> Tensor:
    """How many hues an image has: (..., 2, H, W) -> (...), from 1 (all alike) to 24; 0 where all is grey.

    The exponential of the entropy of the hues in 24 sectors, each pixel counted by its chroma: the number of
    equally common hues that would be as varied.
    """
    a, b = _image(ab, "ab", 2).flatten(-2).unbind(-2)  # (..., H * W)
    sector = (torch.atan2(b, a) / (2 * math.pi) * SECTORS).floor().long() % SECTORS
    chroma = torch.hypot(a, b)
    counted = torch.where(chroma >= GREY, chroma, 0)
    mass = a.new_zeros(*a.shape[:-1], SECTORS).scatter_add_(-1, sector, counted)
    share = mass / mass.sum(-1, keepdim=True).clamp(min=1e-9)
    return torch.where(mass.sum(-1) > 0, torch.special.entr(share).sum(-1).exp(), 0)


def sepia(ab: Tensor) -> Tensor:
    """How much of the colour is one brown wash: (..., 2, H, W) -> (...), 1 where every pixel has sepia's hue.

    The mean colour's component along that hue over the mean chroma: 0 where hues balance out, below 0 for
    bluish images.
    """
    a, b = _image(ab, "ab", 2).flatten(-2).unbind(-2)
    along = a * math.cos(math.radians(SEPIA)) + b * math.sin(math.radians(SEPIA))
    return along.mean(-1) / torch.hypot(a, b).mean(-1).clamp(min=1e-9)


def red_share(ab: Tensor) -> Tensor:
    """Share of the pixels that are plainly red: (..., 2, H, W) -> (...), in [0, 1]."""
    return is_red(ab).double().mean((-2, -1))


def is_red(ab: Tensor) -> Tensor:
    """Which pixels are plainly red, by hue and chroma: (..., 2, H, W) -> bool (..., H, W)."""
    a, b = _image(ab, "ab", 2).unbind(-3)
    away = (torch.rad2deg(torch.atan2(b, a)) - RED + 180) % 360 - 180
    return (away.abs() <= RED_REACH) & (torch.hypot(a, b) >= RED_CHROMA)


def rank_correlation(x, y, n: int = 2000, seed: int = 0, groups=None) -> Estimate:
    """Spearman's rank correlation of x and y, each (N,), in [-1, 1], with a 95 % bootstrap interval.

    Args:
        n: resamples. groups: (N,) labels; crops of one photograph share theirs, and are drawn together.
    Returns:
        Estimate; NaN thrice where all x, or all y, are equal.
    Raises:
        ValueError: unequal lengths, NaN.
    """
    x, y = _numbers(x, "x", (1,)), _numbers(y, "y", (1,))
    if len(x) != len(y):
        raise ValueError(f"x has {len(x)} and y {len(y)} numbers; expected as many of each")
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return Estimate(math.nan, math.nan, math.nan)

    def statistic(counts):  # (m, N), how often each image was drawn -> (m,)
        return _correlation(_ranks(x, counts), _ranks(y, counts), counts)

    return Estimate(float(statistic(np.ones((1, len(x))))[0]), *bootstrap(statistic, len(x), n, seed, groups))


def _ranks(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Mid-ranks (m, N) of values (N,), each taken as often as counts (m, N) say; equals share a rank."""
    _, place = np.unique(values, return_inverse=True)
    order = np.argsort(place, kind="stable")
    first = np.searchsorted(place[order], np.arange(place.max() + 1))
    mass = np.add.reduceat(counts[:, order], first, axis=1)  # (m, distinct values)
    return (mass.cumsum(1) - mass / 2)[:, place]


def _correlation(x: np.ndarray, y: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Pearson's correlation of rows of x and y (m, N), weighted by counts (m, N); 0 where one is constant."""
    total = counts.sum(1, keepdims=True)
    x, y = (v - (counts * v).sum(1, keepdims=True) / total for v in (x, y))
    together, alone = (counts * x * y).sum(1), (counts * x * x).sum(1) * (counts * y * y).sum(1)
    return np.divide(together, np.sqrt(alone), out=np.zeros_like(together), where=alone > 0)
