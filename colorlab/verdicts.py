"""Charts of what a judge said: rates with intervals, scores of real and fake, pairs, ROC curves."""

import numpy as np

from .style import BLUE, DASHES, FAINT, GREY, LINE_COLORS, VERMILION, as_numbers, ink, own_axes


def forest(rows, references: dict | None = None, xlabel: str = "labelled real (%)", ax=None, limits=None,
           title: str = ""):
    """Rates with their 95 % intervals, one a line, beside lines to compare with.

    Args:
        rows: ``(name, rate)`` with a rate from ``judging`` (it has .rate, .low, .high), or ``(name, rate,
            low, high)``, all in [0, 1]; low and high None: no interval is known. A plain string is a heading.
        references: {name: rate} or {name: (rate, standard error)}, vertical lines, with a band of +- 2
            standard errors.
        limits: ends of the axis in percent.
    Returns:
        the Figure.
    """
    rows = [row if isinstance(row, str) else _rate(row) for row in rows]
    if not any(not isinstance(row, str) for row in rows):
        raise ValueError("rows holds no rate; expected (name, rate) or (name, rate, low, high)")
    ax = own_axes(ax, width=8.0, height=0.95 + 0.30 * len(rows) + 0.2 * bool(references))
    for name, value in (references or {}).items():
        rate, error = value if isinstance(value, tuple) else (value, 0.0)
        ax.axvspan(100 * (rate - 2 * error), 100 * (rate + 2 * error), color=GREY, alpha=0.2, lw=0)
        ax.axvline(100 * rate, color=FAINT, lw=1.2, ls=(0, (4, 2)), zorder=1)
    for y, row in enumerate(rows):
        if isinstance(row, str):
            ax.annotate(row, (0, y), xytext=(-8, 0), xycoords=("axes fraction", "data"),
                        textcoords="offset points", ha="right", va="center",
                        fontweight="bold", annotation_clip=False)
            continue
        _, rate, low, high = (100 * v if isinstance(v, float) else v for v in row)
        text = f"{rate:.1f}"
        if low is not None:
            ax.plot([low, high], [y, y], color=BLUE, lw=2.2, solid_capstyle="butt")
            text += f"  [{low:.1f}, {high:.1f}]"
        ax.plot(rate, y, "o", ms=7, mfc=BLUE if low is not None else "white", mec=BLUE, mew=1.6)
        ax.annotate(text, (1, y), xytext=(8, 0), xycoords=("axes fraction", "data"),
                    textcoords="offset points", va="center", annotation_clip=False)
    _name_references(ax, references or {}, limits)
    ax.set(ylim=(len(rows) - 0.4, -0.6), xlabel=xlabel,
           yticks=[i for i, r in enumerate(rows) if not isinstance(r, str)],
           yticklabels=[r[0] for r in rows if not isinstance(r, str)], **({"xlim": limits} if limits else {}))
    ax.set_title(title, pad=22 if references else None)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.grid(axis="x")
    return ax.figure


def _name_references(ax, references: dict, limits) -> None:
    """Names above the reference lines, every other one a line higher where they would touch."""
    low, high = limits or ax.get_xlim()
    level, before, length = 0, -np.inf, 0
    for name, value in sorted(references.items(), key=lambda item: np.ravel(item[1])[0]):
        rate = 100 * float(np.ravel(value)[0])
        apart = 60 * (rate - before) / (high - low)  # in letters; about 60 fill the axes' width
        touches = apart < (len(name) + length) / 2 + 2
        level, before, length = (1 - level if touches else 0), rate, len(name)
        ax.annotate(name, (rate, 1), xytext=(0, 3 + 13 * level), xycoords=("data", "axes fraction"),
                    ha="center", textcoords="offset points", color="#555555", annotation_clip=False)


def _rate(row) -> tuple:
    """(name, rate, low, high) as floats, from a tuple or from (name, something with .rate, .low, .high)."""
    name, *numbers = row
    if len(numbers) == 1 and hasattr(numbers[0], "rate"):
        numbers = [numbers[0].rate, numbers[0].low, numbers[0].high]
    if len(numbers) != 3:
        raise ValueError(f"rows: {name!r} has {len(numbers)} numbers; expected a rate, or three")
    if any(n is not None and not -0.5 <= n <= 1.0001 for n in numbers):
        raise ValueError(f"rows: {name!r} has {numbers}; expected rates in [0, 1], not percent")
    return (name, *(None if n is None else float(n) for n in numbers))


