"""Figures: rows of photographs, galleries; and here too, by name, the ab plane, charts and drawings.

Every function returns its Figure (a ``style.Picture``), which a notebook shows when it is the last value of a
cell. Functions that take ``ax`` draw into axes from ``fig, axes = plots.panels(1, 3)``; such a cell ends with
``fig``. Images are tensors or arrays, channels first: RGB ``(3, H, W)``, floating in [0, 1] or uint8, or L
``(1, H, W)`` in [0, 100]; the palette is seaborn's "colorblind", and no figure tells things apart by hue
alone.
"""

import numpy as np
import torch
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize

from .abplane import ab_axes, ab_background, ab_bins, ab_code, ab_marks, own_color  # noqa: F401
from .charts import curves, scatter, training_log  # noqa: F401
from .color import lab_to_rgb
from .drawings import draw_discriminator, draw_eccv16, pipeline  # noqa: F401
from .style import INK, PALETTE, WIDTH, Picture, as_numbers, jpeg, panels, renew, use_style  # noqa: F401
from .verdicts import forest, paired, roc, score_histogram  # noqa: F401

use_style()
_ORANGE = LinearSegmentedColormap.from_list("orange", ["#F2F2F2", "#D55E00"])


def as_image(image, name: str = "image") -> np.ndarray:
    """An image for matplotlib: RGB ``(3, H, W)`` or L ``(1, H, W)`` -> float array (H, W, 3) in [0, 1].

    Raises:
        TypeError: an integer type other than uint8. ValueError: another shape, or values out of range.
    """
    image = torch.as_tensor(image).detach().cpu()
    if image.ndim != 3 or image.shape[0] not in (1, 3):
        turn = ": permute it to channels first" if image.ndim == 3 and image.shape[-1] in (1, 3) else ""
        shape = tuple(image.shape)
        raise ValueError(f"{name} has shape {shape}; expected RGB (3, H, W) or L (1, H, W){turn}")
    if image.dtype == torch.uint8 and image.shape[0] == 3:
        return (image.float() / 255).permute(1, 2, 0).numpy()
    if not image.is_floating_point():
        raise TypeError(f"{name} has dtype {image.dtype}; expected RGB floating or uint8, or L floating")
    image, most = image.float(), 1 if image.shape[0] == 3 else 100
    low, high = image.min().item(), image.max().item()
    if not (low >= -1e-3 and high <= most + 1e-3):
        raise ValueError(f"{name} has values from {low:.4g} to {high:.4g}; expected [0, {most}]"
                         + (": divide by 255" if most == 1 and low >= 0 and 1.5 < high <= 255 else ""))
    if most == 100:  # a grey photograph: L with a = b = 0
        image = lab_to_rgb(torch.cat((image, torch.zeros_like(image).expand(2, -1, -1))))
    return image.clamp(0, 1).permute(1, 2, 0).numpy()


