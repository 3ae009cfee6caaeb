"""What a picture looks like to an eye that sees fewer colours, or none.

Machado, Oliveira & Fernandes, *A Physiologically-based Model for Simulation of Color Vision Deficiency*, IEEE TVCG 15(6), 2009:
a matrix on linear RGB for each missing kind of cone. A figure that says the same in all of these views says nothing by hue alone.
"""

import torch
from torch import Tensor

from .color import RGB_TO_XYZ, linear_to_srgb, srgb_to_linear, to_8_bit

LUMINANCE = RGB_TO_XYZ[1]
MATRICES = {  # linear RGB -> linear RGB; of Machado et al. at full severity, to their six digits
    "lightness only": (LUMINANCE, LUMINANCE, LUMINANCE),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
VIEWS = ("all colours", *MATRICES)


def as_seen(rgb: Tensor, view: str) -> Tensor:
    """The picture in one of the `VIEWS`.

    Args:
        rgb: uint8 ``(..., 3, H, W)``.
        view: "all colours" returns it unchanged; "lightness only" keeps luminance; the others leave out one kind of cone.
    Returns:
        uint8, the same shape.
    Raises:
        ValueError: another view.
    """
    if view not in VIEWS:
        raise ValueError(f"view is {view!r}; expected one of {', '.join(VIEWS)}")
    if view == VIEWS[0]:
        return rgb
    linear = srgb_to_linear(torch.arange(256, device=rgb.device) / 255)[rgb.int()]  # of the 256 levels
    seen = torch.einsum("ij,...jhw->...ihw", torch.tensor(MATRICES[view], device=rgb.device), linear)
    return to_8_bit(linear_to_srgb(seen.clamp(0, 1)))
