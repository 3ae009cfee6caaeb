"""How figures look: one palette, one set of rcParams, a Figure that a notebook shows once and stores small.

``Picture`` is a matplotlib Figure that pyplot does not know about: a notebook shows it because it is the
value of the cell's last line, and never a second time. It is stored as JPEG when it holds images and as PNG
with 256 colours when it holds only lines and text, so that a notebook of twenty figures stays below 400 KB.
"""

import base64
import io
import os
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

# seaborn's "colorblind" palette, in its order.
PALETTE = ("#0173B2", "#DE8F05", "#029E73", "#D55E00", "#CC78BC", "#CA9161", "#FBAFE4", "#949494", "#ECE133",
           "#56B4E9")
BLUE, ORANGE, GREEN, VERMILION, PINK, BROWN, ROSE, GREY, YELLOW, SKY = PALETTE
LINE_COLORS = (BLUE, VERMILION, GREEN, ORANGE, PINK, BROWN, SKY, GREY)  # those dark enough for a line
DASHES = ("-", (0, (5, 1.6)), (0, (1.4, 1.2)), (0, (6, 1.5, 1.4, 1.5)), (0, (8, 2)), (0, (3, 1, 1, 1, 1, 1)),
          (0, (2, 2)), (0, (1, 2.2)))
INK, FAINT = "#262626", "#8A8A8A"
WIDTH = 9.0  # inches: the width of a notebook's column

STYLE = {
    "figure.dpi": 90, "savefig.dpi": 90, "savefig.bbox": "tight", "savefig.pad_inches": 0.06,
    "figure.facecolor": "white", "axes.facecolor": "white",
    "font.size": 10.5, "axes.titlesize": 11, "axes.labelsize": 10.5, "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "axes.titleweight": "normal", "axes.titlelocation": "left", "axes.titlepad": 8.0,
    "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": "#666666", "xtick.color": "#555555",
    "ytick.color": "#555555", "xtick.labelcolor": INK, "ytick.labelcolor": INK,
    "axes.spines.top": False, "axes.spines.right": False, "axes.linewidth": 0.8,
    "axes.grid": False, "grid.color": "#E4E4E4", "grid.linewidth": 0.8, "axes.axisbelow": True,
    "lines.linewidth": 2.0, "lines.solid_capstyle": "round", "hatch.linewidth": 0.7,
    "axes.prop_cycle": mpl.cycler(color=LINE_COLORS), "image.cmap": "cividis", "legend.frameon": False,
}


def use_style() -> None:
    """Set matplotlib's rcParams to the look of these figures. Done when ``colorlab.plots`` is imported."""
    mpl.rcParams.update(STYLE)


class Picture(Figure):
    """A Figure that a notebook shows as the last value of a cell: photographs as JPEG, lines as small PNG."""

    jpeg_quality = 82
    image_dpi = 100
    line_dpi = 150  # sharp on a dense screen too; the notebook shows them at 90 dots an inch

    def encoded(self) -> tuple[str, bytes]:
        """The figure as it is stored in a notebook: its MIME type and its bytes."""
        from PIL import Image

        photo = any(image.get_array().ndim == 3 for ax in self.axes for image in ax.images)
        raw = io.BytesIO()
        self.savefig(raw, format="png", dpi=self.image_dpi if photo else self.line_dpi, bbox_inches="tight")
        image, out = Image.open(raw).convert("RGB"), io.BytesIO()
        if photo:
            image.save(out, "JPEG", quality=self.jpeg_quality, optimize=True, progressive=True, subsampling=2)
            return "image/jpeg", out.getvalue()
        image = image.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        image.save(out, "PNG", optimize=True)
        return "image/png", out.getvalue()

    def _ipython_display_(self) -> None:
        from IPython.display import publish_display_data

        mime, data = self.encoded()
        dpi = self.image_dpi if mime == "image/jpeg" else self.line_dpi
        from PIL import Image

        width = round(Image.open(io.BytesIO(data)).width * 90 / dpi)
        text = f"<Figure with {len(self.axes)} axes>"
        publish_display_data({mime: base64.b64encode(data).decode(), "text/plain": text},
                             {mime: {"width": width}})


def jpeg(quality: int = 82, dpi: int = 100) -> None:
    """Choose how figures with photographs are stored from now on: JPEG quality (1-95), dots per inch."""
    if not 1 <= quality <= 95:
        raise ValueError(f"quality is {quality}; expected 1 to 95")
    Picture.jpeg_quality, Picture.image_dpi = quality, dpi


def renew(fig: Figure, name: str, **options) -> None:
    """Write the figure to $COLORLAB_FIGURES/name; without that variable, which `notebooks/run.py --inplace` sets, do nothing.

    Args:
        options: of ``Figure.savefig``; without any, the figure as a notebook stores it.
    """
    if folder := os.environ.get("COLORLAB_FIGURES"):
        path = Path(folder) / name
        path.write_bytes(fig.encoded()[1]) if not options else fig.savefig(path, **options)


def panels(rows: int = 1, columns: int = 1, height: float = 3.2, width: float = WIDTH, **options):
    """Start a figure with a grid of axes: ``fig, axes = panels(1, 3)``; end the notebook's cell with ``fig``.

    Args:
        rows, columns: the grid. height: inches of one row. width: inches of the whole figure.
        options: passed to ``Figure.subplots`` (``sharex``, ``width_ratios`` ...).
    Returns:
        the Picture, and its axes: one, or an array (rows, columns) without the dimensions of length 1.
    """
    fig = Picture(figsize=(width, height * rows), layout="constrained")
    FigureCanvasAgg(fig)
    return fig, fig.subplots(rows, columns, **options)


def own_axes(ax, width: float = WIDTH, height: float = 3.4):
    """The axes given, or those of a new figure."""
    return ax if ax is not None else panels(1, 1, height=height, width=width)[1]


def axes_at(fig, left: float, bottom: float, width: float, height: float, **options):
    """Axes at a place in inches from the figure's lower left corner: explorers place by hand, which is faster than a layout engine."""
    w, h = fig.get_size_inches()
    return fig.add_axes((left / w, bottom / h, width / w, height / h), **options)


def ink(color: str, darker: float = 0.72) -> tuple[float, float, float]:
    """A colour dark enough for letters on white."""
    return tuple(darker * c for c in mpl.colors.to_rgb(color))


def as_numbers(values, name: str, ndim: int | None = 1) -> np.ndarray:
    """A tensor, array or list as a float64 array; errors name the argument."""
    if hasattr(values, "detach"):
        values = values.detach().cpu().double().numpy()
    values = np.asarray(values, dtype=float)
    if ndim is not None and values.ndim != ndim:
        raise ValueError(f"{name} has shape {values.shape}; expected {ndim} dimension{'s' * (ndim > 1)}")
    if values.size == 0:
        raise ValueError(f"{name} is empty; expected at least one number")
    return values
