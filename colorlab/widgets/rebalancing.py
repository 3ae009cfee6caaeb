"""Explorer of class rebalancing: what lambda and sigma do to the weight of each colour. Notebook 02 derives all of it.

    prior = rebalance.empirical_prior(images.split(32), bins)
    rebalancing.explore(prior, bins)    move lambda and sigma        rebalancing.sheet(prior, bins)    four settings, on paper

Zhang, Isola & Efros, *Colorful Image Colorization* (ECCV 2016), section 2.2, equation 4: w is proportional to the inverse of
(1 - lambda) p + lambda / Q, where p is the prior after smoothing, and is scaled so that the sum of p w is 1.
"""

from functools import lru_cache, partial

import torch
from matplotlib.patches import Rectangle
from matplotlib.ticker import LogLocator, NullLocator
from torch import Tensor

from ..abplane import ab_bins, own_color
from ..bins import AbBins
from ..plots import INK, Picture
from ..rebalance import class_weights, smooth_prior
from ..style import BLUE, axes_at
from .explorer import Explorer, Shown, choice, contact_sheet, slider

SHOW = ("prior", "weights", "prior × weights")
EMPTY = 1e-12  # a share below this is called empty: lambda = 0 would weigh such a bin infinitely, or nearly so
GREY = 10.0  # chroma up to which a bin is called grey here
SETTINGS = {  # of the contact sheet
    "the prior: grey is common": {"mix": 0.5, "sigma": 5, "scale": "log", "show": "prior"},
    "λ 0.5, as Zhang et al. have it: grey weighs little": {"mix": 0.5, "sigma": 5, "scale": "log", "show": "weights"},
    "λ 0.05: the rare weigh far more": {"mix": 0.05, "sigma": 5, "scale": "log", "show": "weights"},
    "σ 15: a blurred prior, and milder weights": {"mix": 0.5, "sigma": 15, "scale": "log", "show": "weights"},
}


def explore(prior_counts: Tensor, bins: AbBins | None = None) -> Explorer:
    """The explorer, with sliders for lambda and for the sigma of the smoothing.

    Args:
        prior_counts: ``(Q,)``, counts or shares of pixels in each bin (`rebalance.empirical_prior`), not smoothed.
        bins: the bins; None takes the 313.
    """
    controls = {"mix": slider("λ, share of uniform", 0.0, 1.0, 0.5, 0.05), "sigma": slider("σ of smoothing", 1, 15, 5),
                "scale": choice("scale", ("log", "linear")), "show": choice("show", SHOW, "weights")}
    return Explorer(_of(prior_counts, bins), controls, height=480, title="What a pixel of each colour weighs")


def sheet(prior_counts: Tensor, bins: AbBins | None = None, settings: dict[str, dict] | None = None) -> Picture:
    """What `explore` shows at some settings, {caption: the controls' values}; None takes `SETTINGS`: the prior, Zhang et al.'s weights,
    a smaller lambda, a wider sigma."""
    return contact_sheet(_of(prior_counts, bins), SETTINGS if settings is None else settings)


def render(mix: float, sigma: float, scale: str, show: str, prior: Tensor, bins: AbBins) -> Shown:
    """The chosen value of each bin, and the weights in falling order.

    Args:
        mix: lambda in [0, 1]. sigma: of the smoothing, in units of a and b. scale: "log" or "linear". show: one of `SHOW`.
        prior: ``(Q,)``, shares before smoothing.
    """
    smooth = smooth_prior(prior, bins, sigma)  # (Q,)
    weights = weigh(smooth, mix)  # (Q,), infinite where empty
    return Shown(_draw(mix, sigma, scale, show, prior, smooth, weights, bins), _words(mix, sigma, smooth, weights, bins))


def weigh(smooth: Tensor, mix: float) -> Tensor:
    """`rebalance.class_weights`, and at mix 0, where that refuses empty bins, infinity for them: (Q,) -> (Q,)."""
    if mix > 0:
        return class_weights(smooth, mix)
    weights, there = torch.full_like(smooth, torch.inf), smooth > EMPTY
    weights[there] = class_weights(smooth[there], 0.0)
    return weights


def _of(prior_counts, bins):
    """`render` of these counts; wrong ones are refused here, before anything is drawn."""
    bins, counts = bins if bins is not None else AbBins(), torch.as_tensor(prior_counts).double()
    smooth_prior(counts, bins)
    return partial(render, prior=counts / counts.sum(), bins=bins)


def _words(mix, sigma, smooth, weights, bins) -> str:
    finite = weights.isfinite()
    held = torch.where(finite, smooth * weights, 0.0)  # share of the weight that each bin holds
    grey = bins.centers.norm(dim=1) <= GREY
    low, high = _ends(weights)
    least, most = weights[low].item(), weights[high].item()
    said = (f"all bins weigh the same, {least:.3g}, a ratio of 1." if _flat(weights) else
            f"weights run from {number(least)} at {_at(bins, low)} to {number(most)} at {_at(bins, high)}, a ratio of {number(most / least)}.")
    if not finite.all():
        said += f" The {(~finite).sum()} empty bins would weigh infinitely and are left out."
    return (f"With λ {mix:.2g} and σ {sigma:g} {said} Grey (bins of chroma up to {GREY:g}) has {100 * smooth[grey].sum():.1f} % of the pixels, "
            f"and {100 * held[grey].sum():.1f} % once they are weighed. The sum of prior × weight is {held.sum():.3f}.")


