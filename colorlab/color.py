"""sRGB and CIELAB: the two descriptions of colour between which everything here moves.

sRGB is IEC 61966-2-1; CIELAB is CIE 1976, with the D65 white and the 2 degree observer. Numbers follow scikit-image's
``skimage.color`` to the digit, because other published roundings of the matrix differ by up to 0.02 in Lab.

Images are floating tensors, channels first, with any leading batch dimensions: RGB ``(..., 3, H, W)`` in [0, 1],
L ``(..., 1, H, W)`` in [0, 100], a and b each in about [-110, 110].
"""

from functools import lru_cache

import torch
from torch import Tensor

from . import kernels

RGB_TO_XYZ = ((0.412453, 0.357580, 0.180423),
              (0.212671, 0.715160, 0.072169),
              (0.019334, 0.119193, 0.950227))  # ITU-R BT.709 primaries with the D65 white
WHITE = (0.95047, 1.0, 1.08883)  # XYZ of D65 at 2 degrees, Y = 1
EPSILON, KAPPA, OFFSET = 0.008856, 7.787, 16 / 116  # where CIELAB's cube root gives way to a straight line
SCALE = 1.055**2.4  # what sRGB's power is divided by
CHUNK = 1 << 17  # pixels that a processor converts at once: buffers of this size stay in its cache
TOLERANCE = 1e-3  # how far out of its range a value may lie before it is taken for a mistake


def rgb_to_lab(rgb: Tensor, check: bool = True) -> Tensor:
    """Convert sRGB to CIELAB (CIE 1976, D65, 2 degree observer).

    Args:
        rgb: ``(..., 3, H, W)``; floating in [0, 1], or uint8, which is divided by 255 (into float32).
        check: look at the range of the values. ``False`` spares a GPU the synchronisation.
    Returns:
        Lab ``(..., 3, H, W)``: L in [0, 100], a and b in about [-110, 110]; device kept, and dtype if floating.
    Raises:
        TypeError: ``rgb`` is no tensor, or of an integer type other than uint8.
        ValueError: ``rgb`` has no three channels at dimension -3, or values out of [0, 1].
    """
    levels = _image(rgb, "rgb", 3, integers=True).dtype == torch.uint8
    if check and not levels:
        _check_range(rgb, "rgb", 0.0, 1.0)
    if kernels.fused(rgb):
        from .kernels import ops

        return ops.rgb_to_lab(_rows(rgb)).view(rgb.shape)
    if _plain_on_cpu(rgb):
        return _rgb_to_lab_on_cpu(rgb)
    if levels:
        rgb = rgb.to(torch.float32) / 255
    if rgb.dtype.itemsize < 4:  # computed in single precision, as the kernels do
        return rgb_to_lab(rgb.float(), check=False).to(rgb.dtype)
    xyz = _channels_times(srgb_to_linear(rgb), _matrix(rgb) / rgb.new_tensor(WHITE)[:, None])
    fx, fy, fz = lab_curve(xyz).unbind(-3)
    return torch.stack((116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)), dim=-3)


def lab_to_rgb(lab: Tensor, clip: bool = True, check: bool = True) -> Tensor:
    """Convert CIELAB to sRGB; a colour that sRGB cannot show is clipped in linear light.

    Args:
        lab: ``(..., 3, H, W)``, L in [0, 100].
        clip: ``False`` leaves values outside [0, 1] as they come (linear light below 0 stays linear, as in sRGB's own
            lowest segment), so that the distance from the gamut can be seen.
        check: look whether L is in [0, 100]; ``False`` spares a GPU the synchronisation.
    Returns:
        RGB ``(..., 3, H, W)``, in [0, 1] when clipped.
    Raises:
        TypeError: ``lab`` is no floating tensor.
        ValueError: no three channels at dimension -3, L out of [0, 100], or NaN.
    """
    if check:
        _check_range(_image(lab, "lab", 3)[..., :1, :, :], "L of lab", 0.0, 100.0)
    if kernels.fused(_image(lab, "lab", 3)):
        from .kernels import ops

        return ops.lab_to_rgb(_rows(lab), clip).view(lab.shape)
    if lab.dtype.itemsize < 4:
        return lab_to_rgb(lab.float(), clip, check=False).to(lab.dtype)
    linear = _lab_to_linear(lab)
    return linear_to_srgb(linear.clamp(0, 1) if clip else linear)


