"""Do the colours hold? A photograph made lighter, flatter, smaller, cropped or turned, and what the generator makes of it then.

    generator.explore()    with the photographs that ship, or one's own
    generator.sheet()      the same on paper, for six changes

To people a sky stays blue in a darker print, upside down, and in a detail of it. The network's colours for the changed
photograph are compared, pixel by pixel, with its colours for the untouched one, moved to the same places.
"""

from copy import copy
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib import colormaps
from PIL import Image
from torch import Tensor

from ..bins import AbBins
from ..color import rgb_to_lab
from ..generators import working_size
from ..metrics import mean_chroma
from .canvas import GAP, LINE, Canvas, painted
from .explorer import Explorer, Shown, choice, slider
from .own_photo import SIDE, OwnPhotos, pocket

WIDTH, HEIGHT = 1024, 364  # pixels of the picture
SMALL, LARGE = 232, 384  # widths of its columns
SMALLEST = 64  # pixels that the network sees
TURNS = ("0°", "90°", "180°", "270°", "mirrored")  # anticlockwise
UNTOUCHED = {"brightness": 0, "contrast": 1.0, "crop": 100, "rotation": "0°"}  # and the size at which the generator works
FAR = 40  # units of a and b: where the map is brightest
BRIGHT = (255 * colormaps["cividis"](np.arange(256))[:, :3]).round().astype(np.uint8)  # (256, 3), from dark to bright
CHANGES = {"untouched": {}, "lighter by 25": {"brightness": 25}, "contrast halved": {"contrast": 0.5}, "middle half": {"crop": 50},
           "upside down": {"rotation": "180°"}, "96 pixels": {"size": 96}}  # of the sheet


class Compared(NamedTuple):
    """L ``(1, h, w)`` as the network sees it; its ab ``(2, h, w)`` for that, and for the untouched photograph, in the same places; and L
    ``(1, H, W)``, changed in the same way, but not shrunk."""

    L: Tensor
    ab: Tensor
    untouched: Tensor
    whole: Tensor

    @property
    def difference(self) -> Tensor:
        """Distance of the two on the ab plane, ``(h, w)``."""
        return (self.ab - self.untouched).square().sum(0).sqrt()

    def painted(self, ab: Tensor) -> np.ndarray:
        """L, not shrunk, in one of the two colourings, brought to its size: uint8 (H, W, 3)."""
        return painted(self.whole, resized(ab, tuple(self.whole.shape[1:])))


class Changing:
    """The explorer without its controls: what is computed once, and `render`. ``size``: at which the generator works by itself."""

    def __init__(self, generator=None, images: dict[str, Tensor] | None = None):
        self.generator = copy(pocket() if generator is None else generator)  # with the same weights
        self.size, self.generator.work_size = min(max(self.generator.work_size, SMALLEST), SIDE), SIDE  # it takes what it is given
        self.bins, self.photos = AbBins(), OwnPhotos(images)
        self.untouched = lru_cache(maxsize=32)(self._untouched)

    def _untouched(self, photo: str) -> tuple[Tensor, Tensor]:
        """L ``(1, H, W)`` of a photograph, and the generator's ab ``(2, h, w)`` for it. Runs the network."""
        L = rgb_to_lab(self.photos[photo])[:1]
        small = resized(L, working_size(*L.shape[1:], self.size))
        return L, self.generator.colorize(small[None].clamp(0, 100))[0]

    def compare(self, photo: str, brightness: float, contrast: float, crop: float, rotation: str, size: int) -> Compared:
        """Change the photograph and colour it again.

        Args:
            photo: its name. brightness: is added to L. contrast: scales L around 50. crop: per cent of both sides that are kept,
                around the middle. rotation: one of `TURNS`. size: pixels that the shorter side of the whole photograph is shrunk to,
                before the crop; it is never enlarged. So a crop takes away surroundings, and a size takes away detail.
        """
        L, untouched = self.untouched(photo)
        seen = working_size(*L.shape[1:], size)
        whole = (L * contrast + (50 * (1 - contrast) + brightness)).clamp(0, 100)
        whole, L, untouched = (framed(image, crop, rotation) for image in (whole, resized(whole, seen), resized(untouched, seen)))
        return Compared(L, self.generator.colorize(L[None].clamp(0, 100))[0], untouched, whole)

    def render(self, photo: str, **changes) -> Shown:
        """The picture after some changes, named as in `compare`."""
        found = self.compare(photo, **changes)
        canvas, half = Canvas(WIDTH, HEIGHT), (HEIGHT - GAP) // 2
        height, width = found.L.shape[1:]
        canvas.tile(painted(found.L), (0, 0, SMALL, half), f"it sees {width} × {height} pixels")
        canvas.tile(heat(found.difference), (0, half + GAP, SMALL, half - LINE), "how far the colours are apart")
        canvas.image.paste(scale_bar(SMALL), (0, HEIGHT - LINE))
        for left, ab, title in ((SMALL + GAP, found.ab, "its colours for that"),
                                (SMALL + LARGE + 2 * GAP, found.untouched, "its colours for the untouched photograph")):
            canvas.tile(found.painted(ab), (left, 0, LARGE, HEIGHT), title, f"mean chroma {float(mean_chroma(ab)):.1f}")
        return Shown(canvas.pixels, self.words(found))

    def words(self, found: Compared) -> str:
        chroma, before = float(mean_chroma(found.ab)), float(mean_chroma(found.untouched))
        apart = float(found.difference.mean())
        moved = (self.bins.nearest(found.ab) != self.bins.nearest(found.untouched)).float().mean()
        return (f"Do the colours hold? {verdict(apart, before)} The two colourings are {apart:.1f} apart on the ab plane on average; "
                f"plain grey would be {before:.1f} from the untouched one. Mean chroma: {chroma:.1f} as changed, {before:.1f} untouched. "
                f"The nearest bin is another in {100 * moved:.0f} % of the pixels.")


