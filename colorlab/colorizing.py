"""A photograph of any size in, the same in a generator's colours out: `python -m colorlab colorize`."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from . import decoding, generators
from .color import lab_to_rgb, rgb_to_lab, to_8_bit

STRIP = 2**19  # pixels converted at a time: the conversion makes a dozen float32 copies


def colorize_file(source, target, weights: str = "pocket", temperature: float = 0.38) -> None:
    """Color one file into another, which appears whole or not at all. Size (once upright) and L stay.

    weights: see `generators.load`. Raises PhotoError, WeightsError or ValueError, each with one line.
    """
    decoding.check_output(target)
    if Path(target).exists() and Path(source).exists() and os.path.samefile(source, target):
        raise ValueError(f"IN and OUT are both {str(target)!r}: give another name for OUT")
    image = decoding.open_image(source)
    generator = generators.load(weights)
    decoding.save_photo(colorize_pixels(generator, np.array(image), temperature), target)


@torch.no_grad()
def colorize_pixels(generator, pixels: np.ndarray, temperature: float = 0.38) -> Tensor:
    """(H, W, 3) uint8 -> uint8 (3, H, W) with its L and the generator's ab.

    Lab is computed in strips, so that 12 million pixels need some hundred MB, not several GB.
    """
    rgb = torch.from_numpy(pixels).permute(2, 0, 1)  # (3, H, W)
    rows = max(1, STRIP // rgb.shape[2])
    L = torch.cat([rgb_to_lab(strip)[:1] for strip in rgb.split(rows, dim=1)], dim=1)  # (1, H, W)
    ab = generator.colorize(L[None], temperature=temperature)[0]  # (2, H, W)
    out = torch.empty_like(rgb, memory_format=torch.contiguous_format)
    for strip, lightness, chroma in zip(out.split(rows, 1), L.split(rows, 1), ab.split(rows, 1)):
        strip.copy_(to_8_bit(lab_to_rgb(torch.cat((lightness, chroma)))))
    return out