def in_gamut(lab: Tensor, tolerance: float = 1e-4) -> Tensor:
    """Tell which Lab colours sRGB can show: all three linear components within [0, 1], give or take ``tolerance``.

    Args:
        lab: ``(..., 3, H, W)``.
    Returns:
        bool ``(..., H, W)``.
    """
    linear = _lab_to_linear(_image(lab, "lab", 3))
    return ((linear >= -tolerance) & (linear <= 1 + tolerance)).all(dim=-3)


def into_gamut(lab: Tensor, check: bool = True) -> Tensor:
    """Bring colors that sRGB cannot show into its gamut: chroma is lowered, L and hue stay."""
    out = in_gamut(lab, 0.0)
    L, ab = lab[..., :1, :, :], lab[..., 1:, :, :]
    low, high = torch.zeros_like(L), torch.ones_like(L)
    for _ in range(12):
        middle = (low + high) / 2
        inside = in_gamut(torch.cat((L, ab * middle), -3), 1e-4)[..., None, :, :]
        low, high = torch.where(inside, middle, low), torch.where(inside, high, middle)
    return torch.cat((L, torch.where(out[..., None, :, :], ab, ab * low)), -3)


def srgb_to_linear(srgb: Tensor) -> Tensor:
    """Undo sRGB's transfer curve: stored value in [0, 1] -> linear light in [0, 1] (IEC 61966-2-1)."""
    return torch.where(srgb > 0.04045, ((srgb.clamp(min=0.0) + 0.055) / 1.055) ** 2.4, srgb / 12.92)


