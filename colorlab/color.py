"""sRGB and CIELAB: the two descriptions of colour between which everything here moves.

sRGB is IEC 61966-2-1; CIELAB is CIE 1976, with the D65 white and the 2 degree observer. Numbers follow scikit-image's
``skimage.color`` to the digit, because other published roundings of the matrix differ by up to 0.02 in Lab.

Images are floating tensors, channels first, with any leading batch dimensions: RGB ``(..., 3, H, W)`` in [0, 1],
L ``(..., 1, H, W)`` in [0, 100], a and b each in about [-110, 110].
"""

from collections.abc import Iterator
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
FROM_XYZ = (torch.linalg.inv(torch.tensor(RGB_TO_XYZ, dtype=torch.float64, device="cpu"))
            * torch.tensor(WHITE, dtype=torch.float64, device="cpu")).tolist()
BEND = 0.2068966  # the value of CIELAB's f where its straight line ends
# Linear light that `into_gamut` takes for inside: float32 is off by 2e-6, and the gray of L = 100
# has a blue of 1.00008 (scikit-image's white is rounded otherwise than its matrix). All that lies
# within passes `in_gamut`, too.
EDGES = (-1e-5, 1 + 9e-5)
BISECTIONS = 18  # the greatest chroma of sRGB, 134, / 2**18 is far less than an 8-bit step
SMALL_CHUNK = 1 << 15  # the same, for calculations with many buffers
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
    """Bring colors that sRGB cannot show into its gamut: lower the chroma, keep L and hue.

    A color inside stays as it is, bit for bit. For one outside, bisection finds a factor of its
    chroma that puts it on the edge. (Some bright yellows cross the edge more than once on the way
    to gray: any of the crossings may be found.)

    Differentiable. The chroma of the edge counts as a constant, so that a color outside passes no
    gradient in the direction of its chroma: more of it would change nothing.

    Args:
        lab: ``(..., 3, H, W)``, L in [0, 100], a and b of any finite size.
        check: check that L is in [0, 100]. ``False`` skips it (on a GPU it forces a sync).
    Returns:
        Lab ``(..., 3, H, W)``. Half precision is computed in float32, and rounded at the end.
    Raises:
        TypeError: ``lab`` is no floating tensor.
        ValueError: no three channels at dimension -3, L out of [0, 100], or an L that is NaN.
            With ``check=False``, and in a or b, NaN stays NaN; the pixel's other numbers are finite.
    """
    L, ab = _image(lab, "lab", 3).split((1, 2), dim=-3)
    if check:
        _check_range(L, "L of lab", 0.0, 100.0)
    return torch.cat((L, _ab_into_gamut(L, ab)), dim=-3)


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


def _ab_into_gamut(L: Tensor, ab: Tensor) -> Tensor:
    """`into_gamut` for L ``(..., 1, H, W)`` and ab ``(..., 2, H, W)`` that are not one tensor."""
    factor = _chroma_factor(L.detach(), ab.detach())
    if ab.requires_grad and torch.is_grad_enabled():
        chroma = torch.linalg.vector_norm(ab, dim=-3, keepdim=True).clamp(min=1e-6)
        factor = torch.where(factor < 1, factor * chroma.detach() / chroma, factor)
    return (ab * factor).to(ab.dtype)


def _chroma_factor(L: Tensor, ab: Tensor) -> Tensor:
    """What `into_gamut` multiplies ab by, ``(..., 1, H, W)``, float32 or better; 1 inside."""
    if L.dtype.itemsize < 4 and not kernels.fused(ab):
        return _chroma_factor(L.float(), ab.float())
    if L.numel() == 0:
        return torch.ones_like(L)
    on_cpu = L.device.type == "cpu"
    if kernels.fused(ab) or on_cpu and torch.compiler.is_compiling():
        from .kernels import ops

        return ops.chroma_factor(_rows(L), _rows(ab)).view(L.shape)
    if on_cpu:
        return _chroma_factor_on_cpu(_rows(L), _rows(ab)).view(L.shape)
    fy, slopes = _ray(L, ab)
    shown = _shown(_part_of_Y(fy), fy + slopes)
    return torch.where(shown, 1, _factor_at_the_edge(fy, slopes)).view(L.shape)


