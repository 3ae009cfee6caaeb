"""Charts: curves with their names at their ends, points with their trend, the log of a training."""

import numpy as np

from .style import BLUE, DASHES, FAINT, INK, LINE_COLORS, as_numbers, ink, own_axes, panels

LEADER = {"arrowstyle": "-", "lw": 0.7, "alpha": 0.6, "shrinkA": 1, "shrinkB": 1, "relpos": (0, 0.5)}


def curves(lines: dict, xlabel: str, ylabel: str, ax=None, smooth: int = 1, logx: bool = False,
           logy: bool = False, references: dict | None = None, title: str = "", ylim=None):
    """Lines with their names written at their right ends, each with its own colour and dashes.

    Args:
        lines: {name: (x, y)} or {name: (x, y, low, high)}, the latter with a band from low to high.
        smooth: width in points of a running mean; above 1 the raw values stay behind, faint.
        references: {name: y}, thin horizontal lines. ylim: ends of the y axis, either of them None.
    Returns:
        the Figure.
    """
    if not lines:
        raise ValueError("lines is empty; expected {name: (x, y)}")
    ax = own_axes(ax, width=7.0)
    ends = []
    for i, (name, line) in enumerate(lines.items()):
        if len(line) not in (2, 4):
            raise ValueError(f"lines[{name!r}] has {len(line)} parts; expected (x, y) or (x, y, low, high)")
        x, y, *band = (as_numbers(part, f"lines[{name!r}]") for part in line)
        if len({len(part) for part in (x, y, *band)}) > 1:
            raise ValueError(f"lines[{name!r}] has {len(x)} x and {len(y)} y; expected as many of each")
        color, dash = LINE_COLORS[i % len(LINE_COLORS)], DASHES[i % len(DASHES)]
        if band:
            ax.fill_between(x, *band, color=color, alpha=0.16, lw=0)
        if smooth > 1 and len(y) > smooth:
            ax.plot(x, y, color=color, lw=0.8, alpha=0.3)
            y = running_mean(y, smooth)
        ax.plot(x, y, color=color, ls=dash, marker="o" if len(x) == 1 else None, ms=5)
        last = int(x.argmax())
        ends.append((x[last], y[last], name, ink(color)))
    for name, y in (references or {}).items():
        ax.axhline(y, color=FAINT, lw=1, zorder=1)
        ends.append((None, y, name, INK))
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title, **({"xscale": "log"} if logx else {}),
           **({"yscale": "log"} if logy else {}))
    ax.margins(x=0.01)
    ax.set_ylim(ylim)
    ax.grid(axis="y")
    if len(ends) > 1 or ends[0][2] != ylabel:
        _name_ends(ax, [end for end in ends if np.isfinite(end[1])])
    return ax.figure


