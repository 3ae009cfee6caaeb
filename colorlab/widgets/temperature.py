"""What a temperature does: a photograph from mode to mean, and the distribution of one of its pixels.

    temperature.explore()    with the photographs that ship, or one's own
    temperature.sheet()      the same on paper, at four temperatures

The annealed mean of Zhang, Isola & Efros (*Colorful Image Colorization*, ECCV 2016, equation 5) sharpens a distribution by a
temperature T and takes its mean: T = 1 is the mean, T -> 0 the mode. It comes after the network, so the network runs once a
photograph, and a slider that moves redoes a softmax and a mean.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..bins import AbBins
from ..color import rgb_to_lab
from ..metrics import mean_chroma
from .canvas import GAP, LINE, Canvas, painted
from .distribution import distribution
from .explorer import Explorer, Shown, slider
from .own_photo import OwnPhotos, pocket

HEIGHT, SMALL, LARGE, PLANE = 400, 232, 384, 408  # pixels of the picture, and the widths of its columns
WIDTH = SMALL + LARGE + PLANE + 2 * GAP
KEY = ("discs: sharpened by T; circles: what the network said", "□ mode   ○ mean   ◆ annealed mean at T, and its way")
GREY = 5  # a photograph whose |a| and |b| are all below has no colours of its own


class Answer(NamedTuple):
    """A photograph and what the network says of it: L ``(1, H, W)``; ab ``(2, H, W)``, its own, None where it is grey; logits
    ``(1, Q, h, w)``, a cell for each 4 × 4 pixels of the size that the network saw; and two pictures that no slider changes."""

    L: Tensor
    ab: Tensor | None
    logits: Tensor
    seen: tuple[int, int]
    grey: np.ndarray
    original: np.ndarray


class Annealing:
    """The explorer without its controls: what is computed once, and `render`."""

    def __init__(self, generator=None, images: dict[str, Tensor] | None = None):
        self.generator = pocket() if generator is None else generator
        if self.generator.bins is None:
            raise ValueError("generator has no bins; expected one that answers with a distribution: a temperature needs one")
        self.bins, self.photos = AbBins(self.generator.bins.step), OwnPhotos(images)
        self.answer = lru_cache(maxsize=16)(self._answer)  # 8 MB each

    @torch.no_grad()
    def _answer(self, photo: str) -> Answer:
        """Runs the network."""
        lab = rgb_to_lab(self.photos[photo])
        L, ab = lab[:1], lab[1:] if lab[1:].abs().max() > GREY else None
        logits, seen = self.generator.run(L[None])
        return Answer(L, ab, logits, seen, painted(L), painted(L, ab))

    def colors(self, photo: str, temperature: float) -> Tensor:
        """ab ``(2, H, W)``, what the generator's `colorize` gives, from the logits that are there."""
        answer = self.answer(photo)
        return self.generator.paint(answer.L[None], answer.logits, answer.seen, temperature)[0]

    def place(self, photo: str, x: float, y: float) -> tuple[int, int]:
        """Column and row of the pixel at x and y per cent of width and height."""
        _, height, width = self.answer(photo).L.shape
        return min(int(x / 100 * width), width - 1), min(int(y / 100 * height), height - 1)

    def cell(self, photo: str, x: float, y: float) -> Tensor:
        """Logits ``(Q,)`` of the cell in which that pixel lies."""
        (column, row), answer = self.place(photo, x, y), self.answer(photo)
        height, width = answer.L.shape[1:]
        return answer.logits[0].cpu()[:, int((row + 0.5) * answer.seen[0] / height) // 4, int((column + 0.5) * answer.seen[1] / width) // 4]

    def render(self, photo: str, temperature: float, x: float, y: float) -> Shown:
        """The picture at T in (0, 1], and at a pixel x and y per cent from the left and from the top."""
        answer, logits, ab = self.answer(photo), self.cell(photo, x, y), self.colors(photo, temperature)
        canvas, right = Canvas(WIDTH, HEIGHT), SMALL + GAP
        half = (HEIGHT - GAP) // 2
        (column, row), (height, width) = self.place(photo, x, y), answer.L.shape[1:]
        grey = canvas.tile(answer.grey, (0, 0, SMALL, half), "grey, and the pixel")
        painting = canvas.tile(painted(answer.L, ab), (right, 0, LARGE, HEIGHT - 2 * LINE), f"coloured at T = {temperature:.2f}")
        for line, text in enumerate(KEY):
            canvas.write(text, right, HEIGHT - (2 - line) * LINE + 2, size=13)
        if answer.ab is not None:
            canvas.tile(answer.original, (0, half + GAP, SMALL, half), "as it was taken")
        for left, top, wide, high in (grey, painting):
            canvas.ring(left + (column + 0.5) * wide / width, top + (row + 0.5) * high / height)
        left = right + LARGE + GAP
        canvas.write("the pixel's distribution", left, 0)
        canvas.image.paste(distribution(logits, temperature, self.bins, HEIGHT - LINE), (left, LINE))
        return Shown(canvas.pixels, self.words(answer, logits, ab, temperature, x, y))

    def words(self, answer: Answer, logits: Tensor, ab: Tensor, temperature: float, x: float, y: float) -> str:
        centers = self.bins.centers
        annealed, mean = (torch.softmax(logits / t, 0) @ centers for t in (temperature, 1.0))
        chroma = float(mean_chroma(ab))
        told = (f"T = {temperature:.2f}. The pixel {x:g} % from the left, {y:g} % from the top has, as (a, b), "
                f"an annealed mean of {point(annealed)}; its mode is {point(centers[logits.argmax()])}, its mean {point(mean)}. "
                f"Entropy: {entropy(logits):.1f} bits, sharpened by T {entropy(logits / temperature):.1f}. "
                f"Mean chroma of the photograph: {chroma:.1f}")
        if answer.ab is None:
            return told + "; it has no colours of its own to compare with."
        return told + f", {100 * chroma / float(mean_chroma(answer.ab)):.0f} % of the original's."


def entropy(logits: Tensor) -> float:
    """Of softmax(logits), in bits: 0 when one bin has it all, log2 Q = 8.3 when 313 are alike."""
    chances = torch.softmax(logits.double(), 0)
    return float(torch.special.entr(chances).sum() / np.log(2))


def point(ab: Tensor) -> str:
    """(12, −3)."""
    return "({:.0f}, {:.0f})".format(*(round(v) + 0 for v in ab.tolist())).replace("-", "−")


def explore(generator=None, images: dict[str, Tensor] | None = None) -> Explorer:
    """The explorer, as a cell's last value.

    Args:
        generator: one with bins; None takes the one that ships.
        images: {name: RGB (3, H, W), floating in [0, 1] or uint8}; None takes the embedded samples.
    """
    it = Annealing(generator, images)
    return Explorer(it.render, {"photo": it.photos.control, "temperature": slider("temperature T", 0.01, 1.0, 0.38, 0.01, every=True),
                                "x": slider("pixel from left, %", 0, 100, 50, every=True),
                                "y": slider("pixel from top, %", 0, 100, 50, every=True)},
                    HEIGHT, "From mode to mean: what does the temperature change?", it.photos.beside)


def sheet(generator=None, images: dict[str, Tensor] | None = None, photo: str = "", x: float = 50, y: float = 50,
          temperatures: tuple[float, ...] = (0.01, 0.1, 0.38, 1.0)):
    """The explorer on paper: above, the photograph at some temperatures; below, the distribution of one of its pixels.

    Args:
        generator, images: as `explore`. photo: a name among the images; "" takes the first.
        x, y: the pixel, per cent of width and height. temperatures: in (0, 1].
    Returns:
        the Picture.
    """
    from ..plots import show_rows

    it = Annealing(generator, images)
    photo = photo or it.photos.control.value
    answer, logits, (column, row) = it.answer(photo), it.cell(photo, x, y), it.place(photo, x, y)
    above, below, captions = [], [], []
    for temperature in temperatures:
        ab = it.colors(photo, temperature)
        canvas = Canvas(*answer.grey.shape[1::-1])
        canvas.image.paste(Image.fromarray(painted(answer.L, ab)))
        canvas.ring(column, row)
        above.append(canvas.pixels)
        below.append(np.asarray(distribution(logits, temperature, it.bins, 240)))
        annealed = torch.softmax(logits / temperature, 0) @ it.bins.centers
        captions.append((f"chroma {float(mean_chroma(ab)):.1f}", f"T at {point(annealed)}"))
    rows = [[torch.from_numpy(pixels.copy()).movedim(-1, 0) for pixels in row] for row in (above, below)]
    return show_rows(rows, [f"T = {t:g}" for t in temperatures], captions=[list(row) for row in zip(*captions)])
