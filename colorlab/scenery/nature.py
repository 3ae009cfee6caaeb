"""Sky, land and water. Every painter takes the canvas first; lengths are relative, L in [0, 100]."""

import numpy as np

from .canvas import clip, mix, step


# ---------------------------------------------------------------- sky
def sky(c, horizon, kind="sky", top=(56, 66), low=(84, 90), bend=1.0, haze=2.0):
    """The background: a gradient from the zenith to the horizon with faint haze. Returns the object."""
    where, x, y = c.window()
    t = clip(y / horizon, 0, 1) ** bend
    L = mix(c.u(*top), c.u(*low), t) + haze * c.noise(x, y, 2, 6, 1.6)
    return c.paint(where, np.ones_like(c.L), L, kind)


def cumulus(c, x, y, w, L=95):
    """A heaped cloud of width w, bright above and grey below."""
    h = w * c.u(0.3, 0.42)
    n = 9
    px, size = np.linspace(-0.42, 0.42, n) + c.rng.uniform(-0.04, 0.04, n), c.rng.uniform(0.6, 1.15, n)
    lift = c.rng.uniform(0, 0.6, n)
    where, gx, gy = c.window(x - 0.75 * w, y - 1.1 * h, x + 0.75 * w, y + 0.4 * h)
    rough = c.noise(gx, gy, 1.6 / w, 2.4 / w, 1.3)
    dense, hue = -np.ones(rough.shape, np.float32), np.zeros(rough.shape, np.float32)
    for bx, bs, by in zip(px, size, lift):
        bump = 1 - (2 * bx) ** 2
        r, cy = h * bs * (0.22 + 0.33 * bump), y - h * (0.10 + by * bump)
        d = 1 - np.hypot((gx - x - bx * w), (gy - cy) * 1.1) / r
        hue = np.where(d > dense, (cy - gy) / r, hue)
        dense = np.maximum(dense, d)
    flat = step(gy, y + 0.16 * h, y + 0.0 * h)
    cover = step(dense + 0.16 * rough, 0.02, 0.30) * flat
    height = clip((y + 0.1 * h - gy) / h, 0, 1)
    return c.paint(where, cover, L - 17 * (1 - height) ** 2 + 5 * hue + 2.5 * rough, "cloud")


def clouds(c, horizon, n, L=95):
    """n heaped clouds, smaller and flatter towards the horizon."""
    for k in range(n):
        t = (k + c.u(0.2, 0.8)) / n
        cumulus(c, c.u(-0.05, 1.05), horizon * mix(0.85, 0.22, t), mix(0.16, 0.46, t) * c.u(0.75, 1.2), L)


def streaks(c, horizon, thing, L=20, strength=0.8):
    """Long thin evening clouds, dark with lit undersides; they keep the colour of `thing`, the sky itself."""
    where, x, y = c.window(0, 0, 1, horizon)
    n = c.noise(x, y, 1.5, 9, 1.4)
    cover = step(n, 0.25, 1.1) * step(y, 0, 0.25 * horizon) * strength
    edge = clip(n - np.roll(n, 2, 0), -0.25, 0.25)
    c.paint(where, cover * 0.75, c.L[where] - L - 60 * edge * step(y, 0.2 * horizon, horizon), thing)


def disc(c, x, y, r, kind, glow=0.0, L=97):
    """A sun or moon with a glow around it (the glow keeps the sky's object)."""
    where, gx, gy = c.window(x - 6 * r, y - 6 * r, x + 6 * r, y + 6 * r)
    d = np.hypot(gx - x, gy - y)
    c.L[where] = clip(mix(c.L[where], 96, glow * clip(1.2 - d / (6 * r), 0, 1) ** 3), 2, 98)
    grain = 3 * c.noise(gx, gy, 1.2 / r, roughness=1.3)
    c.paint(where, c.inside(d - r), L + (grain if kind == "moon" else 0), kind)


def stars(c, horizon, n=70):
    """Points of light; only their luminance, the sky's object stays."""
    for x, y, b in c.rng.random((n, 3)):
        where, gx, gy = c.window(*np.r_[x - 0.01, y * horizon - 0.01, x + 0.01, y * horizon + 0.01])
        d2 = (gx - x) ** 2 + (gy - y * horizon) ** 2
        s = max(0.0022, 0.5 * c.px)
        c.L[where] += 55 * b**2 * (0.0022 / s) * np.exp(-d2 / (2 * s * s))