def number(x: float, digits: int = 3) -> str:
    """Two or three digits of a number of any size: 0.0684, 2.14, 30,412, 1.2 × 10^9."""
    if x == 0 or 1e-3 <= x < 1e6:
        return f"{x:,.0f}" if x >= 99.5 else f"{x:.{digits}g}"
    first, power = f"{x:.1e}".split("e")
    return f"{first} × 10^{int(power)}"


def _ends(weights) -> tuple[int, int]:
    """The bins of the least weight and of the greatest that is finite."""
    return weights.argmin().item(), torch.where(weights.isfinite(), weights, -1.0).argmax().item()


def _flat(weights) -> bool:
    low, high = _ends(weights)
    return bool(weights[high] < 1.0005 * weights[low])


def _at(bins, q: int) -> str:
    a, b = bins.centers[q].int().tolist()
    return f"({a}, {b})"


def _draw(mix, sigma, scale, show, prior, smooth, weights, bins) -> Picture:
    fig = Picture(figsize=(6.4, 5.0), dpi=120)
    plane = axes_at(fig, 0.72, 1.9, 3.3, 2.8)
    value = dict(zip(SHOW, (smooth, weights, torch.where(weights.isfinite(), smooth * weights, torch.nan))))[show]
    value = value.where(value.isfinite(), torch.tensor(0.0 if scale == "log" else torch.nan, dtype=value.dtype))
    least, most = value[value > 0].min().item(), value[value > 0].max().item()
    limits = (min(max(least, most / 1e6), most / 2), most) if scale == "log" else (0.0, most)
    ab_bins(value, bins, plane, log=scale == "log", limits=limits, title=f"{show}, λ = {mix:.2g}, σ = {sigma:g}")
    plane.images[0].set_alpha(0.4)  # the colours step back behind the values
    if scale == "log":
        _plain_ticks(fig.axes[-1], most / limits[0])
    _line_of_weight_1(plane, weights, bins)
    _curve(axes_at(fig, 4.75, 2.25, 1.45, 2.4), weights, bins)
    rising = weights.argsort(stable=True)
    rising = rising[(prior > 0)[rising] & weights[rising].isfinite()]  # the bins that were met
    for left, title, some in ((0.15, "lose most", rising[:5]), (3.35, "gain most, of the colours met", rising.flip(0)[:5])):
        if not _flat(weights):
            _patches(axes_at(fig, left, 0.6, 2.85, 0.5), title, some, weights, bins)
    return fig


def _plain_ticks(ax, spread: float) -> None:
    """Numbers such as 0.2 and 1e-05 on a logarithmic axis whose ends differ by the factor spread: no powers to typeset, which is slow."""
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if spread < 200 else (1,), numticks=9))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter("{x:g}")


def _line_of_weight_1(ax, weights, bins) -> None:
    """A white line with dark rims between the colours that lose and those that gain."""
    if not weights.min() < 1 < weights.max():
        return
    (x, y), height = bins.centers.T.numpy(), weights.log().clamp(max=30).numpy()
    for color, width in ((INK, 3.2), ("white", 1.4)):
        ax.tricontour(x, y, height, levels=[0], colors=[color], linewidths=width, zorder=4)
    ax.text(-104, -100, "line: weight 1" if weights.isfinite().all() else "line: weight 1\nempty: infinite", fontsize=10)


def _curve(ax, weights, bins) -> None:
    """All weights, from the commonest bin to the rarest, with both ends named."""
    rising = weights[weights.isfinite()].sort().values
    (low, high), ranks = _ends(weights), torch.arange(1, len(rising) + 1)
    ax.axhline(1, color=INK, lw=0.8, ls=(0, (4, 3)))
    ax.plot(ranks, rising, color=BLUE, clip_on=False)
    spread = max((rising[-1] / rising[0]).log10().item(), 0.3)
    ends = [10 ** (rising[i].log10().item() + up * spread) for i, up in ((0, -0.25), (-1, 0.25))]
    ax.set(yscale="log", xlim=(0, len(bins)), ylim=ends, xticks=[1, len(bins)], title="all weights")
    _plain_ticks(ax, ends[1] / ends[0])
    ax.set_xlabel("bins, by weight", labelpad=2)
    if not _flat(weights):
        ax.text(0.04, 0.03, f"{number(rising[0].item())}\nat {_at(bins, low)}", transform=ax.transAxes, va="bottom")
        ax.text(1, 0.99, f"{number(rising[-1].item())}\nat {_at(bins, high)}", transform=ax.transAxes, va="top", ha="right")
    else:
        ax.text(0.5, 0.6, f"all {rising[0]:.3g}: no colour\ngains or loses", transform=ax.transAxes, ha="center")


def _patches(ax, title, some, weights, bins) -> None:
    """Up to five colours side by side, below each the factor by which its say changes, and its a and b."""
    ax.set(xlim=(0, 5), ylim=(0, 1), xticks=[], yticks=[])
    ax.set_title(title, pad=3)
    ax.spines[:].set_visible(False)
    for i, (q, color) in enumerate(zip(some.tolist(), _own_colors(bins.step)[some].tolist())):
        ax.add_patch(Rectangle((i + 0.04, 0), 0.92, 1, fc=color, ec=INK, lw=0.8, clip_on=False))
        ax.text(i + 0.5, -0.08, f"×{number(weights[q].item(), 2)}", ha="center", va="top", fontsize=10)
        ax.text(i + 0.5, -0.5, _at(bins, q).strip("()"), ha="center", va="top", fontsize=10)


@lru_cache(maxsize=8)
def _own_colors(step: int) -> Tensor:
    """The colours in which to draw the bins, (Q, 3): many lightnesses are tried, so it is done once."""
    return own_color(AbBins(step).centers.T).T
