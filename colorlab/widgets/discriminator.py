"""Edit a photograph's colours and watch the logit of the discriminator: what does it go by?

    explore()                                                     the judge that ships, photographs and scenes at hand
    explore(judge, torch.cat((made.real[:5], made.fake[:5])))     yours, on originals and their fakes

Three edits, of ab alone: chroma multiplied, hue turned, chroma blurred. All keep L, so no shape changes; they are
linear in ab, so their order does not matter. The result is brought into the gamut and rounded to 8
bits, as `pairs` does.
A generator's quarter of the resolution blurs about as much as a `blur` of 1.2 pixels.
"""

import functools
import math
from typing import NamedTuple

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from .. import discriminators, pairs, photos
from ..attribution import occlusion_map, smooth_map
from ..color import in_gamut, into_gamut, lab_to_rgb, rgb_to_lab, to_8_bit
from ..controls import grey
from ..generators import evaluating
from ..judging import score
from ..plots import as_image
from ..style import BLUE, INK, Picture
from .explorer import Explorer, Shown, choice, contact_sheet, signed, slider, switch

WINDOW, STRIDE = 30, 24  # pixels, of the occluding window: 36 places
AT_ONCE = 4  # images: what a network of this size makes of so many stays in a processor's cache, and takes a quarter of the time
LINEAR = 10.0  # logits, up to which the scale is linear where it must reach far beyond; logarithmic from there
FLAT = 65.0  # the L at which colours are shown alone
EDITS = {  # name: its label and unit, the least, the most, what changes nothing, the slider's step, the curve's points, its ticks
    "saturation": ("chroma ×", 0.0, 2.0, 1.0, 0.05, 7, (0, 1, 2)), "hue": ("hue + (degrees)", -180, 180, 0, 5, 9, (-120, 0, 120)),
    "blur": ("blur of ab (pixels)", 0.0, 8.0, 0.0, 0.25, 7, (0, 4, 8))}
SETTINGS = {  # of the contact sheet: what differs from an unchanged picture
    "as it is": {"occlusion": True}, "without colour": {"saturation": 0.0}, "opposite hues": {"hue": 180},
    "its own colours, blurred": {"blur": 4.0}}
UNCHANGED = {name: edit[3] for name, edit in EDITS.items()}


class Look(NamedTuple):
    """An edited photograph: uint8 ``(3, 150, 150)``; its logit; the share of its pixels whose chroma had to be lowered, in [0, 1]."""

    rgb: Tensor
    logit: float
    lowered: float


def edit(lab: Tensor, saturation: float = 1.0, hue: float = 0.0, blur: float = 0.0) -> Tensor:
    """Change the colours of a photograph and keep its lightness.

    Args:
        lab: ``(3, H, W)`` on the CPU. saturation: what a and b are multiplied by. hue: degrees, from +a towards +b.
        blur: standard deviation of a Gaussian over a and b, in pixels.
    Returns:
        Lab ``(3, H, W)``, which sRGB may be unable to show: see `shown`.
    """
    turn = math.radians(hue)
    a, b = saturation * lab[1:]
    ab = torch.stack((math.cos(turn) * a - math.sin(turn) * b, math.sin(turn) * a + math.cos(turn) * b))
    if blur:
        ab = torch.from_numpy(gaussian_filter(ab.numpy(), (0, blur, blur), mode="nearest"))
    return torch.cat((lab[:1], ab))


def shown(lab: Tensor) -> Tensor:
    """Lab ``(..., 3, H, W)`` -> uint8 RGB, chroma lowered where sRGB cannot show it."""
    return to_8_bit(lab_to_rgb(into_gamut(lab)))


def explore(judge=None, images: Tensor | None = None, names=None) -> Explorer:
    """The explorer.

    Args:
        judge: float RGB (n, 3, 150, 150) in [0, 1] -> logits (n,); None loads the one that ships.
        images: uint8 ``(N, 3, 150, 150)``, photographs or fakes; None takes `photos.course`'s of the split "val".
        names: N, to choose by, each once.
    """
    judge, looks = _given(judge, images, names)
    controls = {"photo": choice("picture", looks)}
    controls |= {name: slider(label, *numbers[:4]) for name, (label, *numbers) in EDITS.items()}
    return Explorer(renderer(judge, looks), {**controls, "occlusion": switch("occlusion map")}, height=396,
                    title="What does the discriminator go by?")


