"""Drawings: the generator, the discriminator, and the way of a photograph through the whole study."""

from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from .discriminators import SIZE
from .generators.eccv16 import BLOCKS
from .style import BLUE, FAINT, GREEN, INK, ORANGE, PINK, VERMILION, WIDTH, own_axes

FILL = "#DCE9F2"  # a convolution
STRIDED = "#A9CBE3"  # one that halves the size, or a pool
WARM = "#F6D9A8"  # what enlarges, and vectors
ARROW = {"arrowstyle": "-|>", "mutation_scale": 11, "lw": 1.3, "color": "#555555", "shrinkA": 0, "shrinkB": 0}


def eccv16_table(size: int = 256, width: float = 1.0) -> list[dict]:
    """The generator layer by layer, as in the table of its paper.

    Returns:
        a dict for each convolution: block, channels, size (side of its output for an input of ``size``),
            stride (1/2
        where it doubles the size), dilation, kernel.
    """
    rows = []
    for block, (channels, count, stride, dilation) in enumerate(BLOCKS, start=1):
        for i in range(count):
            step = stride if i == count - 1 else 1
            size //= step
            rows.append({"block": block, "channels": max(1, round(channels * width)), "size": size,
                         "stride": step, "dilation": dilation, "kernel": 3})
    for i, (channels, kernel) in enumerate(((256, 4), (256, 3), (256, 3), (313, 1))):
        size *= 2 if i == 0 else 1
        channels = channels if i == 3 else max(1, round(channels * width))
        rows.append({"block": 8, "channels": channels, "size": size, "stride": 0.5 if i == 0 else 1,
                     "dilation": 1, "kernel": kernel})
    return rows