def verdict(apart: float, grey: float) -> str:
    """In words, how far two colourings are apart, by how far plain grey would be."""
    if apart == 0:
        return "They are the same."
    share = apart / max(grey, 1e-6)
    return "Nearly." if share < 0.2 else "In part." if share < 0.6 else "Hardly." if share < 1 else "No: grey would be nearer."


def resized(image: Tensor, size: tuple[int, int]) -> Tensor:
    """(C, H, W) -> (C, *size), as it is where that is its size."""
    return image if size == tuple(image.shape[1:]) else F.interpolate(image[None], size, mode="bilinear", antialias=True)[0]


def framed(image: Tensor, crop: float, rotation: str) -> Tensor:
    """(C, H, W) -> its middle, ``crop`` per cent of both sides, turned or mirrored."""
    height, width = (max(1, round(crop / 100 * side)) for side in image.shape[1:])
    top, left = (image.shape[1] - height) // 2, (image.shape[2] - width) // 2
    image = image[:, top:top + height, left:left + width]
    return image.flip(-1) if rotation == "mirrored" else image.rot90(TURNS.index(rotation), (-2, -1))


def heat(difference: Tensor) -> np.ndarray:
    """(h, w) -> uint8 (h, w, 3), dark at 0, brightest from `FAR` on."""
    return BRIGHT[(difference / FAR * 255).clamp(0, 255).byte().numpy()]


@lru_cache(maxsize=2)
def scale_bar(width: int) -> Image.Image:
    """What the brightness of the map means, a line high."""
    canvas = Canvas(width, LINE)
    strip = BRIGHT[np.linspace(0, 255, width - 110).astype(int)][None].repeat(12, 0)  # (12, W, 3)
    canvas.image.paste(Image.fromarray(strip), (14, 5))
    canvas.write("0", 0, 3)
    canvas.write(f"{FAR} or more", width, 3, "ra")
    return canvas.image


def explore(generator=None, images: dict[str, Tensor] | None = None) -> Explorer:
    """The explorer, as a cell's last value.

    Args:
        generator: None takes the one that ships.
        images: {name: RGB (3, H, W), floating in [0, 1] or uint8}; None takes the embedded samples.
    """
    it = Changing(generator, images)
    return Explorer(it.render, {"photo": it.photos.control, "brightness": slider("brightness", -40, 40, 0),
                                "contrast": slider("contrast", 0.2, 2.0, 1.0, 0.1), "crop": slider("share kept, %", 30, 100, 100, 5),
                                "rotation": choice("turned by", TURNS), "size": slider("size, pixels", SMALLEST, SIDE, it.size, 8)},
                    HEIGHT, "Do the colours hold?", it.photos.beside)


def sheet(generator=None, images: dict[str, Tensor] | None = None, photo: str = "", changes: dict[str, dict] | None = None):
    """The explorer on paper: a row for each change of one photograph.

    Args:
        generator, images: as `explore`. photo: a name among the images; "" takes the first.
        changes: {name: the controls' values that differ from `UNTOUCHED`}; None takes `CHANGES`.
    Returns:
        the Picture.
    """
    from ..plots import show_rows

    it = Changing(generator, images)
    rows, captions = [], []
    for change in (CHANGES if changes is None else changes).values():
        found = it.compare(photo or it.photos.control.value, **{**UNTOUCHED, "size": it.size, **change})
        pictures = painted(found.L), found.painted(found.ab), found.painted(found.untouched), heat(found.difference)
        rows.append([torch.from_numpy(pixels).movedim(-1, 0) for pixels in pictures])
        height, width = found.L.shape[1:]
        captions.append([f"{width} × {height}", *(f"chroma {float(mean_chroma(ab)):.1f}" for ab in found[1:3]),
                         f"{float(found.difference.mean()):.1f} apart"])
    return show_rows(rows, ["the network sees", "its colours for that", "for the untouched", f"distance, {FAR} is bright"],
                     list(CHANGES if changes is None else changes), captions)