def show_rows(rows, titles=None, labels=None, captions=None, size: float = 3.0,
              width: float = WIDTH) -> Picture:
    """Images side by side, a row for each photograph: all at one size, titles above the first row only.

    Args:
        rows: a list of rows of images, ``[[grey, result, truth], ...]``, or one row; None leaves a place
            empty.
        titles: a title for each column. labels: a name for each row, written at its left.
        captions: a short text for each image, ``[[...], ...]`` or one row, written below it.
        size: greatest width of an image in inches; they shrink so that a row fits into ``width``.
    Returns:
        the Figure.
    """
    rows = rows if isinstance(rows[0], (list, tuple)) else [rows]
    captions = [captions] if captions is not None and not isinstance(captions[0], (list, tuple)) else captions
    shown = [[None if x is None else as_image(x, f"rows[{i}][{j}]") for j, x in enumerate(row)]
             for i, row in enumerate(rows)]
    columns = max(len(row) for row in shown)
    for name, given, wanted in (("titles", titles, columns), ("labels", labels, len(rows)),
                                ("captions", captions, len(rows))):
        if given is not None and len(given) != wanted:
            raise ValueError(f"{name} has {len(given)} entries; expected {wanted}")
    shape = [max((x.shape[0] / x.shape[1] for x in row if x is not None), default=1) for row in shown]
    left = 0.3 + 0.085 * max(map(len, labels)) if labels is not None else 0.0
    gap, line = 0.06, 0.24  # inches
    side = min(size, (width - left - gap * (columns - 1)) / columns)
    top = line * (1 + max(t.count("\n") for t in titles)) if titles is not None else 0.0
    below = line if captions is not None else 0.0
    height = top + sum(side * s + below + gap for s in shape)
    fig = Picture(figsize=(left + columns * side + gap * (columns - 1), height))
    y = height - top
    for i, row in enumerate(shown):
        y -= side * shape[i]
        for j, image in enumerate(row):
            place = (left + j * (side + gap), y, side, side * shape[i])
            if image is not None:
                ax = _image_axes(fig, image, place)
                if titles is not None and i == 0:
                    ax.set_title(titles[j], loc="center", pad=4)
                if captions is not None and captions[i][j]:
                    ax.set_xlabel(captions[i][j], labelpad=3)
        if labels is not None:
            fig.text((left - 0.1) / fig.get_figwidth(), (y + side * shape[i] / 2) / height, labels[i],
                     ha="right", va="center")
        y -= below + gap
    return fig