# ---------------------------------------------------------------- land
def ridge(c, y, amp, f, kind, near, far, texture=3.0, grain=8.0):
    """Rolling land below a random line at about y; L runs from `near` at the line to `far` below."""
    where, x, gy = c.window(0, y - 3.2 * amp, 1, 1)
    line = y + amp * clip(c.curve(x, f), -3, 3) + 0.0012 * c.curve(x, 60, 1.0)
    depth = clip((gy - line) / 0.35, 0, 1)
    L = mix(near, far, depth) + texture * c.noise(x, gy, grain, 2.5 * grain, 0.8)
    sunny = 5 * c.sun * clip(np.gradient(line[0]) / c.px if line.shape[1] > 1 else 0, -1, 1)[None]
    return c.paint(where, c.inside(line - gy), L + sunny * (1 - depth), kind)


def field(c, y, amp, kind, L, rows=0.0):
    """A hill with furrows (`rows` of them) that run towards a vanishing point."""
    where, x, gy = c.window(0, y - 3.2 * amp, 1, 1)
    line = y + amp * clip(c.curve(x, 1.2, 1.6), -3, 3)
    depth = clip(gy - line, 0, 1)
    L = L - 16 * depth + 3.5 * c.noise(x, gy, 12, 40, 0.7)
    if rows:
        u = (x - c.u(0.1, 0.9)) / (depth + 0.12) * rows
        L = L + 5 * np.sin(u * 6.28) * step(depth, 0.0, 0.06) * c.detail(0.2 / rows)
    return c.paint(where, c.inside(line - gy), L, kind)


def mountains(c, y, height, L=46, snow=0.5, kind="rock", haze=0.0):
    """A jagged range whose foot is at y: light and dark faces, snow where it is high."""
    where, x, gy = c.window(0, y - 1.7 * height, 1, y + 0.02)
    bent = x + height * (
        0.09 * c.noise(x, gy, 6, 6, 1.7) + 0.02 * c.noise(x, gy, 20, 20, 1.5)
    )  # ridges wander downhill
    peaks, face = np.zeros_like(bent), np.zeros_like(bent)
    for k in range(6):
        px, ph, pw = (k + c.u(0, 1)) / 6, c.u(0.4, 1.2), c.u(0.7, 1.3) * 1.3 * height
        peak = ph - np.abs(bent - px) / pw
        face = np.where(peak > peaks, np.sign(bent - px), face)
        peaks = np.maximum(peaks, peak)
    crest = y - height * (peaks + 0.03 * c.curve(x, 14, 1.7))
    folds = c.noise(bent + 0.4 * (gy - y), gy, 8, 4, 1.4)
    face = clip(0.62 * c.sun * face + 0.5 * folds, -1.2, 1.2)
    rise = clip((y - gy) / height, 0, 1.4)
    grain = c.noise(x, gy, 40, roughness=0.7)
    rock = mix(L, 74, haze) + (1 - haze) * (13 * face + 4 * grain) + 8 * haze * (1 - rise)
    hill = c.paint(where, c.inside(crest - gy), rock, kind)
    if snow:
        cap = step(rise - (1 - snow) + 0.16 * folds + 0.1 * c.noise(x, gy, 22, 10, 0.8), -0.03, 0.06)
        c.paint(where, cap * c.inside(crest - gy), mix(86, 84, haze) + 10 * face * (1 - 0.5 * haze), "snow")
    return hill


def ground(c, horizon, kind, near, far, texture=4.0, f=5.0, roughness=0.9):
    """A plain in perspective below the horizon: L `far` at the horizon, `near` at the lower edge."""
    where, x, y = c.window(0, horizon, 1, 1)
    depth = clip((y - horizon) / (1 - horizon), 0, 1)
    z = 0.25 / (depth + 0.12)
    n = c.noise((x - 0.5) * z, z + 0 * x, f * 2.5, f * 5, roughness)
    L = mix(far, near, depth) + texture * n * (0.35 + 0.65 * depth)
    return c.paint(
        where, np.ones_like(c.L[where]), L + 0.4 * texture * c.noise(x, y, 50, roughness=0.5), kind
    )


