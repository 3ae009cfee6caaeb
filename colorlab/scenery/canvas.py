"""A square sheet of luminance with an object map under it, and the tools that every painter uses.

Positions and lengths are relative: x to the right and y down, both in [0, 1]. Painters draw random numbers
without ever looking at the sheet's size, so that one seed gives one composition at every resolution.
L is CIELAB lightness in [0, 100]; arrays are float32 of shape (H, W) or broadcast to it.
"""

from functools import lru_cache
from math import ceil, floor

import numpy as np

TILE = 512  # texels of the largest noise tile; tiles repeat without a seam
MARGIN = (2.0, 98.0)  # the darkest and the lightest L painted: there is no colour at 0 and at 100


def clip(x, low, high):
    """np.clip, without its overhead on small arrays."""
    return np.minimum(np.maximum(x, low), high)


def step(x, low, high):
    """0 below `low`, 1 above `high`, a smooth cubic between (any order of the two)."""
    t = clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def mix(a, b, t):
    """a where t = 0, b where t = 1."""
    return a + (b - a) * t


@lru_cache(maxsize=None)
def _tile(level, roughness):
    """Periodic noise (n, n), n = TILE / 2**level: unit variance at level 0, amplitude ~ f**-roughness.

    Coarser levels hold the same field without its highest frequencies, as an averaging camera would see it.
    """
    spectrum = np.fft.fft2(np.random.default_rng(int(roughness * 100)).standard_normal((TILE, TILE)))
    f = np.fft.fftfreq(TILE) * TILE
    radius = np.hypot(f[:, None], f)
    spectrum *= np.where(radius > 0, np.maximum(radius, 1) ** -float(roughness), 0)
    scale = np.fft.ifft2(spectrum).real.std()
    n = TILE >> level
    keep = np.r_[0 : n // 2, TILE - n // 2 : TILE]
    return (np.fft.ifft2(spectrum[np.ix_(keep, keep)]).real / scale * (n / TILE) ** 2).astype(np.float32)


def _footprint(u, axis):
    """Mean distance between neighbours along an axis, 0 where there is none, on a few lines."""
    if u.shape[axis] < 2:
        return 0.0
    u = u[:: max(1, len(u) // 8)].T if axis else u[:, :: max(1, u.shape[1] // 8)]
    return float(np.abs(u[1:] - u[:-1]).mean())


def sample(u, v, roughness):
    """Noise at (u, v), in tiles: bilinear, at the level that the distance between pixels asks for."""
    if u.size == 0 or v.size == 0:
        return np.zeros(np.broadcast_shapes(u.shape, v.shape), np.float32)
    reach = max(_footprint(w, axis) for w in (u, v) for axis in (0, 1)) * TILE
    level = int(clip(np.round(np.log2(max(reach, 1e-9))), 0, 6))
    tile = _tile(level, roughness)
    n = len(tile)
    u, v = u * n, v * n
    i, j = np.floor(v).astype(np.int32), np.floor(u).astype(np.int32)
    fv, fu = (v - i).astype(np.float32), (u - j).astype(np.float32)
    top = mix(tile[i % n, j % n], tile[i % n, (j + 1) % n], fu)
    low = mix(tile[(i + 1) % n, j % n], tile[(i + 1) % n, (j + 1) % n], fu)
    return mix(top, low, fv)


class Canvas:
    """L (H, W), objects (H, W) int64, and `kinds`, the kind of each object, in the order of their making."""

    def __init__(self, size, rng):
        self.size, self.px, self.rng = size, 1 / size, rng
        self.L = np.full((size, size), 50, np.float32)
        self.objects = np.zeros((size, size), np.int64)
        self.middles = (np.arange(size, dtype=np.float32) + 0.5) / size
        self.kinds = []
        self.sun = rng.choice([-1.0, 1.0])  # the light comes from the upper left (-1) or right (+1)

    # ---- chance (never depends on the size)
    def u(self, low=0.0, high=1.0):
        return float(self.rng.uniform(low, high))

    def chance(self, p):
        return bool(self.rng.random() < p)

    def pick(self, *options):
        return options[int(self.rng.integers(len(options)))]

    # ---- where
    def window(self, x0=0.0, y0=0.0, x1=1.0, y1=1.0):
        """(slices, x (1, w), y (h, 1)): the pixels of a rectangle, cut to the sheet, perhaps none."""
        n = self.size
        j0, i0 = (min(max(floor(v * n), 0), n) for v in (x0, y0))
        j1, i1 = (max(min(max(ceil(v * n), 0), n), start) for v, start in ((x1, j0), (y1, i0)))
        return (slice(i0, i1), slice(j0, j1)), self.middles[None, j0:j1], self.middles[i0:i1, None]

    def inside(self, distance, soft=0.0):
        """Coverage in [0, 1] of the pixels where a signed distance (relative units) is negative."""
        return clip(0.5 - distance / (self.px + soft), 0, 1)

    def noise(self, x, y, fx, fy=None, roughness=1.0):
        """Noise of unit variance with about 4 fx features across the sheet; draws its own offset."""
        ox, oy = self.rng.random(2)
        return sample(x * (fx / 4) + ox, y * ((fx if fy is None else fy) / 4) + oy, roughness)

    def curve(self, x, f, roughness=2.2):
        """A random function of x, (1, w), of about unit variance."""
        return self.noise(x, np.zeros((1, 1), np.float32), f, 1.0, roughness)

    def detail(self, period):
        """1 when a pattern of this period is resolved by the pixels, 0 when it is too fine to draw."""
        return float(step(period * self.size, 1.5, 4.0))

    # ---- paint
    def new(self, kind):
        """A new object of a kind; its colour will be drawn for itself."""
        self.kinds.append(kind)
        return len(self.kinds) - 1

    def paint(self, where, cover, L, thing):
        """Blend L in where `cover` is; the object map takes the pixels that are covered by more than half."""
        thing = self.new(thing) if isinstance(thing, str) else thing
        old = self.L[where]
        self.L[where] = clip(mix(old, L, cover), *MARGIN)
        np.copyto(self.objects[where], thing, where=cover > 0.5)
        return thing

    def shade(self, where, amount):
        """Darken (amount > 0) or lighten what is there, as a share of its L; objects stay."""
        self.L[where] = clip(self.L[where] * (1 - amount), *MARGIN)

    def shadow(self, x, y, rx, ry, amount=0.4):
        """A soft elliptical shadow on the ground, thrown away from the sun."""
        x = x - 0.35 * self.sun * rx
        where, gx, gy = self.window(x - 1.4 * rx, y - 1.4 * ry, x + 1.4 * rx, y + 1.4 * ry)
        self.shade(where, amount * step(np.hypot((gx - x) / rx, (gy - y) / ry), 1.4, 0.3))

    def lit(self, nx, ny):
        """Light on a ball, in [-1, 1], from its normal's x and y (in [-1, 1]): Lambert, wrapped around."""
        nz = np.sqrt(clip(1 - nx * nx - ny * ny, 0, 1))
        return 0.45 * self.sun * nx - 0.62 * ny + 0.64 * nz - 0.25

    def gleam(self, nx, ny, sharp=40):
        """A highlight in [0, 1] where a glossy ball mirrors the sun."""
        return np.exp(-sharp * ((nx - 0.38 * self.sun) ** 2 + (ny + 0.45) ** 2))

    # ---- shapes
    def ball(self, x, y, rx, ry, L, thing, relief=26.0, gloss=16.0, texture=0.0, angle=0.0):
        """A lit ellipsoid; `texture` in L units."""
        r = max(rx, ry) + 2 * self.px
        where, gx, gy = self.window(x - r, y - r, x + r, y + r)
        dx, dy = gx - x, gy - y
        ca, sa = np.cos(angle), np.sin(angle)
        ex, ey = (ca * dx + sa * dy) / rx, (ca * dy - sa * dx) / ry
        d = np.hypot(ex, ey)
        nx, ny = ca * ex - sa * ey, ca * ey + sa * ex
        shade = L + relief * self.lit(nx, ny) + gloss * self.gleam(nx, ny)
        if texture:
            shade = shade + texture * self.noise(gx, gy, 12 / max(rx, 0.02), roughness=0.6)
        return self.paint(where, self.inside((d - 1) * min(rx, ry)), shade, thing)

    def box(self, x0, y0, x1, y1, L, thing, radius=0.0, texture=0.0, relief=0.0):
        """An upright rectangle with round corners; `relief` lightens the upper edge, darkens the lower."""
        where, x, y = self.window(x0 - self.px, y0 - self.px, x1 + self.px, y1 + self.px)
        qx = np.abs(x - (x0 + x1) / 2) - (x1 - x0) / 2 + radius
        qy = np.abs(y - (y0 + y1) / 2) - (y1 - y0) / 2 + radius
        d = np.hypot(np.maximum(qx, 0), np.maximum(qy, 0)) + np.minimum(np.maximum(qx, qy), 0) - radius
        L = L + relief * (0.5 - clip((y - y0) / (y1 - y0), 0, 1)) * 2 + 0 * x
        if texture:
            L = L + texture * self.noise(x, y, 40, roughness=0.7)
        return self.paint(where, self.inside(d), L, thing)

    def polygon(self, points, L, thing, relief=0.0, texture=0.0):
        """A convex polygon (any winding), its upper edge lighter by `relief`."""
        p = np.asarray(points, np.float32)
        (x0, y0), (x1, y1) = p.min(0), p.max(0)
        where, x, y = self.window(x0 - self.px, y0 - self.px, x1 + self.px, y1 + self.px)
        q = np.roll(p, -1, 0)
        turn = np.sign(np.sum(p[:, 0] * q[:, 1] - q[:, 0] * p[:, 1]))
        d = -1.0
        for (ax, ay), (bx, by) in zip(p, q):
            length = max(np.hypot(bx - ax, by - ay), 1e-9)
            d = np.maximum(d, turn * ((x - ax) * (by - ay) - (y - ay) * (bx - ax)) / length)
        L = L + relief * (0.5 - (y - y0) / max(y1 - y0, 1e-9)) * 2 + 0 * x
        if texture:
            L = L + texture * self.noise(x, y, 40, roughness=0.7)
        return self.paint(where, self.inside(d), L, thing)

    def line(self, ax, ay, bx, by, width, L, thing, end=None):
        """A straight stroke whose width runs from `width` to `end`, shaded as a round stick."""
        w = max(width, end or 0)
        where, x, y = self.window(min(ax, bx) - w, min(ay, by) - w, max(ax, bx) + w, max(ay, by) + w)
        length2 = max((bx - ax) ** 2 + (by - ay) ** 2, 1e-9)
        t = clip(((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length2, 0, 1)
        half = mix(width, width if end is None else end, t) / 2
        dx = x - mix(ax, bx, t)
        d = np.hypot(dx, y - mix(ay, by, t)) - half
        return self.paint(where, self.inside(d), L + 9 * self.sun * dx / np.maximum(half, self.px), thing)