def gallery(images, scores=None, names=None, real=None, columns: int = 5, first: int = 1,
            width: float = WIDTH) -> Picture:
    """Ranked images in a grid, ten in two rows: under each its rank, its score and its name.

    Args:
        images: in the order of their rank. scores: one number each (a logit). names: one short text each.
        real: bools, which of them are real: written under the image, and drawn as a solid frame (real) or a
            dashed one (fake). first: the rank of the first image.
    Returns:
        the Figure.
    """
    shown = [as_image(x, f"images[{i}]") for i, x in enumerate(images)]
    if not shown:
        raise ValueError("images is empty; expected at least one image")
    for name, given in (("scores", scores), ("names", names), ("real", real)):
        if given is not None and len(given) != len(shown):
            raise ValueError(f"{name} has {len(given)} entries; expected {len(shown)}, one for each image")
    lines = (scores is not None or real is not None) + (names is not None)
    gap, below = 0.12, 0.08 + 0.2 * max(lines, 1)
    side = (width - gap * (columns - 1)) / columns
    rows = -(-len(shown) // columns)
    height = rows * (side + below + gap)
    fig = Picture(figsize=(width, height))
    for i, image in enumerate(shown):
        column, row = i % columns, i // columns
        ax = _image_axes(fig, image,
                         (column * (side + gap), height - (row + 1) * side - row * (below + gap), side, side))
        parts = [f"{first + i}."]
        parts += [] if real is None else ["real" if real[i] else "fake"]
        parts += [] if scores is None else [f"{float(scores[i]):+.1f}".replace("-", "−")]
        ax.set_xlabel("  ".join(parts) + ("" if names is None else f"\n{_shorten(str(names[i]))}"),
                      labelpad=3, linespacing=1.15)
        if real is not None:
            _frame(ax, bool(real[i]))
    return fig


def heat_rows(images, maps, labels=None, name: str = "change of the logit",
              percentile: float = 99.0) -> Picture:
    """Where a network looks: photographs above, and below each its map laid over the grey photograph.

    Args:
        images: N images, all of one shape. maps: N arrays ``(H, W)`` of any size, around 0.
        labels: a title for each. name: what the maps hold, for the colour bar.
        percentile: of the maps' absolute values, the end of the scale on both sides.
    Returns:
        the Figure.
    """
    if len(images) != len(maps) or not len(images):
        raise ValueError(f"maps has {len(maps)} entries; expected {len(images)}, one an image, at least one")
    values = [as_numbers(m, f"maps[{i}]", ndim=2) for i, m in enumerate(maps)]
    end = max(np.percentile(np.abs(np.concatenate([v.ravel() for v in values])), percentile), 1e-12)
    fig, axes = panels(2, len(images), height=min(2.6, 8.2 / len(images)) + 0.15, squeeze=False)
    for i, (upper, lower) in enumerate(axes.T):
        image = as_image(images[i], f"images[{i}]")
        grey = image @ np.array([0.2127, 0.7152, 0.0722])
        upper.imshow(image)
        lower.imshow(0.35 + 0.6 * grey, cmap="gray", vmin=0, vmax=1)
        drawn = lower.imshow(values[i], cmap="PuOr_r", vmin=-end, vmax=end,
                             alpha=np.clip(np.abs(values[i]) / end, 0, 0.85),
                             extent=(-0.5, image.shape[1] - 0.5, image.shape[0] - 0.5, -0.5),
                             interpolation="bilinear")
        upper.set_title("" if labels is None else labels[i], loc="center")
        for ax in (upper, lower):
            ax.set_axis_off()
    fig.colorbar(drawn, ax=axes[1].tolist(), label=name, shrink=0.85, aspect=14, pad=0.02).solids.set_alpha(1)
    return fig


def similarity_rows(images, rows, labels=None, marks=None, name: str = "similarity",
                    width: float = WIDTH) -> Picture:
    """Where maps are high: each row of maps laid in orange over the same gray photographs.

    Args:
        images: N images of one shape. rows: lists of N arrays ``(h, w)``; values up to 0 stay clear, 1 is full.
        labels: a name for each row. marks: for each row (index of an image, x, y in its pixels), drawn as a ring.
        name: what the maps hold, for the color bar.
    Returns:
        the Figure.
    """
    for i, row in enumerate(rows):
        if len(row) != len(images):
            raise ValueError(f"rows[{i}] has {len(row)} maps; expected {len(images)}, one for each image")
    side = (width - 1.6) / len(images)
    fig, axes = panels(len(rows), len(images), height=side, width=width, squeeze=False)
    for i, row in enumerate(rows):
        for j, (ax, image, values) in enumerate(zip(axes[i], images, row)):
            gray = as_image(image, f"images[{j}]") @ np.array([0.2127, 0.7152, 0.0722])
            values = as_numbers(values, f"rows[{i}][{j}]", ndim=2).clip(0, 1)
            ax.imshow(np.repeat(0.25 + 0.7 * gray[..., None], 3, axis=2).clip(0, 1))
            ax.imshow(np.ones_like(values), cmap=_ORANGE, vmin=0, vmax=1, alpha=0.9 * values,
                      extent=(-0.5, gray.shape[1] - 0.5, gray.shape[0] - 0.5, -0.5), interpolation="nearest")
            ax.set(xticks=[], yticks=[])
        if labels is not None:
            axes[i, 0].set_ylabel(labels[i])
        if marks is not None:
            column, x, y = marks[i]
            axes[i, column].plot(x, y, "o", ms=9, mfc="none", mec="black", mew=3.5)
            axes[i, column].plot(x, y, "o", ms=9, mfc="none", mec="white", mew=1.5)
    scale = ScalarMappable(Normalize(0, 1), _ORANGE)
    fig.colorbar(scale, ax=axes.ravel().tolist(), label=name, shrink=0.5, aspect=18, pad=0.02)
    return fig


def _image_axes(fig, image: np.ndarray, place):
    """Axes without ticks or frame, at a place in inches (left, bottom, width, height), holding an image."""
    w, h = fig.get_size_inches()
    ax = fig.add_axes((place[0] / w, place[1] / h, place[2] / w, place[3] / h))
    ax.imshow(image, interpolation="antialiased")
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    return ax


def _frame(ax, real: bool) -> None:
    """A solid frame says real, a dashed one fake."""
    ax.spines[:].set(visible=True, linewidth=2.4, color=INK if real else "#D55E00",
                     linestyle="-" if real else (0, (3, 2)))


def _shorten(text: str, most: int = 22) -> str:
    return text if len(text) <= most else text[: most - 9] + "…" + text[-8:]
