"""The frame of every explorer: named controls above a picture that is a pure function of them.

    def render(temperature, photo) -> Shown: ...
    Explorer(render, {"photo": choice("photograph", ["china", "coffee"]), "temperature": slider("temperature", 0.1, 1, 0.38, 0.01)}, height=300)

`render` gets the controls' values by name and returns a `Shown`: a picture, and the same in words, for whoever cannot see it. It
keeps what is expensive by itself. The last control of each explorer chooses how the picture is seen (`vision.VIEWS`). All controls
are reached by Tab and moved by arrow keys; the words below the picture are a live region, which screen readers speak.
"""

import base64
import html
import io
from collections.abc import Callable
from typing import NamedTuple

import ipywidgets as widgets
import numpy as np
import torch

from ..vision import VIEWS, as_seen


class Shown(NamedTuple):
    """What `render` returns: a matplotlib Figure, or uint8 pixels (H, W, 3); and in words what is to be seen, with its numbers."""

    picture: object
    words: str


def slider(label: str, least: float, most: float, value: float, step: float = 1, every: bool = False):
    """A slider for a number; whole if all four are. ``every``: the picture follows while it is dragged, not only when it is let go."""
    kind = widgets.IntSlider if all(isinstance(x, int) for x in (least, most, value, step)) else widgets.FloatSlider
    return kind(value=value, min=least, max=most, step=step, description=label, continuous_update=every, tooltip=label, **_ROOM)


def choice(label: str, options, value=None):
    """A list to choose one of."""
    options = list(options)
    return widgets.Dropdown(options=options, value=options[0] if value is None else value, description=label, tooltip=label, **_ROOM)


def switch(label: str, value: bool = False):
    """A box to tick."""
    return widgets.Checkbox(value=value, description=label, tooltip=label, indent=False)


_ROOM = {"style": {"description_width": "9em"}, "layout": widgets.Layout(width="30em", max_width="100%")}


class Explorer(widgets.VBox):
    """Controls and the picture that follows them.

    Args:
        render: controls' values by name -> Shown; the same values give the same picture.
        controls: {name: widget with a ``value``}.
        height: pixels that the picture takes, whatever it shows, so that the page below does not move.
        title: what it explores, its heading.
        beside: widgets to stand below the controls: an upload, a button.
    Attributes:
        controls: those, and "view". shown: what was last rendered. error: the message in its place, or "".
    """

    def __init__(self, render: Callable[..., Shown], controls: dict, height: int = 320, title: str = "", beside: tuple = ()):
        self.render, self.height, self.title, self.error = render, height, title, ""
        self.controls = {**controls, "view": choice("seen with", VIEWS)}
        self.screen = widgets.HTML(layout=widgets.Layout(height=f"{height + 64}px", overflow="hidden"))
        for name, control in self.controls.items():
            control.observe(lambda change, name=name: self.refresh(name), names="value")
        heading = [widgets.HTML(f"<b>{html.escape(title)}</b>")] if title else []
        super().__init__([*heading, widgets.HBox([*self.controls.values(), *beside], layout=widgets.Layout(flex_flow="row wrap")), self.screen])
        self.refresh()

    def __repr__(self) -> str:
        return f"{self.title or 'An explorer'}: run this cell in Jupyter to move {', '.join(self.state)}."

    @property
    def state(self) -> dict:
        """The controls' values by name."""
        return {name: control.value for name, control in self.controls.items()}

    def refresh(self, changed: str = "") -> None:
        """Draw what the controls say; input that cannot be drawn (a file that is no photograph) is told in place of the words."""
        state = self.state
        view = state.pop("view")
        if changed != "view" or self.error:
            try:
                self.shown, self.error = self.render(**state), ""
            except (ValueError, OSError) as error:
                self.error = str(error)
        words = self.error or self.shown.words
        picture = "" if self.error else _image(as_pixels(self.shown.picture), view, self.height, words)
        self.screen.value = f'{picture}<p role="status" aria-live="polite" style="line-height:1.35;margin:4px 0">{html.escape(words)}</p>'


def contact_sheet(render: Callable[..., Shown], settings: dict[str, dict], columns: int = 2):
    """What an explorer shows at some settings, on paper, for who reads without a kernel: a Picture.

    Args:
        settings: {caption: the controls' values by name}.
    """
    from ..plots import show_rows

    shown = [torch.from_numpy(as_pixels(render(**state).picture).copy()).movedim(-1, 0) for state in settings.values()]
    missing = -len(shown) % columns  # of the last row
    shown, told = [*shown, *[None] * missing], [*settings, *[""] * missing]
    rows = [slice(i, i + columns) for i in range(0, len(shown), columns)]
    return show_rows([shown[row] for row in rows], captions=[told[row] for row in rows], size=9.0)


def as_pixels(picture) -> np.ndarray:
    """A Figure or pixels -> uint8 (H, W, 3)."""
    if not hasattr(picture, "canvas"):
        return np.asarray(picture)
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(picture)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]


def _image(pixels: np.ndarray, view: str, height: int, words: str) -> str:
    from PIL import Image

    seen = as_seen(torch.from_numpy(np.ascontiguousarray(pixels)).movedim(-1, 0), view).movedim(0, -1)
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(seen.numpy())).save(out, "PNG", compress_level=1)
    data = base64.b64encode(out.getvalue()).decode()
    return (f'<img src="data:image/png;base64,{data}" alt="{html.escape(words, quote=True)}" '
            f'style="height:{height}px;max-width:100%;object-fit:contain;object-position:left">')
