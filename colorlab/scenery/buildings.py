"""Houses and towers."""

import numpy as np

from .canvas import clip, step


def _pattern(c, x, y, bw, bh, amount, seam, offset=0.5):
    """Relief of bricks, tiles or boards: a tone for each, and darker or lighter seams (in L)."""
    v = y / bh
    row = np.floor(v).astype(int)
    u = x / bw + offset * (row % 2)
    column = np.floor(u).astype(int)
    table = c.rng.normal(0, amount, (37, 41))
    gap = np.maximum(
        step(np.abs(u - column - 0.5), 0.42, 0.5), step(np.abs(v - row - 0.5), 0.36, 0.5) + 0 * x
    )
    return (table[row % 37, column % 41] + seam * gap) * c.detail(bh)


def wall(c, x0, y0, x1, y1, L, thing, scale=0.05):
    """A rectangle of brick, boards or plaster: its kind says which; `scale` is that of the bricks."""
    kind = c.kinds[thing]
    where, x, y = c.window(x0, y0, x1, y1)
    L = L + 2.5 * c.noise(x, y, 10, roughness=1.0) - 5 * step(y, y1 - 0.35 * (y1 - y0), y1)
    if kind == "brick":
        L = L + _pattern(c, x, y, 0.42 * scale, 0.19 * scale, 3.5, 9)
    elif kind == "boards":
        L = L + _pattern(c, x, y, 9, 0.17 * scale, 1.0, -11, 0)
    inside = c.inside(
        np.maximum(np.abs(x - (x0 + x1) / 2) - (x1 - x0) / 2, np.abs(y - (y0 + y1) / 2) - (y1 - y0) / 2)
    )
    c.paint(where, inside, L, thing)


def pane(c, x, y, w, h, frame, glass="glass", L=36):
    """A window: a frame, reflecting glass, a cross, a sill."""
    c.box(x - 0.58 * w, y - 0.56 * h, x + 0.58 * w, y + 0.56 * h, 86, frame)
    where, gx, gy = c.window(x - 0.45 * w, y - 0.45 * h, x + 0.45 * w, y + 0.45 * h)
    across = (gx - x) / w * c.sun - (gy - y) / h
    shine = 16 * step(across, 0.05, 0.25) * step(across, 0.65, 0.4)
    c.paint(where, np.ones_like(c.L[where]), L + shine - 8 * (gy - y) / h, glass)
    c.box(x - 0.035 * w, y - 0.46 * h, x + 0.035 * w, y + 0.46 * h, 84, frame)
    c.box(x - 0.46 * w, y - 0.04 * h, x + 0.46 * w, y + 0.03 * h, 84, frame)
    c.box(x - 0.66 * w, y + 0.53 * h, x + 0.66 * w, y + 0.65 * h, 78, frame)