def linear_to_srgb(linear: Tensor) -> Tensor:
    """Apply sRGB's transfer curve: linear light in [0, 1] -> stored value in [0, 1] (IEC 61966-2-1)."""
    curve = 1.055 * linear.clamp(min=0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(linear > 0.0031308, curve, 12.92 * linear)


def to_8_bit(rgb: Tensor) -> Tensor:
    """Floating RGB in [0, 1], any shape -> uint8, to the nearest step."""
    return rgb.mul(255).round().clamp(0, 255).to(torch.uint8)


def lab_curve(t: Tensor) -> Tensor:
    """CIELAB's non-linear step: a cube root, and a straight line near black where the root would be too steep."""
    return torch.where(t > EPSILON, t.clamp(min=EPSILON) ** (1 / 3), KAPPA * t + OFFSET)


def _lab_to_linear(lab: Tensor) -> Tensor:
    """Lab -> linear RGB, unclipped; a negative Z (only blues far out of gamut) is raised to 0, as scikit-image does."""
    L, a, b = lab.unbind(-3)
    fy = (L + 16) / 116
    f = torch.stack((fy + a / 500, fy, (fy - b / 200).clamp(min=0)), dim=-3)
    xyz = torch.where(f > 0.2068966, f**3, (f - OFFSET) / KAPPA)
    inverse = torch.linalg.inv(torch.tensor(RGB_TO_XYZ, dtype=torch.float64)).to(lab)
    return _channels_times(xyz, inverse * lab.new_tensor(WHITE))


def _rows(image: Tensor) -> Tensor:
    """(..., C, H, W) -> (N, C, H * W), contiguous, as the kernels take it."""
    return image.reshape(-1, image.shape[-3], image.shape[-2] * image.shape[-1]).contiguous()


def _plain_on_cpu(image: Tensor) -> bool:
    """Whether the fast way of a processor applies: uint8 or single precision, nothing to differentiate or to compile."""
    return (image.device.type == "cpu" and image.dtype in (torch.uint8, torch.float32) and image.numel() > 0
            and not torch.compiler.is_compiling() and not (image.requires_grad and torch.is_grad_enabled()))


def _rgb_to_lab_on_cpu(rgb: Tensor) -> Tensor:
    """`rgb_to_lab` of uint8 or float32, a cache full of pixels at a time.

    Powers are exp2 of log2, faster than `pow`. Of each curve's two branches the power sees max(x, threshold), and what x lacks of the
    threshold goes along the straight line: no `torch.where`, which is slow here.
    """
    pixels = rgb.flatten(-2).reshape(-1, 3, rgb.shape[-2] * rgb.shape[-1])  # (n, 3, P)
    out = torch.empty(pixels.shape, dtype=torch.float32, device="cpu")
    images = -(-len(pixels) // -(-pixels[:, 0].numel() // CHUNK))  # of about equal pieces
    to_xyz = torch.tensor(RGB_TO_XYZ, dtype=torch.float64) / torch.tensor(WHITE, dtype=torch.float64)[:, None] / SCALE
    gap = EPSILON ** (1 / 3) - (KAPPA * EPSILON + OFFSET)  # 3e-7: the published constants do not quite meet
    for some, filled in zip(pixels.split(images), out.split(images)):
        for part, place in zip(some.split(CHUNK, 2), filled.split(CHUNK, 2)):
            (r, g, b), t = _linear_on_cpu(part).unbind(1), torch.empty(part.shape, dtype=torch.float32, device="cpu")
            for row, into in zip(to_xyz.tolist(), t.unbind(1)):
                torch.mul(r, row[0], out=into).add_(g, alpha=row[1]).add_(b, alpha=row[2])
            above = t.clamp(min=EPSILON)
            below = t.sub_(above)  # 0 unless near black
            curve = above.log2_().mul_(1 / 3).exp2_().add_(below, alpha=KAPPA).add_(below.sign_(), alpha=gap)
            (fx, fy, fz), (L, a, b) = curve.unbind(1), place.unbind(1)
            torch.hardshrink(torch.mul(fy, 116, out=L).sub_(16), 2e-5, out=L)  # of black, rounding makes -4e-6 on some processors
            torch.sub(fx, fy, out=a).mul_(500)
            torch.sub(fy, fz, out=b).mul_(200)
    return out.view(rgb.shape)


def _linear_on_cpu(srgb: Tensor) -> Tensor:
    """Linear light times `SCALE`."""
    if srgb.dtype == torch.uint8:
        return _levels().index_select(0, srgb.flatten().int()).view(srgb.shape)
    above = srgb.clamp(min=0.04045)
    below = srgb.sub(above)
    return above.add_(0.055).log2_().mul_(2.4).exp2_().add_(below, alpha=SCALE / 12.92)


@lru_cache(maxsize=1)
def _levels() -> Tensor:
    """The linear light of the 256 levels of uint8, times `SCALE`."""
    return (SCALE * srgb_to_linear(torch.arange(256, dtype=torch.float64, device="cpu") / 255)).float()


def _matrix(like: Tensor) -> Tensor:
    return torch.tensor(RGB_TO_XYZ, dtype=torch.float64).to(like)


def _channels_times(image: Tensor, matrix: Tensor) -> Tensor:
    """Multiply each pixel's three channels by a 3x3 matrix: (..., 3, H, W) -> (..., 3, H, W)."""
    x, y, z = image.unbind(-3)
    return torch.stack([m[0] * x + m[1] * y + m[2] * z for m in matrix], dim=-3)


def _image(image: Tensor, name: str, channels: int, integers: bool = False) -> Tensor:
    """Check that ``image`` is a floating tensor (..., channels, H, W), or uint8 where allowed."""
    if not isinstance(image, Tensor):
        raise TypeError(f"{name} is a {type(image).__name__}; expected a torch tensor (..., {channels}, H, W)")
    if image.ndim < 3 or image.shape[-3] != channels:
        raise ValueError(f"{name} has shape {tuple(image.shape)}; expected (..., {channels}, H, W), channels first")
    if not image.is_floating_point() and not (integers and image.dtype == torch.uint8):
        wanted = "floating values in [0, 1] or uint8 in 0..255" if integers else "floating values"
        raise TypeError(f"{name} has dtype {image.dtype}; expected {wanted}")
    return image


def _check_same_size(one: Tensor, name: str, other: Tensor, other_name: str) -> None:
    """Refuse images that cannot be compared pixel by pixel; leading dimensions may be broadcast."""
    batches = zip(reversed(one.shape[:-3]), reversed(other.shape[:-3]))
    if one.shape[-2:] != other.shape[-2:] or any(n != m and 1 not in (n, m) for n, m in batches):
        raise ValueError(f"{name} has shape {tuple(one.shape)} and {other_name} {tuple(other.shape)}; expected the same "
                         "for both")


def _check_range(image: Tensor, name: str, low: float, high: float) -> None:
    """Refuse values out of [low, high] and NaN; never inside torch.compile, where looking would break the graph."""
    if torch.compiler.is_compiling() or image.numel() == 0:
        return
    least, most = (x.item() for x in torch.aminmax(image))
    if least >= low - TOLERANCE and most <= high + TOLERANCE:
        return
    if not least <= most:
        raise ValueError(f"{name} holds NaN; expected values in [{low:g}, {high:g}]")
    hint = ": divide by 255" if high == 1 and 1.5 < most <= 255 and least >= 0 else ""
    raise ValueError(f"{name} has values from {least:.4g} to {most:.4g}; expected [{low:g}, {high:g}]{hint}")