def _chroma_factor_on_cpu(L: Tensor, ab: Tensor) -> Tensor:
    """L (N, 1, P), ab (N, 2, P) -> factor (N, 1, P): bisect for the pixels outside alone.

    Most pixels are inside, so this costs little more than finding out which.
    """
    factor = torch.ones_like(L)
    for L_piece, ab_piece, factor_piece in _pieces(L, ab, factor):
        fy, slopes = _ray(L_piece, ab_piece)
        shown = [_shown(_part_of_Y(gray), gray + way)
                 for gray, way in zip(fy.split(SMALL_CHUNK), slopes.split(SMALL_CHUNK, 1))]
        outside = torch.cat(shown).logical_not_().nonzero().squeeze(1)
        if len(outside) == 0:
            continue
        for index in outside.split(SMALL_CHUNK):
            found = _factor_at_the_edge(fy[index], slopes.index_select(1, index))
            factor_piece.view(-1)[index] = found
    return factor


def _ray(L: Tensor, ab: Tensor) -> tuple[Tensor, Tensor]:
    """CIELAB's f of X and of Z on the way from gray to a color: fy (n,) + factor * slopes (2, n)."""
    a, b = ab.unbind(1 if ab.ndim == 3 else -3)
    return (L.flatten() + 16) / 116, torch.stack((a.flatten() / 500, b.flatten() / -200))


def _factor_at_the_edge(fy: Tensor, slopes: Tensor) -> Tensor:
    """The greatest factor (n,) found by bisection that sRGB can show, for the ways of `_ray`."""
    part_of_Y, factor, step = _part_of_Y(fy), torch.zeros_like(fy), 1.0
    for _ in range(BISECTIONS):
        step /= 2
        shown = _shown(part_of_Y, torch.addcmul(fy, factor + step, slopes))
        factor.add_(shown, alpha=step)
    return factor


def _part_of_Y(fy: Tensor) -> Tensor:
    """What Y contributes to linear R, G and B, less the middle of `EDGES`: fy (n,) -> (3, n)."""
    Y, middle = _from_lab_curve(fy), sum(EDGES) / 2
    return torch.stack([Y * of_Y - middle for _, of_Y, _ in FROM_XYZ])


def _shown(part_of_Y: Tensor, f: Tensor) -> Tensor:
    """Whether sRGB can show these colors: f of X and Z (2, n) -> bool (n,); NaN cannot be shown."""
    X, Z = _from_lab_curve(f)
    linear = torch.empty_like(part_of_Y)
    for component, rest, (of_X, _, of_Z) in zip(linear, part_of_Y, FROM_XYZ):
        torch.add(rest, X, alpha=of_X, out=component).add_(Z, alpha=of_Z)
    return linear.abs_().amax(0) <= (EDGES[1] - EDGES[0]) / 2


def _from_lab_curve(f: Tensor) -> Tensor:
    """Undo `lab_curve`, without `torch.where`, which is slow on a CPU; 4e-8 off below the bend.

    A negative Z is not raised to 0 as in `_lab_to_linear`: those colors are outside either way.
    """
    above = f.clamp(min=BEND)
    below = f - above  # 0 above the bend
    return (above * above).mul_(above).add_(below, alpha=1 / KAPPA)


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
    to_xyz = torch.tensor(RGB_TO_XYZ, dtype=torch.float64) / torch.tensor(WHITE, dtype=torch.float64)[:, None] / SCALE
    gap = EPSILON ** (1 / 3) - (KAPPA * EPSILON + OFFSET)  # 3e-7: the published constants do not quite meet
    for part, place in _pieces(pixels, out):
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


def _pieces(*images: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Cut images (N, C, P), all of the same N and P, into pieces of about `CHUNK` pixels."""
    count, _, pixels = images[0].shape
    at_once = -(-count // -(-count * pixels // CHUNK))  # images in a piece: of about equal pieces
    for some in zip(*(image.split(at_once) for image in images)):
        yield from zip(*(image.split(CHUNK, 2) for image in some))


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