def house(c, x, y, w, h, floors=1, roof="gable", snow=False, lamp=False):
    """A house front whose lower middle is at (x, y): walls, windows, a door, a roof, a chimney."""
    c.shadow(x, y, 0.75 * w, 0.05 * w, 0.35)
    kind = c.pick("plaster", "plaster", "brick", "boards")
    body, frame, cover = c.new(kind), c.new("frame"), c.new("snow" if snow else "roof")
    L, x0, x1, top = c.u(50, 56) if kind == "brick" else c.u(66, 76), x - w / 2, x + w / 2, y - h
    c.box(x + 0.2 * w, top - 0.42 * w, x + 0.3 * w, top - 0.05 * w, 46, "brick", relief=6)
    wall(c, x0, top, x1, y, L, body, 0.28 * w)
    peak = top - w * (c.u(0.4, 0.5) if roof == "gable" else c.u(0.24, 0.3))
    eave, RL = 0.07 * w, 88 if snow else c.u(42, 50)
    if roof == "gable":
        c.polygon([(x0, top + 1e-3), (x1, top + 1e-3), (x, peak + 0.03 * w)], L + 3, body, texture=2)
        for s in (-1, 1):
            foot = (x + s * (w / 2 + eave), top + 0.06 * w)
            thick = [(x, peak), foot, (foot[0] - s * 0.02 * w, foot[1] + 0.07 * w), (x, peak + 0.12 * w)]
            c.polygon(thick, RL + 7 * s * c.sun, cover)
        pane(c, x, top - 0.08 * w, 0.12 * w, 0.13 * w, frame)
    else:
        points = [
            (x0 - eave, top + 0.03 * w),
            (x1 + eave, top + 0.03 * w),
            (x1 - 0.14 * w, peak),
            (x0 + 0.14 * w, peak),
        ]
        c.polygon(points, RL, cover, relief=4)
        where, gx, gy = c.window(x0, peak + 0.01 * w, x1, top + 0.02 * w)
        c.L[where] += (
            (0 if snow else 1)
            * _pattern(c, gx, gy, 0.06 * w, 0.05 * w, 2.5, -7)
            * (c.objects[where] == cover)
        )
    c.shade(c.window(x0, top + 0.02 * w, x1, top + 0.09 * w)[0], 0.16)
    dx, dw, dh = c.pick(-1, 0, 1) * 0.27 * w, 0.17 * w, min(0.62 * h / floors, 0.36 * w)
    glass = "lit window" if lamp else "glass"
    for f in range(floors):
        cy = y - h * (f + 0.52) / floors
        for k in (-1, 0, 1):
            if f > 0 or abs(k * 0.27 * w - dx) > 1e-6:
                pane(
                    c,
                    x + k * 0.27 * w,
                    cy,
                    0.15 * w,
                    min(0.2 * w, 0.5 * h / floors),
                    frame,
                    glass,
                    78 if lamp else 36,
                )
    c.box(x + dx - 0.6 * dw, y - dh * 1.06, x + dx + 0.6 * dw, y, 84, frame)
    c.box(x + dx - 0.5 * dw, y - dh, x + dx + 0.5 * dw, y, 43, "door", relief=4)
    for s in (-1, 1):
        c.box(
            x + dx + s * 0.22 * dw - 0.14 * dw,
            y - 0.85 * dh,
            x + dx + s * 0.22 * dw + 0.14 * dw,
            y - 0.15 * dh,
            38,
            len(c.kinds) - 1,
        )
    c.shade(c.window(x + dx - 0.6 * dw, y, x + dx + 0.6 * dw, y + 0.01)[0], 0.2)


def tower(c, x0, x1, top, y, L, kind="facade", lamps=0.4, columns=None):
    """A night building: a dark block with a grid of windows, a share `lamps` of them lit."""
    w = x1 - x0
    body = c.box(x0, top, x1, y, L, kind, relief=2)
    edge = x1 if c.sun > 0 else x0 + 0.18 * w
    c.shade(c.window(edge - 0.18 * w, top, edge, y)[0], 0.25)
    nx = columns or max(3, int(w / 0.028))
    gap = w / nx
    ny = max(2, int((y - top) / (1.35 * gap)))
    on, tone = c.rng.random((60, 40)) < lamps, c.rng.uniform(-14, 10, (60, 40))
    where, x, gy = c.window(x0 + 0.12 * gap, top + 0.5 * gap, x1 - 0.12 * gap, y)
    u, v = (x - x0) / gap, (gy - top - 0.5 * gap) / (1.35 * gap)
    i, j = clip(np.floor(v).astype(int), 0, 59), clip(np.floor(u).astype(int), 0, 39)
    cover = c.inside(np.maximum(np.abs(u - j - 0.5) - 0.3, 0.8 * (np.abs(v - i - 0.5) - 0.32)) * gap)
    c.paint(where, 0.8 * cover, L - 5, body)
    c.paint(where, cover * on[i, j] * (i < ny), 76 + tone[i, j], "lit window")
    return body
