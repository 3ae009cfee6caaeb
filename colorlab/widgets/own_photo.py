"""The photographs an explorer shows: the embedded samples, and those that the reader adds."""

import html
import tempfile
from functools import lru_cache
from pathlib import Path

import ipywidgets as widgets
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .. import generators, photos
from ..decoding import PhotoError, open_image
from ..generators import working_size
from .explorer import choice

SIDE = 256  # pixels: the shorter side is made this at most, as the generators have it


class OwnPhotos:
    """A list to choose a photograph from, and a button that adds one's own to it.

    Args:
        images: {name: RGB (3, H, W), floating in [0, 1] or uint8}; None takes the embedded samples.
    Attributes:
        control: the Dropdown of names. upload: the button. told: what came of the last upload, in words.
        beside: the last two, as `Explorer` takes them.
    """

    def __init__(self, images: dict[str, Tensor] | None = None):
        self._images = {name: shrunk(rgb) for name, rgb in (photos.samples() if images is None else images).items()}
        if not self._images:
            raise ValueError("images is empty; expected at least one photograph, or None for the embedded ones")
        self.control = choice("photograph", self._images)
        self.upload = widgets.FileUpload(accept="image/*", multiple=True, description="add your own", layout=widgets.Layout(width="12em"),
                                         tooltip="Add photographs of your own; they stay on the machine where the notebook runs")
        self.told = widgets.HTML()
        self.beside = (self.upload, self.told)
        self.upload.observe(self._take, names="value")

    def __getitem__(self, name: str) -> Tensor:
        """RGB ``(3, H, W)`` in [0, 1], the shorter side at most 256."""
        return self._images[name]

    def _take(self, change) -> None:
        """Read what was uploaded, choose the last that is a photograph, and say of each what it is, or why it is none."""
        files, lines = change["new"], []
        if not files:
            return
        for file in files:
            try:
                lines.append(self.add(file["name"], bytes(file["content"])))
            except PhotoError as error:
                lines.append(str(error))
        self.told.value = f'<span role="status" aria-live="polite">{"<br>".join(map(html.escape, lines))}</span>'
        self.upload.value = ()  # which frees the bytes, and lets the same file be chosen again

    def add(self, name: str, content: bytes) -> str:
        """Keep a photograph under its name, choose it, and say so; a name that is taken by another one gets a number.

        Raises:
            PhotoError: the bytes are no photograph; the message says why.
        """
        rgb = decoded(name, content)
        path, number = Path(name), 1
        while name in self._images and not torch.equal(self._images[name], rgb):
            name, number = f"{path.stem} ({number + 1}){path.suffix}", number + 1
        if name in self._images:
            self.control.value = name
        else:
            self._images[name] = rgb
            self.control.options = [name, *self.control.options]  # a list that changes chooses its first
        return f"{name}: {rgb.shape[2]} × {rgb.shape[1]} pixels here."


def decoded(name: str, content: bytes) -> Tensor:
    """The bytes of an image file -> RGB, as `shrunk` returns it.

    Raises:
        PhotoError: as `decoding.open_image`, with the file's own name in the message.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "photograph"
        path.write_bytes(content)
        try:
            image = open_image(path)
        except PhotoError as error:
            raise PhotoError(str(error).replace(repr(str(path)), repr(name))) from None
    image = image.reduce(max(1, min(image.size) // (2 * SIDE)))  # a large one fast, in 8 bits, to twice the size or more
    return shrunk(torch.from_numpy(np.array(image)).permute(2, 0, 1))


def shrunk(rgb: Tensor) -> Tensor:
    """RGB ``(3, H, W)``, floating in [0, 1] or uint8 -> floating, the shorter side at most 256, the area 4 × 256²."""
    rgb = rgb / 255 if rgb.dtype == torch.uint8 else rgb.detach().cpu().float()
    size = working_size(*rgb.shape[-2:], SIDE)
    if size == tuple(rgb.shape[-2:]):
        return rgb
    return F.interpolate(rgb[None], size, mode="bilinear", antialias=True)[0].clamp(0, 1)


@lru_cache(maxsize=1)
def pocket():
    """The generator that ships, loaded once for all explorers of a kernel."""
    return generators.load("pocket")
