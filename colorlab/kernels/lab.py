"""sRGB to CIELAB and back in Triton, and the chroma that sRGB can show.

Each pixel's three numbers are read once, and what comes of them is written once.
"""

import triton
import triton.language as tl


@triton.jit
def _power(x, exponent):
    """x ** exponent of x > 0."""
    return tl.exp2(tl.log2(x) * exponent)


@triton.jit
def _curve(t, epsilon, kappa, offset):
    """CIELAB's cube root with its straight beginning; one Newton step takes the root to the last digit."""
    big = tl.maximum(t, epsilon)
    root = _power(big, 1.0 / 3.0)
    root -= (root - big / (root * root)) * (1.0 / 3.0)
    return tl.where(t > epsilon, root, kappa * t + offset)


@triton.jit
def _linear(stored):
    """sRGB's stored value -> linear light."""
    return tl.where(stored > 0.04045, _power((tl.maximum(stored, 0.0) + 0.055) / 1.055, 2.4), stored / 12.92)


@triton.jit
def to_lab(rgb, lab, matrix, pixels, total, levels, epsilon, kappa, offset, BLOCK: tl.constexpr):
    """rgb (N, 3, P), in 0..levels -> lab (N, 3, P); matrix (3, 3): linear RGB to XYZ over the white."""
    here = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    valid = here < total
    place = here // pixels * 3 * pixels + here % pixels
    r = _linear(tl.load(rgb + place, mask=valid, other=0).to(tl.float32) / levels)
    g = _linear(tl.load(rgb + place + pixels, mask=valid, other=0).to(tl.float32) / levels)
    b = _linear(tl.load(rgb + place + 2 * pixels, mask=valid, other=0).to(tl.float32) / levels)
    fx = _curve(tl.load(matrix) * r + tl.load(matrix + 1) * g + tl.load(matrix + 2) * b, epsilon, kappa, offset)
    fy = _curve(tl.load(matrix + 3) * r + tl.load(matrix + 4) * g + tl.load(matrix + 5) * b, epsilon, kappa, offset)
    fz = _curve(tl.load(matrix + 6) * r + tl.load(matrix + 7) * g + tl.load(matrix + 8) * b, epsilon, kappa, offset)
    kind = lab.dtype.element_ty
    tl.store(lab + place, (116 * fy - 16).to(kind), mask=valid)
    tl.store(lab + place + pixels, (500 * (fx - fy)).to(kind), mask=valid)
    tl.store(lab + place + 2 * pixels, (200 * (fy - fz)).to(kind), mask=valid)


@triton.jit
def _xyz(f, kappa, offset):
    return tl.where(f > 0.2068966, f * f * f, (f - offset) / kappa)


@triton.jit
def _stored(linear, CLIP: tl.constexpr):
    """Linear light -> sRGB's stored value."""
    if CLIP:
        linear = tl.where(linear != linear, linear, tl.minimum(tl.maximum(linear, 0.0), 1.0))
    bent = 1.055 * _power(tl.maximum(linear, 0.0031308), 1.0 / 2.4) - 0.055
    return tl.where(linear > 0.0031308, bent, 12.92 * linear)


@triton.jit
def to_rgb(lab, rgb, matrix, pixels, total, kappa, offset, CLIP: tl.constexpr, BLOCK: tl.constexpr):
    """lab (N, 3, P) -> rgb (N, 3, P) in [0, 1] if clipped; matrix (3, 3): XYZ over the white to linear RGB."""
    here = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    valid = here < total
    place = here // pixels * 3 * pixels + here % pixels
    fy = (tl.load(lab + place, mask=valid, other=0).to(tl.float32) + 16) / 116
    fx = fy + tl.load(lab + place + pixels, mask=valid, other=0).to(tl.float32) / 500
    fz = tl.maximum(fy - tl.load(lab + place + 2 * pixels, mask=valid, other=0).to(tl.float32) / 200, 0.0)
    x, y, z = _xyz(fx, kappa, offset), _xyz(fy, kappa, offset), _xyz(fz, kappa, offset)
    kind = rgb.dtype.element_ty
    r = tl.load(matrix) * x + tl.load(matrix + 1) * y + tl.load(matrix + 2) * z
    g = tl.load(matrix + 3) * x + tl.load(matrix + 4) * y + tl.load(matrix + 5) * z
    b = tl.load(matrix + 6) * x + tl.load(matrix + 7) * y + tl.load(matrix + 8) * z
    tl.store(rgb + place, _stored(r, CLIP).to(kind), mask=valid)
    tl.store(rgb + place + pixels, _stored(g, CLIP).to(kind), mask=valid)
    tl.store(rgb + place + 2 * pixels, _stored(b, CLIP).to(kind), mask=valid)


@triton.jit
def _excess(matrix, fx, y, fz, middle, kappa, offset):
    """The greatest distance of linear R, G and B from the middle."""
    x, z = _xyz(fx, kappa, offset), _xyz(fz, kappa, offset)
    r = tl.load(matrix) * x + tl.load(matrix + 1) * y + tl.load(matrix + 2) * z - middle
    g = tl.load(matrix + 3) * x + tl.load(matrix + 4) * y + tl.load(matrix + 5) * z - middle
    b = tl.load(matrix + 6) * x + tl.load(matrix + 7) * y + tl.load(matrix + 8) * z - middle
    return tl.maximum(tl.maximum(tl.abs(r), tl.abs(g)), tl.abs(b))


@triton.jit
def to_gamut(L, ab, factor, matrix, pixels, total, middle, half, kappa, offset,
             BISECTIONS: tl.constexpr, BLOCK: tl.constexpr):
    """L (N, 1, P), ab (N, 2, P) -> factor of the chroma (N, 1, P): 1 inside, else by bisection.

    Inside: linear R, G and B lie at most half from the middle. matrix as in `to_rgb`.
    """
    here = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    valid = here < total
    place = here // pixels * 2 * pixels + here % pixels
    fy = (tl.load(L + here, mask=valid, other=0).to(tl.float32) + 16) / 116
    slope_x = tl.load(ab + place, mask=valid, other=0).to(tl.float32) / 500
    slope_z = tl.load(ab + place + pixels, mask=valid, other=0).to(tl.float32) / -200
    y = _xyz(fy, kappa, offset)
    inside = _excess(matrix, fy + slope_x, y, fy + slope_z, middle, kappa, offset) <= half
    found = tl.where(inside, 1.0, 0.0)
    if tl.min(inside.to(tl.int32), axis=0) == 0:  # most blocks of a photograph are inside
        step = 0.5
        for _ in range(BISECTIONS):
            tried = found + step
            excess = _excess(matrix, fy + tried * slope_x, y, fy + tried * slope_z, middle,
                             kappa, offset)
            found = tl.where((inside == 0) & (excess <= half), tried, found)
            step *= 0.5
    tl.store(factor + here, found, mask=valid)
