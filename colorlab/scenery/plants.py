"""Trees, shrubs and palms."""

import numpy as np

from .canvas import clip, mix, step


def tree(c, x, y, h, leaf="leaves", L=44, bare=0.0):
    """A broad-leaved tree of height h whose foot is at (x, y): a trunk and a lit heap of foliage."""
    c.shadow(x, y, 0.34 * h, 0.06 * h, 0.35)
    top = y - 0.55 * h
    trunk = c.line(x, y + 0.01 * h, x, top, 0.085 * h, 34, "bark", end=0.05 * h)
    for s in (-1, 1):
        c.line(x, y - 0.33 * h, x + s * 0.18 * h, top - 0.05 * h, 0.04 * h, 33, trunk, end=0.02 * h)
    thing, n = c.new(leaf), 13
    angle, ring, size = c.rng.uniform(0, 6.28, n), np.sqrt(c.rng.random(n)), c.rng.uniform(0.13, 0.21, n)
    where, gx, gy = c.window(x - 0.55 * h, y - 1.08 * h, x + 0.55 * h, y - 0.2 * h)
    rough = c.noise(gx, gy, 3.5 / h, roughness=0.7)
    best = np.full(rough.shape, -1, np.float32)
    light = np.zeros_like(best)
    for a, r, s in zip(angle, ring, size):
        cx, cy, s = x + 0.27 * h * r * np.cos(a), y - 0.64 * h + 0.24 * h * r * np.sin(a), s * h
        nx, ny = (gx - cx) / s, (gy - cy) / s
        d = 1 - np.hypot(nx, ny) + 0.16 * rough
        ball = 13 * c.lit(clip(nx, -1, 1) + 0 * ny, clip(ny, -1, 1) + 0 * nx) + 9 * (y - 0.62 * h - cy) / (
            0.3 * h
        )
        light = np.where(d > best, ball, light)
        best = np.maximum(best, d)
    c.paint(where, step(best, 0.0, 0.10 + 2 * c.px / h), L + light + 4.5 * rough, thing)
    return thing


def conifer(c, x, y, h, L=33, kind="fir", snow=False):
    """A fir of height h: drooping tiers of branches, darker under each; `snow` lies on them."""
    c.shadow(x, y, 0.22 * h, 0.05 * h, 0.3)
    c.box(x - 0.025 * h, y - 0.12 * h, x + 0.025 * h, y + 0.01 * h, 30, "bark")
    where, gx, gy = c.window(x - 0.3 * h, y - h, x + 0.3 * h, y - 0.03 * h)
    t = clip((gy - y + h) / (0.95 * h), 0, 1)
    rough, fine = c.noise(gx, gy, 6 / h, 4 / h, 0.7), c.noise(gx, gy, 22 / h, 9 / h, 0.4)
    out = np.abs(gx - x) / (0.24 * h)
    tiers = 8 * (t - 0.16 * out + 0.012 * rough)  # each tier hangs lower the farther it reaches
    part = tiers - np.floor(tiers)
    half = 0.22 * h * t**0.9 * (0.66 + 0.34 * part) * (1 + 0.12 * rough + 0.14 * fine) + 0.004 * h
    side = c.sun * clip((gx - x) / (half + 1e-6), -1, 1)
    cover = c.inside(np.abs(gx - x) - half) * c.inside(y - h - gy)
    thing = c.paint(where, cover, L + 14 * part - 7 + 9 * side + 4 * rough + 3 * fine, kind)
    if snow:
        lies = step(part + 0.3 * rough - 0.2 * side, 0.62, 0.42) * step(t, 0.99, 0.9)
        c.paint(where, cover * lies, 86 + 4 * rough + 4 * side, "snow")
    return thing


def bush(c, x, y, w, leaf="hedge", L=42):
    """A low round shrub."""
    c.shadow(x, y, 0.6 * w, 0.12 * w, 0.3)
    thing = c.new(leaf)
    for _ in range(5):
        r = w * c.u(0.2, 0.3)
        c.ball(x + c.u(-0.3, 0.3) * w, y - r * c.u(0.6, 1.1), r, r, L, thing, relief=15, gloss=0, texture=5)


def palm(c, x, y, h):
    """A leaning palm: a curved trunk and drooping fronds."""
    lean = c.u(0.12, 0.3) * c.pick(-1, 1) * h
    n, trunk = 9, c.new("bark")
    for k in range(n):
        a, b = k / n, (k + 1) / n
        c.line(
            x + lean * a * a,
            y - h * a,
            x + lean * b * b,
            y - h * b,
            mix(0.06, 0.03, a) * h,
            46 - 6 * (k % 2),
            trunk,
            end=mix(0.05, 0.03, b) * h,
        )
    tx, ty, thing = x + lean, y - h, c.new("frond")
    for k in range(11):
        a = mix(-0.35, np.pi + 0.35, (k + c.u(-0.3, 0.3)) / 10)
        r, drop = h * c.u(0.42, 0.55), h * c.u(0.25, 0.42)
        for m in range(6):
            p, q = m / 6, (m + 1) / 6
            c.line(
                tx + r * p * np.cos(a),
                ty - 0.4 * r * p * np.sin(a) + drop * p * p - 0.12 * r * np.sin(3 * p),
                tx + r * q * np.cos(a),
                ty - 0.4 * r * q * np.sin(a) + drop * q * q - 0.12 * r * np.sin(3 * q),
                0.075 * h * (1 - p) ** 0.6,
                38 + 3.0 * (k % 3) + 8 * p,
                thing,
                end=0.075 * h * (1 - q) ** 0.6,
            )