def sheet(judge=None, images: Tensor | None = None, names=None, photo: str | None = None) -> Picture:
    """The same at the four `SETTINGS`, on paper. ``photo``: the name of one; unless given, that of which they decide most clearly."""
    judge, looks = _given(judge, images, names)
    render = renderer(judge, looks)
    photo = photo or max(looks, key=lambda name: _decided(judge, rgb_to_lab(looks[name])))
    return contact_sheet(render, {told: {"photo": photo, **UNCHANGED, "occlusion": False, **some} for told, some in SETTINGS.items()})


def _decided(judge, lab: Tensor) -> float:
    """How clearly the settings of the sheet make a picture now real, now fake: above 0 if they do, in logits."""
    edits = ({k: v for k, v in some.items() if k in EDITS} for some in SETTINGS.values())
    logits = score(judge, torch.stack([shown(edit(lab, **some)) for some in edits]))
    return min(logits.max().item(), -logits.min().item())


def renderer(judge, images: dict):
    """The pure function behind the explorer: the controls' values by name -> Shown. ``images``: {name: uint8 (3, 150, 150)}."""
    lab = {name: rgb_to_lab(image) for name, image in images.items()}

    def ask(rgb):
        """The judge, in small portions: many images at once, to within rounding."""
        with evaluating(judge) as device:
            return torch.cat([judge(part.to(device, memory_format=torch.channels_last)) for part in rgb.split(AT_ONCE)])

    @functools.lru_cache(64)
    def look(photo, saturation, hue, blur) -> Look:
        edited = edit(lab[photo], saturation, hue, blur)
        rgb = shown(edited)
        return Look(rgb, score(judge, rgb[None]).item(), (~in_gamut(edited)).float().mean().item())

    @functools.lru_cache(64)
    def curve(photo, varied, others) -> tuple[np.ndarray, np.ndarray]:
        """The logit along one edit, the others as they are (P,), (P,); moving its own slider computes nothing."""
        _, least, most, _, _, points, _ = EDITS[varied]
        values = np.linspace(least, most, points)
        edited = torch.stack([edit(lab[photo], **dict(others), **{varied: value}) for value in values.tolist()])
        return values, score(ask, shown(edited)).numpy()

    @functools.lru_cache(32)
    def places(photo, saturation, hue, blur) -> np.ndarray:
        """What the colours of each place add to the logit, (150, 150), its steps smoothed."""
        rgb = look(photo, saturation, hue, blur).rgb
        return smooth_map(occlusion_map(ask, rgb, grey(rgb[None])[0], WINDOW, STRIDE), STRIDE | 1).numpy()

    def render(photo, saturation, hue, blur, occlusion) -> Shown:
        now = {"saturation": saturation, "hue": hue, "blur": blur}
        original, edited = look(photo, *UNCHANGED.values()), look(photo, *now.values())
        curves = {name: curve(photo, name, tuple((k, v) for k, v in now.items() if k != name)) for name in EDITS}
        found = places(photo, *now.values()) if occlusion else None
        turned = "stays" if verdict(original.logit) == verdict(edited.logit) else "has turned"
        words = (f"{photo}, chroma × {saturation:g}, hue turned by {hue:g}°, ab blurred by {blur:g} pixels: logit {told(edited.logit)}. "
                 f"Before, it was {told(original.logit)}. The verdict {turned}. "
                 f"To fit sRGB, chroma was lowered in {edited.lowered:.1%} of the pixels.")
        if occlusion:
            words += f" What the colours of one place add to the logit goes from {signed(found.min())} to {signed(found.max())}."
        return Shown(draw(original, edited, curves, now, found), words)

    return render


