"""The ab plane drawn: its colours behind, a to the right, b upwards, and everywhere the same limits."""

from functools import lru_cache

import numpy as np
import torch
from matplotlib import colormaps
from matplotlib.collections import EllipseCollection, PolyCollection
from matplotlib.colors import LogNorm, Normalize
from matplotlib.ticker import FixedLocator

from .bins import AbBins
from .color import lab_to_rgb
from .style import INK, as_numbers, own_axes

LIMIT = 110  # both axes reach from -LIMIT to LIMIT in every figure
LEVELS = torch.arange(4.0, 98.0)  # lightnesses that are tried where none is given
OUTSIDE = 0.90  # grey level of what sRGB cannot show
MARKERS = ("o", "s", "^", "D", "v", "P", "X")


def own_color(ab: torch.Tensor, L: float | None = None) -> torch.Tensor:
    """The sRGB colour in which to draw points of the ab plane.

    Args:
        ab: ``(2, N)``. L: lightness in [0, 100]; None takes, for each point, the lightness nearest to 65 at
            which sRGB can show it; a point that sRGB shows at no lightness is first drawn towards grey until
            it can be shown.
    Returns:
        RGB ``(3, N)`` in [0, 1].
    """
    if L is not None:
        return _at_levels(ab, torch.tensor([float(L)]))[0].clamp(0, 1)
    rgb, margin = _at_levels(ab, LEVELS)
    for share in (0.96, 0.92, 0.88, 0.84, 0.8, 0.7, 0.6, 0.5):
        left = margin > 1e-3
        rgb[:, left], margin[left] = _at_levels(share * ab[:, left], LEVELS)
    return rgb.clamp(0, 1)


