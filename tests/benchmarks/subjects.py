"""What the benchmarks work on: photographs of the installed wheels, cut to the sizes that a training sees."""

import torch
from torch import Tensor

from colorlab import color, photos
from colorlab.training import random_crops


def squares(n: int, size: int) -> Tensor:
    """uint8 RGB (n, 3, size, size), crops of the embedded samples."""
    images = photos.load("embedded").square(256, progress=False)
    return random_crops(images.index_select(0, torch.arange(n) % len(images)), size, True, 0)


def ab(n: int, side: int) -> Tensor:
    """float32 ab (n, 2, side, side): the truth at the network's output size, for crops of 4 side."""
    return torch.nn.functional.avg_pool2d(color.rgb_to_lab(squares(n, 4 * side))[:, 1:], 4)