def score_histogram(real, fake, ax=None, xlabel: str = "logit of the discriminator (higher: more real)",
                    names=("real", "fake"), title: str = ""):
    """Scores of real photographs (filled) and of fakes (hatched, dashed); at 0 the verdict turns.

    Args:
        real, fake: ``(N,)`` and ``(M,)`` logits.
    Returns:
        the Figure.
    """
    ax = own_axes(ax, width=7.0)
    sets = [as_numbers(real, "real"), as_numbers(fake, "fake")]
    edges = np.histogram_bin_edges(np.concatenate(sets), bins=min(40, max(8, int(len(sets[0]) ** 0.5) * 2)))
    looks = ({"color": BLUE, "alpha": 0.35},
             {"color": "none", "edgecolor": VERMILION, "hatch": "////", "alpha": 0.6})
    for values, look, color, dash, name in zip(sets, looks, (BLUE, VERMILION), ("-", (0, (4, 1.6))), names):
        height, _ = np.histogram(values, edges)
        share = 100 * height / len(values)
        ax.stairs(share, edges, fill=True, lw=0, **look)
        ax.stairs(share, edges, color=color, lw=1.8, ls=dash)
        middle = np.median(values)
        near = np.abs((edges[1:] + edges[:-1]) / 2 - middle) < 0.13 * (edges[-1] - edges[0])
        peak = share[near].max()  # the name stands above every bar that it could cover
        side = _side(values, sets, edges)
        ax.annotate(f"{name}\n(median {middle:.1f})".replace("-", "−"), (middle, peak), ha=side,
                    annotation_clip=False, xytext=({"left": 5, "right": -5}.get(side, 0), 6), va="bottom",
                    textcoords="offset points", color=ink(color),
                    bbox={"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.8})
    ax.axvline(0, color=FAINT, lw=1)
    ax.set(xlabel=xlabel, ylabel="share of the images (%)", title=title, ylim=(0, 1.3 * ax.get_ylim()[1]))
    return ax.figure


def _side(values, sets, edges) -> str:
    """Where a name hangs: over its median, or to one side where the two medians are close."""
    mine, other = np.median(values), np.median(sets[1] if values is sets[0] else sets[0])
    if abs(mine - other) > 0.17 * (edges[-1] - edges[0]):
        return "center"
    return "right" if mine < other or (mine == other and values is sets[1]) else "left"


def paired(real, fake, ax=None, title: str = ""):
    """Each pair as a point: the original's logit across, its fake's up; above the diagonal the fake won.

    Args:
        real, fake: ``(N,)`` logits, entry i of both from the same photograph.
    Returns:
        the Figure.
    """
    real, fake = as_numbers(real, "real"), as_numbers(fake, "fake")
    if len(real) != len(fake):
        raise ValueError(f"real has {len(real)} and fake {len(fake)} scores; expected pairs")
    ax = own_axes(ax, width=4.6, height=4.4)
    won = fake > real
    ax.plot(real[~won], fake[~won], "o", ms=5, color=BLUE, alpha=0.55, mec="none")
    ax.plot(real[won], fake[won], "^", ms=7, color=VERMILION, mec="white", mew=0.5)
    low, high = min(real.min(), fake.min()), max(real.max(), fake.max())
    pad = 0.05 * (high - low) or 1.0
    ax.plot([low - pad, high + pad], [low - pad, high + pad], color=FAINT, lw=1)
    ax.set(xlim=(low - pad, high + pad), ylim=(low - pad, high + pad), aspect="equal", title=title,
           xlabel="logit of the original", ylabel="logit of its fake")
    box = {"boxstyle": "round,pad=0.2", "fc": "white", "ec": "none", "alpha": 0.85}
    ax.text(0.03, 0.97, f"▲ the fake looks more real: {won.sum()} of {len(won)}", transform=ax.transAxes,
            va="top", color=ink(VERMILION), bbox=box)
    ax.text(0.03, 0.9, "● the original does", transform=ax.transAxes, va="top",
            color=ink(BLUE), bbox=box)
    return ax.figure


def roc(scores: dict, ax=None, title: str = ""):
    """Receiver operating curves: the share of real that pass against the share of fakes that do.

    Args:
        scores: {name: (real, fake)}, logits ``(N,)`` and ``(M,)``.
    Returns:
        the Figure; the area under each curve is written beside its name.
    """
    if not scores:
        raise ValueError("scores is empty; expected {name: (real, fake)}")
    ax = own_axes(ax, width=4.8, height=4.4)
    ax.plot([0, 100], [0, 100], color=FAINT, lw=1)
    ax.text(62, 57, "chance", rotation=45, color="#666666", ha="center", va="center", rotation_mode="anchor")
    for i, (name, (real, fake)) in enumerate(scores.items()):
        fake_pass, real_pass = _roc_points(as_numbers(real, f"scores[{name!r}]"),
                                           as_numbers(fake, f"scores[{name!r}]"))
        area = (np.diff(fake_pass) * (real_pass[1:] + real_pass[:-1]) / 2).sum() / 1e4
        color = LINE_COLORS[i % len(LINE_COLORS)]
        ax.plot(fake_pass, real_pass, color=color, ls=DASHES[i % len(DASHES)])
        ax.plot([36, 43], [6 + 8 * (len(scores) - 1 - i)] * 2, color=color, ls=DASHES[i % len(DASHES)])
        ax.text(45, 6 + 8 * (len(scores) - 1 - i), f"{name}: {area:.3f}", color=ink(color), va="center")
    ax.text(36, 6 + 8 * len(scores), "area under the curve", va="center")
    ax.set(xlim=(0, 100), ylim=(0, 100), aspect="equal", xlabel="fakes taken for real (%)",
           ylabel="real taken for real (%)", title=title)
    return ax.figure


def _roc_points(real: np.ndarray, fake: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shares in percent above every threshold, from the highest down; equal scores make one step."""
    thresholds = np.concatenate(([np.inf], np.unique(np.concatenate((real, fake)))[::-1]))
    above = [100 * (1 - np.searchsorted(np.sort(x), thresholds, "left") / len(x)) for x in (fake, real)]
    return above[0], above[1]
