"""Drawing for explorers that follow a slider: Pillow on a sheet of fixed size, milliseconds where matplotlib takes tenths of a second."""

from functools import lru_cache
from pathlib import Path

import matplotlib
import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ..color import into_gamut, lab_to_rgb, to_8_bit
from ..style import INK

GAP, LINE = 12, 22  # pixels between two boxes; of a line of text


class Canvas:
    """A white sheet: ``image``, a Pillow image, and ``draw``, its pen."""

    def __init__(self, width: int, height: int):
        self.image = Image.new("RGB", (width, height), "white")
        self.draw = ImageDraw.Draw(self.image)

    def tile(self, picture, box: tuple[int, int, int, int], title: str, caption: str = "") -> tuple[int, int, int, int]:
        """Put a picture into a box below its title, and a caption below the picture.

        Args:
            picture: uint8 (H, W, 3), or a Pillow image. box: left, top, width, height of all three.
        Returns:
            left, top, width, height that the picture takes.
        """
        left, top, width, height = box
        picture = fitted(picture, width, height - LINE - (LINE if caption else 0))
        self.write(title, left, top)
        self.image.paste(picture, (left, top + LINE))
        if caption:
            self.write(caption, left, top + LINE + picture.height + 3)
        return left, top + LINE, *picture.size

    def write(self, text: str, x: float, y: float, anchor: str = "la", size: int = 14, halo: int = 0) -> None:
        """Text at a point; anchor as Pillow has it: "la" begins there, at its upper edge. halo: pixels of white around the letters."""
        self.draw.text((x, y), text, INK, font(size), anchor, stroke_width=halo, stroke_fill="white")

    def ring(self, x: float, y: float, radius: int = 9) -> None:
        """A white ring between two dark ones, to be seen on anything."""
        for r, color, width in ((radius + 2, "black", 6), (radius, "white", 2)):
            self.draw.ellipse((x - r, y - r, x + r, y + r), outline=color, width=width)

    @property
    def pixels(self) -> np.ndarray:
        """uint8 (H, W, 3)."""
        return np.array(self.image)


def fitted(picture, width: int, height: int) -> Image.Image:
    """As large as the box allows: shrunk smoothly, or enlarged by a whole number, so that pixels stay squares."""
    picture = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    scale = min(width / picture.width, height / picture.height)
    if scale >= 1:
        size, how = (int(scale) * picture.width, int(scale) * picture.height), Image.Resampling.NEAREST
    else:
        size, how = [max(1, round(scale * side)) for side in picture.size], Image.Resampling.BILINEAR
    return picture if tuple(size) == picture.size else picture.resize(size, how)


def painted(L: Tensor, ab: Tensor | None = None) -> np.ndarray:
    """L ``(1, H, W)`` and ab ``(2, H, W)``, or grey -> uint8 (H, W, 3); ab is brought into the gamut."""
    lab = torch.cat((L, torch.zeros_like(L).expand(2, -1, -1) if ab is None else ab))
    return np.ascontiguousarray(to_8_bit(lab_to_rgb(into_gamut(lab))).movedim(0, -1).numpy())


@lru_cache(maxsize=8)
def font(size: int) -> ImageFont.FreeTypeFont:
    """The letters of the figures, DejaVu Sans, which come with matplotlib."""
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans.ttf"), size)