def draw(original: Look, edited: Look, curves: dict, now: dict, found: np.ndarray | None) -> Picture:
    """Above: the original, the edited one, and its map or its colours alone; below: the logit along each edit."""
    fig = Picture(figsize=(6.0, 4.4))
    places = [fig.add_axes(((0.13 + 1.98 * i) / 6, 2.13 / 4.4, 1.88 / 6, 1.88 / 4.4), xticks=[], yticks=[]) for i in range(3)]
    for ax in places:
        ax.spines[:].set_visible(False)
    for ax, one, name in zip(places, (original, edited), ("original", "edited")):
        ax.imshow(as_image(one.rgb))
        ax.set_title(f"{name}\n{signed(one.logit)}, “{verdict(one.logit)}”", loc="center", pad=4)
    if found is None:
        flat = torch.cat((torch.full_like(edited.rgb[:1], FLAT, dtype=torch.float32), rgb_to_lab(edited.rgb)[1:]))
        places[2].imshow(as_image(lab_to_rgb(flat)))
        places[2].set_title(f"edited, colours alone\n(all at L = {FLAT:g})", loc="center", pad=4)
    else:
        _map(places[2], as_image(edited.rgb), found)
        places[2].set_title("what colours add\nto its logit", loc="center", pad=4)
    everything = np.concatenate([[0, original.logit, edited.logit], *(logits for _, logits in curves.values())])
    least, most = everything.min(), everything.max()
    wide = max(most, -least) > 3 * LINEAR  # or one far peak would flatten all that lies near the verdict
    room = 0.12 * max(most - least, 0.1)
    fig.text(0.13 / 6, 1.9 / 4.4, "logit: above the line at 0 “real”, below it “fake”; dotted: the original", size=10, va="center")
    for i, (name, (values, logits)) in enumerate(curves.items()):
        ax = fig.add_axes(((0.5 + 1.87 * i) / 6, 0.5 / 4.4, 1.62 / 6, 1.25 / 4.4), ylim=(least - room, most + room))
        if wide:
            ax.set_yscale("symlog", linthresh=LINEAR, linscale=1.5)
            ax.set_ylim(min(-0.3 * LINEAR, 1.5 * least), max(0.3 * LINEAR, 1.5 * most))
            ax.set_yticks([y for y in (-1000, -100, -10, 0, 10, 100, 1000) if 1.5 * least <= y <= 1.5 * most], minor=False)
            ax.yaxis.set_major_formatter("{x:g}")
            ax.minorticks_off()
        ax.axhline(0, color=INK, lw=1)
        ax.axhline(original.logit, color=INK, lw=1, ls=(0, (2, 2)))
        at = np.searchsorted(values, now[name])  # the dot stands on the line
        ax.plot(np.insert(values, at, now[name]), np.insert(logits, at, edited.logit), color=BLUE, lw=1.8)
        ax.plot(now[name], edited.logit, "o", color=BLUE, ms=8, mec="white", clip_on=False, zorder=3)
        ax.set_xlabel(EDITS[name][0], labelpad=2)
        ax.set_xticks(EDITS[name][-1])
        ax.tick_params(labelleft=i == 0, pad=2)
    return fig


def _map(ax, image: np.ndarray, found: np.ndarray) -> None:
    """A map over the grey photograph: solid outlines and a plus where colours speak for "real", dashed and a minus against."""
    end = max(np.abs(found).max(), 1e-6)
    ax.imshow(0.35 + 0.6 * image @ np.array([0.2127, 0.7152, 0.0722]), cmap="gray", vmin=0, vmax=1)
    ax.imshow(found, cmap="PuOr_r", vmin=-end, vmax=end, alpha=np.clip(np.abs(found) / end, 0, 0.85), interpolation="bilinear")
    for sign, line in ((1, "-"), (-1, (0, (3, 2)))):
        extreme = (sign * found).max()
        if extreme > 0.05 * end:
            ax.contour(sign * found, [extreme / 2], colors=INK, linewidths=1.2, linestyles=[line])
            y, x = np.argwhere(sign * found >= extreme - 1e-6).mean(0)
            ax.text(np.clip(x, 26, 124), np.clip(y, 10, 140), signed(sign * extreme), ha="center", va="center",
                    bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5})


def verdict(logit: float) -> str:
    return "real" if logit > 0 else "fake"


def told(logit: float) -> str:
    return f"{signed(logit)} (“{verdict(logit)}”, {1 / (1 + math.exp(-min(max(logit, -50), 50))):.1%} sure that it is real)"


def _given(judge, images, names) -> tuple:
    """The judge, and {name: image}."""
    judge = discriminators.load("pocket") if judge is None else judge
    if images is None:
        pool = photos.course(16, "val")
        images, names = pairs.shrink(pool.square(256), discriminators.SIZE), pool.names if names is None else names
    if images.dtype != torch.uint8 or images.shape[1:] != (3, discriminators.SIZE, discriminators.SIZE):
        raise ValueError(f"images is {images.dtype} {tuple(images.shape)}; expected uint8 (N, 3, 150, 150), as pairs keeps them")
    names = [f"picture {i + 1}" for i in range(len(images))] if names is None else list(map(str, names))
    if not len(images) or len(set(names)) != len(images) or len(names) != len(images):
        raise ValueError(f"names holds {len(names)}, {len(set(names))} of them different; expected {len(images)}, one an image, at least one")
    return judge, dict(zip(names, images))
