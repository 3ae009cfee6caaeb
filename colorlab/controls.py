"""Fakes made by rule instead of by a network, to find out what a judge goes by.

The colours of `blurred_chroma` are the true ones, at a generator's resolution; those of `random_color` are real, but of
another photograph; `grey` has none. A color that sRGB cannot show at its pixel's L is brought into
the gamut (`color.into_gamut`), so that a control differs from its photograph in ab alone.

Images are uint8 ``(N, 3, H, W)``, and so are the results; `pairs.from_images` sets them beside
their originals.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from .color import into_gamut, lab_to_rgb, rgb_to_lab, to_8_bit


def blurred_chroma(images: Tensor, factor: int = 4) -> Tensor:
    """Control: each photograph with its own ab, averaged over factor x factor pixels and enlarged as a generator does.

    A judge that tells these from the originals sees how sharp the chroma is, not how plausible.
    """
    if factor < 1 or images.shape[-2] % factor or images.shape[-1] % factor:
        raise ValueError(f"factor is {factor}; expected a divisor of the images' size {tuple(images.shape[-2:])}")

    def ab(lab: Tensor, index: Tensor) -> Tensor:
        small = F.avg_pool2d(lab[:, 1:], factor)
        return F.interpolate(small, lab.shape[-2:], mode="bilinear", align_corners=False)

    return _recolor(images, ab)


def random_color(images: Tensor, seed: int = 0) -> Tensor:
    """Control: each photograph with the ab of another one drawn by chance, as in Zhang et al.'s "random" row."""
    if len(images) < 2:
        raise ValueError(f"images has {len(images)} photograph(s); expected 2 or more, to take colours from another")
    ring = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))
    donor = torch.empty_like(ring).scatter_(0, ring, ring.roll(1))  # a ring through all: none gives to itself
    return _recolor(images, lambda lab, i: rgb_to_lab(images.index_select(0, donor[i]))[:, 1:])


def grey(images: Tensor) -> Tensor:
    """Control: each photograph without colour (a = b = 0, the same L)."""
    return _recolor(images, lambda lab, i: torch.zeros_like(lab[:, 1:]))


def constant(images: Tensor, ab: tuple[float, float]) -> Tensor:
    """Control: each photograph in one colour, such as that of `metrics.best_constant`."""
    return _recolor(images, lambda lab, i: torch.tensor(ab).to(lab)[:, None, None].expand_as(lab[:, 1:]))


def unchanged(images: Tensor) -> Tensor:
    """Control: each photograph with its own colours, sent down the path of a fake; 8 bits lead back to themselves."""
    return _recolor(images, lambda lab, i: lab[:, 1:])


def _recolor(images: Tensor, ab_of: Callable, batch: int = 16) -> Tensor:
    """Images (N, 3, H, W) uint8 with ab replaced by ab_of(lab (n, 3, H, W), index (n,)), at full size."""
    done = torch.empty_like(images)
    for index in torch.arange(len(images)).split(batch):
        lab = rgb_to_lab(images.index_select(0, index))
        recolored = into_gamut(torch.cat((lab[:, :1], ab_of(lab, index)), 1))
        done[index] = to_8_bit(lab_to_rgb(recolored))
    return done
