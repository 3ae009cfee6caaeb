"""Explorer of the ab plane: one colour, whether a screen can show it, and how the bins write it. Notebook 01 derives all of it.

    ab_plane.explore(prior)    move L, a, b, K and sigma        ab_plane.sheet(prior)    the same at four settings, on paper

The bins and the soft code are those of Zhang, Isola & Efros, *Colorful Image Colorization* (ECCV 2016), section 2.1; the class
weight, which needs a prior, is their equation 4.
"""

from functools import lru_cache, partial

import torch
from matplotlib.patches import Rectangle
from matplotlib.ticker import MultipleLocator
from torch import Tensor

from ..abplane import LIMIT, OUTSIDE, ab_code, own_color
from ..bins import AbBins
from ..color import in_gamut, lab_to_rgb, to_8_bit
from ..plots import INK, Picture
from ..rebalance import class_weights, smooth_prior
from ..style import axes_at
from .explorer import Explorer, Shown, contact_sheet, slider

SETTINGS = {  # of the contact sheet
    "L 60, a 32, b 46: an orange and its 10 bins": {"L": 60, "a": 32, "b": 46, "neighbors": 10, "sigma": 5},
    "L 92: so light, none is so vivid": {"L": 92, "a": 32, "b": 46, "neighbors": 10, "sigma": 5},
    "K 16, σ 12: a wide code": {"L": 60, "a": -36, "b": 43, "neighbors": 16, "sigma": 12},
    "a screen's own green, at the rim": {"L": 87, "a": -85, "b": 82, "neighbors": 10, "sigma": 5},
}


def explore(prior: Tensor | None = None) -> Explorer:
    """The explorer, with sliders for L, a, b, the number K of nearest bins, and the sigma of the soft code.

    Args:
        prior: ``(313,)``, counts or shares of pixels in each bin (`rebalance.empirical_prior`); None leaves out how common and how
            heavy the bin is.
    """
    controls = {"L": slider("L, lightness", 0, 100, 60), "a": slider("a, green to red", -LIMIT, LIMIT, 32),
                "b": slider("b, blue to yellow", -LIMIT, LIMIT, 46), "neighbors": slider("K, nearest bins", 1, 16, 10),
                "sigma": slider("σ of the code", 1, 20, 5)}
    return Explorer(_with(prior), controls, height=480, title="One colour on the ab plane, and its bins")


def sheet(prior: Tensor | None = None, settings: dict[str, dict] | None = None) -> Picture:
    """What `explore` shows at some settings, {caption: the controls' values}; None takes `SETTINGS`: in gamut, too light, a wide
    code, and at the rim."""
    return contact_sheet(_with(prior), SETTINGS if settings is None else settings)


def render(L: int, a: int, b: int, neighbors: int, sigma: float, prior: Tensor | None = None, weights: Tensor | None = None) -> Shown:
    """One colour and its soft code.

    Args:
        L: lightness in [0, 100]. a, b: in [-110, 110]. neighbors: K. sigma: in units of a and b.
        prior, weights: ``(313,)`` each, share of the pixels and class weight; both or neither.
    """
    bins = AbBins()
    indices, code = (x.flatten() for x in bins.soft_encode(torch.tensor([a, b]).float().view(2, 1, 1), neighbors, sigma))  # (K,)
    shown, home = nearest_shown(L, a, b), indices[0].item()
    told = "" if prior is None else f"prior {100 * prior[home]:.2g} %, class weight {weights[home]:.3g}"
    return Shown(_draw(L, a, b, bins, indices, code, shown, told), _words(L, a, b, bins.centers[indices], home, code, shown, told))


def nearest_shown(L: int, a: int, b: int) -> tuple[int, int]:
    """The whole-numbered (a, b) nearest to the given that sRGB can show at lightness L, which is kept; itself if it can be shown."""
    room = _room(L)
    return tuple(room[(room - torch.tensor([a, b])).square().sum(1).argmin()].tolist())


@lru_cache(maxsize=101)
def _room(L: int) -> Tensor:
    """All whole-numbered (a, b) that sRGB can show at lightness L: (N, 2) int64. At any L grey is among them."""
    axis = torch.arange(-LIMIT, LIMIT + 1)
    ab = torch.cartesian_prod(axis, axis)
    lab = torch.cat((torch.full((1, len(ab)), L), ab.T)).double()[..., None]
    return ab[in_gamut(lab)[:, 0]]


def _with(prior):
    """`render` with what a prior says of the bins; a wrong prior is refused here, before anything is drawn."""
    if prior is None:
        return render
    prior = torch.as_tensor(prior).double()
    weights = class_weights(smooth_prior(prior, AbBins()))
    return partial(render, prior=prior / prior.sum(), weights=weights)


def _words(L, a, b, centers, home, code, shown, told) -> str:
    x, y = centers[0].int().tolist()
    said = f"Colour L {L}, a {a}, b {b} is in gamut."
    if shown != (a, b):
        away = ((shown[0] - a) ** 2 + (shown[1] - b) ** 2) ** 0.5
        said = (f"Colour L {L}, a {a}, b {b} is out of gamut; the nearest that sRGB shows at this L is "
                f"a {shown[0]}, b {shown[1]}, {away:.0f} away.")
    said += f" Nearest bin {home} at ({x}, {y}), weight {code[0]:.2f}; "
    said += f"{len(code)} bins share it, the last with {code[-1]:.2f}." if len(code) > 1 else "no other bin shares it."
    off = ((centers * code[:, None]).sum(0) - torch.tensor([a, b])).norm()
    return f"{said} Read back as a mean, it is {off:.1f} off. {told[:1].upper()}{told[1:]}{'.' if told else ''}".strip()