def draw_eccv16(ax=None, size: int = 256, width: float = 1.0):
    """Draw the generator (Figure 2 of the paper): a slab for each convolution, high as its map, deep as
    its channels.

    Args:
        ax: axes; None makes a figure. size: side of the photograph. width: of the network.
    Returns:
        the Figure.
    """
    ax = own_axes(ax, height=3.5)
    rows = eccv16_table(size, width)
    x = _slab(ax, 0, 0.35, size, size, "#E3E3E3") + 0.55
    ax.text(0.17, _height(size, size) / 2 + 0.12, "L\n1", ha="center", va="bottom", linespacing=1.1)
    spans = {}
    for row in rows:
        fill = {0.5: WARM, 2: STRIDED}.get(row["stride"], FILL if row["kernel"] == 3 else "white")
        deep = 0.10 + 0.42 * row["channels"] / 512
        if row["block"] not in spans:
            x += 0.32
        start, x = x, _slab(ax, x, deep, row["size"], size, fill,
                            "////" if row["dilation"] > 1 else None) + 0.07
        spans.setdefault(row["block"], [start, 0, row["channels"], row])[1::2] = [x - 0.07, row]
    for block, (start, end, first, row) in spans.items():
        _name_block(ax, f"conv{block}", (start + end) / 2, first, row, size)
    for a, b in zip([(0, 0.35)] + list(spans.values()), list(spans.values())):
        ax.add_patch(FancyArrowPatch((a[1] + 0.05, 0), (b[0] - 0.05, 0), **ARROW))
    end = x
    x = _slab(ax, x + 1.55, 0.14, size // 4, size, "#D3ECE2") + 0.95
    ax.add_patch(FancyArrowPatch((end, 0), (x - 1.15, 0), **ARROW))
    ax.text((end + x - 1.13) / 2, 0.12, "softmax,\nannealed\nmean", ha="center", va="bottom", fontsize=9,
            linespacing=1.1)
    ax.text(x - 1.02, -_height(size // 4, size) / 2 - 0.12, f"ab\n2\n{size // 4}²", ha="center", va="top",
            linespacing=1.1)
    ax.add_patch(FancyArrowPatch((x - 0.88, 0), (x + 0.02, 0), **ARROW))
    ax.text(x - 0.43, 0.12, "×4,\n+ L", ha="center", va="bottom", fontsize=9, linespacing=1.1)
    _slab(ax, x + 0.08, 0.35, size, size, "#D3ECE2")
    ax.text(x + 0.25, _height(size, size) / 2 + 0.12, "Lab\n3", ha="center", va="bottom", linespacing=1.1)
    _key(ax, x)
    ax.set(xlim=(-0.25, x + 0.6), ylim=(-2.75, 2.35))
    ax.set_axis_off()
    return ax.figure


def _height(side: int, whole: int) -> float:
    """Height of a map in the drawing: its square root, so that a side of 32 can be seen beside one of 256."""
    return 3.0 * (side / whole) ** 0.5


def _slab(ax, x: float, deep: float, side: int, whole: int, fill: str, hatch: str | None = None) -> float:
    """Draw one map as an upright slab; the right edge is returned."""
    height = _height(side, whole)
    patch = Rectangle((x, -height / 2), deep, height, facecolor=fill, edgecolor=INK, lw=0.9, hatch=hatch)
    patch.set_label("slab")
    ax.add_patch(patch)
    return x + deep


def _name_block(ax, name: str, middle: float, first: int, last: dict, whole: int) -> None:
    """A block's name above it; below it the channels of its first and last layer, and the side of its map."""
    edge = _height(last["size"] * (2 if last["stride"] == 2 else 1), whole) / 2 + 0.12
    channels = str(first) if first == last["channels"] else f"{first}, {last['channels']}"
    ax.text(middle, edge, name, ha="center", va="bottom", fontsize=10)
    ax.text(middle, -edge, f"{channels}\n{last['size']}²", ha="center", va="top", linespacing=1.15)


def _key(ax, right: float) -> None:
    """What the fills mean, in one line below the drawing."""
    entries = ((FILL, None, "3×3 convolution, ReLU"), (STRIDED, None, "stride 2: half the side"),
               (FILL, "////", "dilation 2"), (WARM, None, "transposed: twice the side"),
               ("white", None, "1×1"))
    letter = 0.078 * (right + 0.85) / WIDTH  # about the width of one
    taken = sum(0.4 + letter * len(text) for *_, text in entries)
    gap, x = max(0.2, (right + 0.35 - taken) / (len(entries) - 1)), 0.0
    for fill, hatch, text in entries:
        ax.add_patch(Rectangle((x, -2.62), 0.28, 0.26, facecolor=fill, edgecolor=INK, lw=0.8, hatch=hatch))
        ax.text(x + 0.4, -2.49, text, va="center", fontsize=9.5)
        x += 0.4 + letter * len(text) + gap


def draw_discriminator(ax=None):
    """Draw the discriminator (Figure 3 of the paper): convolutions and pools, two dense layers, one logit.

    Returns:
        the Figure.
    """
    ax = own_axes(ax, height=3.1)
    x = _slab(ax, 0, 0.5, SIZE, SIZE, "#E3E3E3")
    _under(ax, 0.25, SIZE, f"RGB\n3 × {SIZE}²")
    side = SIZE
    for channels in (32, 32, 64):
        deep = 0.25 + 0.4 * channels / 64
        ax.add_patch(FancyArrowPatch((x + 0.08, 0), (x + 0.82, 0), **ARROW))
        start, side = x + 0.9, side - 2
        x = _slab(ax, start, deep, side, SIZE, FILL)
        pooled = _slab(ax, x + 0.16, deep, side // 2, SIZE, STRIDED)
        _under(ax, start + deep / 2, side, f"{channels} × {side}²")
        side, x = side // 2, pooled
        ax.text(x - deep / 2, -_height(side, SIZE) / 2 - 0.1, f"{side}²", ha="center", va="top")
    dense = ((64 * side**2, 2.6, "flatten"), (64, 1.3, "dense\n+ ReLU,\ndropout ½"), (1, 0.24, "dense"))
    for width, height, text in dense:
        ax.add_patch(FancyArrowPatch((x + 0.08, 0), (x + 1.12, 0), **ARROW))
        ax.text(x + 0.6, 0.12, text, ha="center", va="bottom", fontsize=9, linespacing=1.1)
        ax.add_patch(Rectangle((x + 1.2, -height / 2), 0.16, height, facecolor=WARM, edgecolor=INK, lw=0.9))
        ax.text(x + 1.28, -height / 2 - 0.1, f"{width:,}", ha="center", va="top")
        x += 1.36
    ax.text(x + 0.2, 0, "logit\n> 0: “real”", va="center", linespacing=1.2)
    for fill, text, at in ((FILL, "3×3 convolution without padding, ReLU", 0.0),
                           (STRIDED, "2×2 max pool", 5.1), (WARM, "vector", 7.4)):
        ax.add_patch(Rectangle((at, -2.6), 0.25, 0.26, facecolor=fill, edgecolor=INK, lw=0.8))
        ax.text(at + 0.36, -2.47, text, va="center", fontsize=9.5)
    ax.set(xlim=(-0.5, x + 1.4), ylim=(-2.7, 1.6))
    ax.set_axis_off()
    return ax.figure


def _under(ax, x: float, side: int, text: str) -> None:
    ax.text(x, -_height(side, SIZE) / 2 - 0.1, text, ha="center", va="top", linespacing=1.15)


def pipeline(ax=None, images: dict | None = None):
    """Draw the whole study: a photograph loses its colour and gets another; both are judged; some train.

    Args:
        ax: axes; None makes a figure. images: thumbnails instead of words, any of "photograph", "grey",
            "fake", each RGB ``(3, H, W)`` or L ``(1, H, W)``.
    Returns:
        the Figure.
    """
    ax = own_axes(ax, height=3.8)
    ax.set(xlim=(0, 18), ylim=(0.2, 7.6), aspect="equal")
    ax.set_axis_off()
    images = images or {}
    places = {"photograph": (1.5, 5.4), "grey": (4.7, 5.4), "fake": (11.3, 5.4)}
    if set(images) - set(places):
        raise ValueError(f"images has {sorted(set(images) - set(places))}; expected any of {list(places)}")
    captions = {"photograph": "photograph", "grey": "L: its lightness", "fake": "colorized, a “fake”"}
    for name, (x, y) in places.items():
        _thumbnail(ax, x, y, images.get(name), captions[name])
    _box(ax, 8.0, 5.4, "generator", "L in, ab out", BLUE)
    _box(ax, 15.6, 5.4, "discriminator", "which one is real?", VERMILION)
    _box(ax, 15.6, 1.2, "people", "the same question", GREEN)
    _box(ax, 11.8, 1.2, "rank", "most telling first", PINK)
    _box(ax, 8.0, 1.2, "fine-tune", "on the telling ones", ORANGE)
    for start, end in (((2.7, 5.4), (3.45, 5.4)), ((5.95, 5.4), (6.55, 5.4)), ((9.45, 5.4), (10.05, 5.4)),
                       ((12.55, 5.4), (14.15, 5.4)), ((10.35, 1.2), (9.45, 1.2)), ((8.0, 2.05), (8.0, 4.55)),
                       ((16.0, 4.55), (16.0, 2.05))):
        ax.add_patch(FancyArrowPatch(start, end, **ARROW))
    _way(ax, [(1.5, 6.65), (1.5, 7.3), (15.6, 7.3), (15.6, 6.25)], "the photograph itself: “real”",
         (8.5, 7.3))
    _way(ax, [(14.9, 4.55), (14.9, 2.9), (11.8, 2.9), (11.8, 2.05)], "scores", (13.4, 2.9))
    ax.text(7.8, 3.3, "is it better?", ha="right", va="center", fontsize=9.5)
    ax.text(16.2, 3.3, "compare", va="center", fontsize=9.5)
    return ax.figure


def _box(ax, x: float, y: float, title: str, text: str, color: str) -> None:
    ax.add_patch(FancyBboxPatch((x - 1.4, y - 0.8), 2.8, 1.6, boxstyle="round,pad=0.0,rounding_size=0.18",
                                facecolor="white", edgecolor=color, lw=2))
    ax.text(x, y + 0.22, title, ha="center", va="center", fontweight="bold")
    ax.text(x, y - 0.32, text, ha="center", va="center", fontsize=9)


def _thumbnail(ax, x: float, y: float, image, caption: str) -> None:
    """An image in a square of side 2.4 with its name below, or, without an image, a frame with its name."""
    if image is not None:
        from .plots import as_image

        pixels = as_image(image, f"images[{caption!r}]")
        side = min(pixels.shape[:2])
        top, left = (pixels.shape[0] - side) // 2, (pixels.shape[1] - side) // 2
        ax.imshow(pixels[top:top + side, left:left + side], extent=(x - 1.2, x + 1.2, y - 1.2, y + 1.2),
                  zorder=2, interpolation="antialiased", aspect="equal")
        ax.set(xlim=(0, 18), ylim=(0.2, 7.6))
    ax.add_patch(Rectangle((x - 1.2, y - 1.2), 2.4, 2.4, facecolor="#F2F2F2", edgecolor=FAINT, lw=1,
                           zorder=1))
    if image is not None:
        ax.text(x, y - 1.35, caption, ha="center", va="top", fontsize=9.5)
    else:
        ax.text(x, y, caption.replace(" ", "\n", 1), ha="center", va="center", fontsize=9.5)


def _way(ax, points, text, at=None) -> None:
    """A path of straight pieces that ends in an arrow, with a word on it."""
    for a, b in zip(points[:-2], points[1:-1]):
        ax.plot(*zip(a, b), color="#555555", lw=1.3, solid_capstyle="round")
    ax.add_patch(FancyArrowPatch(points[-2], points[-1], **ARROW))
    if text:
        ax.text(*at, text, ha="center", va="center", fontsize=9.5,
                bbox={"fc": "white", "ec": "none", "pad": 2})