def blades(c, y, height, L, thing, f=60):
    """A row of grass: pointed blades of many heights whose feet are at y; bright tips, dark feet."""
    where, x, gy = c.window(0, y - height, 1, y + 0.6 * height)
    shift, n = c.u(), 256
    tall, tone, bend = c.rng.uniform(0.35, 1, n), c.rng.normal(0, 5, n), c.rng.uniform(-1, 1, n)
    up = clip((y - gy) / height, 0, 1)
    for half in (0.0, 0.5):
        u = (x + shift) * f + half
        cell = np.floor(u).astype(int)
        u = u - cell - 0.5 - 0.8 * bend[cell % n] * up**2
        width = 0.5 * (1 - up / tall[(cell + 7 * int(half * 2)) % n])
        sharp = clip(0.5 + (width - np.abs(u)) / (f * c.px), 0, 1)
        cover = np.where(gy > y, step(gy, y + 0.6 * height, y), sharp)
        L2 = (
            L
            + 13 * up
            - 5
            + tone[(cell + 31 * int(half * 2)) % n] * c.detail(1 / f) * step(gy, y + 0.4 * height, y)
        )
        c.paint(where, cover * (1 if half else 0.9), L2, thing)


def meadow(c, horizon, kind="grass", L=(62, 44), rows=7):
    """Grass from the horizon to the lower edge: a textured plain, then rows of blades, larger when nearer."""
    thing = ground(c, horizon, kind, L[1], L[0], texture=3.5, f=4)
    for k in range(rows):
        t = ((k + 0.7) / rows) ** 1.7
        y = mix(horizon, 1.03, t)
        blades(c, y, mix(0.018, 0.11, t), mix(L[0], L[1], t), thing, f=mix(150, 42, t))
    return thing


# ---------------------------------------------------------------- water
def water(c, horizon, kind, near=42, far=66, chop=4.0, bottom=1.0):
    """Waves in perspective; `kind` may be an object (a sunset's sky lights the water in its own colour)."""
    where, x, y = c.window(0, horizon, 1, bottom)
    depth = clip((y - horizon) / (1 - horizon), 0, 1)
    z = 0.2 / (depth + 0.06)
    n = c.noise((x - 0.5) * z, z * 1.0 + 0 * x, 6, 34, 1.0)
    fine = c.noise(x, y, 9, 70, 0.7)
    wave = 0.75 * n * (0.4 + depth) + 0.5 * fine * (1 - 0.6 * depth)
    L = mix(far, near, depth**0.7) + chop * wave + 0.5 * chop * np.maximum(wave - 0.9, 0) ** 2
    return c.paint(where, np.ones_like(c.L[where]), L, kind)


def mirror(c, horizon, strength=0.6, ripple=0.006, bottom=1.0):
    """What stands above the horizon, upside down in the water: luminance only, the water keeps its object."""
    where, x, y = c.window(0, horizon, 1, bottom)
    wobble = c.noise(x, y, 8, 60, 0.9)
    depth = y - horizon
    sy = clip(horizon - depth * 1.1 - ripple * wobble * (1 + 8 * depth), 0, 1)
    sx = clip(x + 0.6 * ripple * wobble * (1 + 8 * depth), 0, 1)
    i, j = (np.minimum((s * c.size).astype(int), c.size - 1) for s in (sy, sx))
    c.L[where] = clip(mix(c.L[where], c.L[i, j] - 5, strength * step(depth, 0.75, 0.0)), 2, 98)


def glitter(c, x0, horizon, width, L=95, strength=0.9):
    """The sun's or moon's broken path over the water."""
    where, x, y = c.window(0, horizon, 1, 1)
    depth = clip((y - horizon) / (1 - horizon), 0, 1)
    n = c.noise(x, y, 10, 75, 0.8) + 0.5 * c.noise(x, y, 4, 24, 0.9)
    path = np.exp(-(((x - x0) / (width * (1 + 1.5 * depth))) ** 2))
    c.L[where] = mix(c.L[where], L, clip(path * step(n + 1.4 * path, 0.5, 1.8) * strength, 0, 1))