def running_mean(values: np.ndarray, width: int) -> np.ndarray:
    """Mean over a window of ``width`` around each value; the window shrinks at both ends."""
    total = np.concatenate(([0.0], np.cumsum(values)))
    index = np.arange(len(values))
    low, high = np.maximum(index - width // 2, 0), np.minimum(index + width // 2 + 1, len(values))
    return (total[high] - total[low]) / (high - low)


def _name_ends(ax, ends, gap: float = 13.5) -> None:
    """Write names right of the axes at the height of the lines' ends, moved apart where they would touch."""
    if not ends:
        return
    spot = ax.get_subplotspec()
    rows = spot.get_gridspec().nrows if spot is not None else 1
    points = 72 * ax.figure.get_figheight() / rows - 70  # about the height of the axes
    (low, high), right = ax.get_ylim(), ax.get_xlim()[1]
    scale = np.log if ax.get_yscale() == "log" else (lambda v: v)
    ax.set(ylim=(low, high), xlim=(ax.get_xlim()[0], right))
    ends = sorted(ends, key=lambda end: end[1])
    wanted = np.array([(scale(end[1]) - scale(low)) / (scale(high) - scale(low)) * points for end in ends])
    for (x, y, name, color), at in zip(ends, apart(wanted, gap, points)):
        ax.annotate(name, xy=(right if x is None else x, y), xytext=(1.025, at / points), va="center",
                    color=color, textcoords="axes fraction", annotation_clip=False,
                    arrowprops=None if x is None else {**LEADER, "color": color})


def apart(wanted: np.ndarray, gap: float, top: float) -> np.ndarray:
    """Move sorted heights as little as needed: neighbours ``gap`` apart, none above ``top``."""
    groups = []  # [sum of wanted minus offsets, count]: a group's labels sit gap apart around their mean
    for value in wanted:
        groups.append([value, 1])
        while len(groups) > 1:
            (a, n), (b, m) = groups[-2], groups[-1]
            if a / n + gap * (n - 1) / 2 + gap <= b / m - gap * (m - 1) / 2:
                break
            groups[-2:] = [[a + b, n + m]]
    placed = [s / n + gap * (k - (n - 1) / 2) for s, n in groups for k in range(n)]
    return np.array(placed) - max(0.0, placed[-1] - top)


def scatter(x, y, xlabel: str, ylabel: str, ax=None, title: str = "", fit: bool = True):
    """Points, with the straight line of least squares and Spearman's rank correlation.

    Args:
        x, y: ``(N,)`` each.
    Returns:
        the Figure.
    """
    x, y = as_numbers(x, "x"), as_numbers(y, "y")
    if len(x) != len(y):
        raise ValueError(f"x has {len(x)} and y {len(y)} numbers; expected as many of each")
    ax = own_axes(ax, width=5.2, height=3.8)
    ax.plot(x, y, "o", ms=5, color=BLUE, alpha=0.5, mec="none")
    if fit and len(x) > 2 and x.std() > 0 and y.std() > 0:
        from scipy.stats import spearmanr

        ends = np.array([x.min(), x.max()])
        ax.plot(ends, np.polyval(np.polyfit(x, y, 1), ends), color=INK, lw=1.4)
        rank = f"rank correlation {spearmanr(x, y)[0]:+.2f}".replace("-", "−")
        title = f"{title}   {rank}" if title else rank
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title)
    return ax.figure


def training_log(log, keys=None, smooth: int | None = None, title: str = ""):
    """What a training recorded, a panel for each quantity, against the step.

    Args:
        log: a ``training.Log``, or its rows: a list of dictionaries with "step" and numbers.
        keys: names of the quantities; several in a tuple share a panel. None: every one that the log has.
        smooth: width of the running mean in records; None chooses a twentieth of the log.
    Returns:
        the Figure.
    """
    rows = getattr(log, "rows", log)
    if not rows:
        raise ValueError("log has no rows; expected a training of at least one step")
    if keys is None:
        keys = [k for k in dict.fromkeys(k for row in rows for k in row)
                if k not in ("step", "epoch", "time", "seconds", "lr")
                and any(isinstance(r.get(k), (int, float)) for r in rows)]
    fig, axes = panels(1, len(keys), height=2.9, width=min(9.0, 1.5 + 4.5 * len(keys)))
    for ax, key in zip(np.atleast_1d(axes), keys):
        lines = {}
        for name in key if isinstance(key, tuple) else (key,):
            points = [(row["step"], row[name]) for row in rows if row.get(name) is not None]
            if not points:
                have = sorted({k for row in rows for k in row})
                raise ValueError(f"keys names {name!r}; the log has {have}")
            lines[name.replace("_", " ")] = tuple(zip(*points))
        width = smooth if smooth is not None else max(1, max(len(x) for x, _ in lines.values()) // 20)
        curves(lines, "step", " and ".join(lines) if len(lines) < 3 else "", ax=ax, smooth=width)
    fig.suptitle(title) if title else None
    return fig
