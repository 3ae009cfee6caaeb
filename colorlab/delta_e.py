"""CIEDE2000, the colour difference that follows what people see most closely.

The Euclidean distance in Lab overstates differences between vivid colours. CIEDE2000 weighs lightness, chroma and hue
apart, each by where in the space it is, and turns the ellipses of equal difference among the blues.

Source: Sharma, Wu & Dalal, *The CIEDE2000 color-difference formula: implementation notes, supplementary test data, and
mathematical observations* (Color Research and Application, 2005), whose 34 test pairs this reproduces.
"""

import torch
from torch import Tensor

from .color import _check_same_size, _image


def ciede2000(lab_hat: Tensor, lab: Tensor) -> Tensor:
    """Colour difference as people see it: CIEDE2000 with k_L = k_C = k_H = 1; about 1 can just be told.

    Args:
        lab_hat, lab: Lab ``(..., 3, H, W)``; symmetric in the two.
    Returns:
        ``(..., H, W)``.
    """
    _check_same_size(_image(lab_hat, "lab_hat", 3), "lab_hat", _image(lab, "lab", 3), "lab")
    (L1, a1, b1), (L2, a2, b2) = lab_hat.unbind(-3), lab.unbind(-3)
    stretch = 1.5 - 0.5 * _steep((a1.hypot(b1) + a2.hypot(b2)) / 2)  # spreads near-greys along a
    C1, C2 = (a1 * stretch).hypot(b1), (a2 * stretch).hypot(b2)
    h1, h2 = (torch.atan2(b, a * stretch) % (2 * torch.pi) for a, b in ((a1, b1), (a2, b2)))
    apart = (h1 - h2).abs() > torch.pi  # the short way from one hue to the other leads through 0
    dh = torch.where(apart, h2 - h1 - 2 * torch.pi * (h2 - h1).sign(), h2 - h1)
    h = torch.where(apart, (h1 + h2) / 2 + torch.pi, (h1 + h2) / 2)
    h = torch.where(C1 * C2 == 0, h1 + h2, h) % (2 * torch.pi)  # a grey has no hue of its own: take the other's
    L, C, dH = (L1 + L2) / 2, (C1 + C2) / 2, 2 * (C1 * C2).sqrt() * (dh / 2).sin()
    T = (1 - 0.17 * (h - _rad(30)).cos() + 0.24 * (2 * h).cos() + 0.32 * (3 * h + _rad(6)).cos()
         - 0.20 * (4 * h - _rad(63)).cos())
    blue = torch.exp(-(((h - _rad(275)) / _rad(25)) ** 2))  # where hue and chroma are seen together
    dL = (L2 - L1) / (1 + 0.015 * (L - 50) ** 2 / (20 + (L - 50) ** 2).sqrt())
    dC, dH = (C2 - C1) / (1 + 0.045 * C), dH / (1 + 0.015 * C * T)
    turn = -2 * _steep(C) * (2 * _rad(30) * blue).sin()
    return (dL**2 + dC**2 + dH**2 + turn * dC * dH).clamp(min=0).sqrt()


def _steep(chroma: Tensor) -> Tensor:
    """CIEDE2000's switch from 0 for greys to 1 for vivid colours, half-way near a chroma of 25."""
    return (chroma**7 / (chroma**7 + 25.0**7)).sqrt()


def _rad(degrees: float) -> float:
    return degrees * torch.pi / 180