def _at_levels(ab: torch.Tensor, levels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Each point's unclipped sRGB (3, N) at the level nearest to 65 that shows it, and its margin (N,).

    The margin is the greatest excess of a channel over [0, 1], negative inside the gamut, least over the
    levels.
    """
    best = torch.zeros(3, ab.shape[1])
    margin = torch.full((ab.shape[1],), torch.inf)
    for level in sorted(levels.tolist(), key=lambda x: -abs(x - 65)):  # nearest to 65 last
        lab = torch.cat((torch.full((1, ab.shape[1]), level), ab.float()))
        rgb = lab_to_rgb(lab[..., None], clip=False)[..., 0]
        excess = torch.maximum(rgb - 1, -rgb).amax(0)
        best = torch.where((excess <= margin.clamp(min=1e-3)), rgb, best)
        margin = torch.minimum(margin, excess)
    return best, margin


@lru_cache(maxsize=32)
def _plane(L: float | None, cells: int = 441) -> tuple[np.ndarray, np.ndarray]:
    """The plane's colours (cells, cells, 3), first row at the greatest b, and their margins."""
    coarse = cells if L is not None else cells // 2 + 1
    axis = torch.linspace(-LIMIT, LIMIT, coarse)
    ab = torch.stack(torch.meshgrid(axis, axis.flip(0), indexing="xy")).reshape(2, -1)
    levels = LEVELS if L is None else torch.tensor([L])
    parts = [_at_levels(part, levels) for part in ab.split(1 << 14, 1)]
    plane = torch.cat([torch.cat((rgb, margin[None])) for rgb, margin in parts], 1)
    plane = plane.reshape(1, 4, coarse, coarse)
    plane = torch.nn.functional.interpolate(plane, (cells, cells), mode="bilinear", align_corners=True)[0]
    rgb = torch.where(plane[3] <= 0.002, plane[:3].clamp(0, 1), OUTSIDE)
    return rgb.permute(1, 2, 0).numpy(), plane[3].numpy()


def ab_axes(ax, labels: bool = True) -> None:
    """Give axes the plane's limits, ticks and names; in a grid only the outer axes are named."""
    ax.set(xlim=(-LIMIT, LIMIT), ylim=(-LIMIT, LIMIT), aspect="equal")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(FixedLocator([-100, 0, 100]))
        axis.set_minor_locator(FixedLocator([-50, 50]))
    spot = ax.get_subplotspec()
    if labels and (spot is None or spot.is_last_row()):
        ax.set_xlabel("a   (green to red)", labelpad=2)
    if labels and (spot is None or spot.is_first_col()):
        ax.set_ylabel("b   (blue to yellow)", labelpad=-2)


def ab_background(ax=None, L: float | None = 65, fade: float = 0.0, labels: bool = True):
    """Draw the ab plane with its colours; what sRGB cannot show is grey, beyond a line.

    Args:
        ax: axes to draw in; None makes a figure.
        L: lightness in [0, 100]; None shows each colour at the lightness nearest to 65 that sRGB has for it.
        fade: 0 leaves the colours as they are, towards 1 they turn white, so that data on top can be read.
        labels: write the names of the axes.
    Returns:
        the Figure.
    """
    if L is not None and not 0 <= L <= 100:
        raise ValueError(f"L is {L}; expected a lightness in [0, 100], or None")
    if not 0 <= fade <= 1:
        raise ValueError(f"fade is {fade}; expected 0 (full colours) to 1 (white)")
    ax = own_axes(ax, width=4.2, height=4.0)
    rgb, margin = _plane(None if L is None else float(L))
    ax.imshow(rgb + fade * (1 - rgb), extent=(-LIMIT, LIMIT) * 2, interpolation="antialiased", zorder=0)
    axis = np.linspace(-LIMIT, LIMIT, len(margin))
    if margin.min() < 0:
        ax.contour(axis, axis[::-1], margin, levels=[0], colors=[(0.4, 0.4, 0.4)], linewidths=1.0, zorder=0.6)
    ax.plot([-LIMIT, LIMIT], [0, 0], [0, 0], [-LIMIT, LIMIT], color="black", alpha=0.25, lw=0.7, zorder=0.7)
    ab_axes(ax, labels)
    return ax.figure


def ab_bins(values=None, bins: AbBins | None = None, ax=None, L: float | None = None, log: bool = False,
            label: str = "", title: str = "", limits: tuple[float, float] | None = None):
    """Draw the bins as squares: each in its own colour, or as bright as its value.

    Args:
        values: ``(Q,)``, a number for each bin, drawn on a scale from dark to bright with a colour bar; None
            draws the bins in their own colours. log: a logarithmic scale; bins of value 0 or less are left
            empty.
        bins: the bins; None takes the 313. L: lightness of the colours, as in ``ab_background``.
        label: what the values are, with their unit. limits: ends of the scale, to compare two figures.
    Returns:
        the Figure.
    """
    bins = bins if bins is not None else AbBins()
    ax = own_axes(ax, width=5.0 if values is not None else 4.2, height=4.1)
    ab_background(ax, L, fade=0.4 if values is None else 0.25)
    centers = bins.centers.detach().cpu()
    half = bins.step * (0.45 if values is None else 0.39)
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half
    squares = PolyCollection(centers.numpy()[:, None] + corners, linewidths=0, zorder=2,
                             clip_on=False)  # the outermost bins reach a little beyond the axes
    ax.add_collection(squares)
    ax.set_title(title)
    if values is None:
        squares.set_facecolor(own_color(centers.T, L).T.numpy())
        return ax.figure
    values = as_numbers(values, "values")
    if len(values) != len(bins):
        raise ValueError(f"values has {len(values)} numbers; expected {len(bins)}, one for each bin")
    if log and not (values > 0).any():
        raise ValueError("values has no number above 0; a logarithmic scale needs one")
    kept = np.ma.masked_less_equal(values, 0) if log else np.ma.masked_invalid(values)
    low, high = limits if limits is not None else (kept.min(), kept.max())
    empty = colormaps["cividis"].with_extremes(bad=(1, 1, 1, 0))
    squares.set(array=kept, cmap=empty, norm=(LogNorm if log else Normalize)(low, high))
    ax.figure.colorbar(squares, ax=ax, label=label, shrink=0.82, pad=0.02, aspect=22)
    return ax.figure


def ab_code(weights, bins: AbBins | None = None, ax=None, L: float | None = None, marks: dict | None = None,
            size: float = 1.5, title: str = ""):
    """Draw a distribution over the bins as discs, each in its bin's colour, its area its weight.

    Args:
        weights: ``(Q,)``, not negative; or the pair ``(indices (K,), weights (K,))`` from ``soft_encode``.
        bins: the bins; None takes the 313. marks: {name: (a, b)}, points to name, such as the mean.
        size: diameter of the heaviest disc, in steps of the grid.
    Returns:
        the Figure.
    """
    bins = bins if bins is not None else AbBins()
    centers = bins.centers.detach().cpu()
    if isinstance(weights, tuple):
        centers, weights = centers[weights[0].reshape(-1).cpu()], weights[1].reshape(-1)
    weights = as_numbers(weights, "weights")
    if len(weights) != len(centers):
        raise ValueError(f"weights has {len(weights)} numbers; expected {len(centers)}, one for each bin")
    if weights.min() < 0 or not weights.max() > 0:
        raise ValueError(f"weights lie between {weights.min():.3g} and {weights.max():.3g}; expected none "
                         "below 0 and one above")
    ax = own_axes(ax, width=4.2, height=4.1)
    ab_background(ax, L, fade=0.45)
    diameter = size * bins.step * np.sqrt(weights / weights.max())
    seen = diameter > 0.05 * bins.step
    discs = EllipseCollection(diameter[seen], diameter[seen], np.zeros(seen.sum()), units="x",
                              offsets=centers.numpy()[seen], offset_transform=ax.transData, linewidths=0.9,
                              edgecolors=(0, 0, 0, 0.75), facecolors=own_color(centers.T, L).T.numpy()[seen],
                              zorder=2)
    ax.add_collection(discs)
    ax.set_title(title)
    ab_marks(ax, marks or {})
    return ax.figure


def ab_marks(ax, marks: dict) -> None:
    """Name points of the plane: {name: (a, b)}, each with a marker of its own shape."""
    taken = []
    for marker, (name, point) in zip(MARKERS * (1 + len(marks) // len(MARKERS)), marks.items()):
        a, b = as_numbers(point, f"marks[{name!r}]", ndim=None).reshape(-1)
        ax.plot(a, b, marker, ms=7, mfc="white", mec=INK, mew=1.6, zorder=5)
        near = [y for x, y in taken if abs(x - a) < 60 and abs(y - b) < 16]  # names that this one could cover
        up = 0 if not near else 10 if b >= near[-1] else -10
        taken.append((a, b + 0.8 * up))
        ax.annotate(name, (a, b), xytext=(-8 if a > 55 else 8, up), textcoords="offset points", zorder=6,
                    fontsize=10, ha="right" if a > 55 else "left", va="center",
                    bbox={"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.85})