def _draw(L, a, b, bins, indices, code, shown, told) -> Picture:
    fig = Picture(figsize=(6.1, 5.0), dpi=120)
    whole, close = axes_at(fig, 0.72, 2.3, 2.35, 2.35), axes_at(fig, 3.65, 2.3, 2.35, 2.35)
    centers = bins.centers[indices]  # (K, 2)
    for ax, size, small in ((whole, 1.0, 3), (close, 0.6, 0)):
        ab_code((indices, code), bins, ax, L, size=size)
        ax.plot(*bins.centers.T, ".", color=INK, ms=3.5 - 0.6 * small, alpha=0.6, zorder=1)
        for color, width in (("white", 3.4), (INK, 1.6)):  # dark with a light rim, to be seen on any colour
            ax.plot(a, b, "x", color=color, ms=6 + width - small, mew=width + 0.4, zorder=6, clip_on=ax is close)
    close.add_patch(Rectangle(centers[0] - bins.step / 2, bins.step, bins.step, fill=False, ec=INK, lw=1.8, zorder=3))
    corner, side = _close_up(close, a, b, centers, code, bins.step)
    whole.add_patch(Rectangle(corner, side, side, fill=False, ec=INK, lw=1.2, zorder=3))
    whole.set_title(f"sRGB's colours at L = {L}")
    _bars(axes_at(fig, 0.3, 0.45, 3.0, 1.05), L, centers, code)
    _patches(axes_at(fig, 3.65, 0.8, 2.3, 0.7), L, a, b, shown, told)
    return fig


def _close_up(ax, a, b, centers, code, step: int) -> tuple[tuple[float, float], float]:
    """Make the axes a close-up of the bins (K, 2), their weights (K,) written below their dots, or above where (a, b) lies below;
    returns its lower left corner and its side."""
    low, high = centers.amin(0), centers.amax(0)
    (x, y), half = ((low + high) / 2).tolist(), max(2.5 * step, (high - low).max().item() / 2 + 0.75 * step)
    ax.set(xlim=(x - half, x + half), ylim=(y - half, y + half), title="close-up, with the weights")
    ax.set_xlabel("a", labelpad=2)
    ax.set_ylabel("b", labelpad=0)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MultipleLocator(2 * step))
        axis.set_minor_locator(MultipleLocator(step))
    for (at, up), weight in zip(centers.tolist(), code.tolist()):
        if weight >= 0.005:
            radius = 0.3 * step * (weight / code.max().item()) ** 0.5
            sign, va = (1, "bottom") if abs(a - at) < step / 2 and 0 < up - b < step else (-1, "top")
            ax.text(at, up + sign * (radius + 0.02 * half), f"{weight:.2f}", ha="center", va=va, fontsize=9.5, zorder=7,
                    clip_on=True, bbox={"pad": 0.4, "fc": "white", "ec": "none", "alpha": 0.6})
    return (x - half, y - half), 2 * half


def _bars(ax, L, centers, code) -> None:
    """The code's weights (K,) in falling order, in their bins' colours; hatched are bins that sRGB cannot show at L."""
    lab = torch.cat((torch.full((1, len(code)), float(L)), centers.T))[..., None]
    bars = ax.bar(range(1, len(code) + 1), code.tolist(), width=0.8, color=own_color(centers.T, L).T.numpy(), ec=INK, lw=0.8)
    for bar, can in zip(bars, in_gamut(lab)[:, 0].tolist()):
        bar.set(hatch="" if can else "/////", ec="#BBBBBB" if L < 40 else INK)  # light hatching on dark colours
    for rank in sorted({0, len(code) - 1}):
        ax.text(rank + 1, code[rank] + 0.03 * code[0], f"{code[rank]:.2f}", ha="center", va="bottom")
    ax.set(xlim=(0.3, max(len(code), 5) + 0.7), ylim=(0, 1.25 * code[0].item()), xticks=[1, *([len(code)] if len(code) > 1 else [])], yticks=[])
    ax.set_title("the soft code, sorted", pad=5)
    ax.set_xlabel("nearest bins", labelpad=-8)


def _patches(ax, L, a, b, shown, told) -> None:
    """The colour itself; or a hatched place for it, and the nearest that can be shown."""
    inside = shown == (a, b)
    rgb = lab_to_rgb(torch.tensor([L, *shown]).double().view(3, 1, 1)).flatten()
    ax.set(xlim=(0, 2), ylim=(0, 1), xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    ax.set_title("in gamut" if inside else "out of gamut, and its nearest", pad=5)
    ax.add_patch(Rectangle((0 if inside else 1, 0), 2 if inside else 1, 1, fc=rgb.tolist(), ec=INK, lw=0.8, clip_on=False))
    if inside:
        ax.text(0, -0.1, "sRGB " + ", ".join(str(v) for v in to_8_bit(rgb).tolist()), va="top")
    else:
        ax.add_patch(Rectangle((0, 0), 1, 1, fc=(OUTSIDE,) * 3, ec=INK, lw=0.8, hatch="////", clip_on=False))
        ax.text(0, -0.1, f"a {a}, b {b}", va="top")
        ax.text(1, -0.1, f"a {shown[0]}, b {shown[1]}", va="top")
    ax.text(0, -0.5, told.replace(", ", "\n"), va="top", linespacing=1.3)
