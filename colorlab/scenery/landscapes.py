"""Landscapes: whole pictures, each a function of a canvas."""

import numpy as np

from . import buildings as B
from . import nature as N
from . import plants as P
from . import table as S
from . import things as T
from .canvas import clip, mix


def countryside(c):
    """Fields, trees, a house, flowers in the grass."""
    h = c.u(0.38, 0.5)
    N.sky(c, h + 0.05)
    N.clouds(c, h, c.pick(2, 3, 4))
    if c.chance(0.4):
        N.mountains(c, h, c.u(0.12, 0.22), haze=0.65, snow=c.pick(0, 0.4))
    N.ridge(c, h - 0.03, 0.02, 2.5, "far hills", 66, 60, 1.5)
    for k in range(c.pick(1, 2)):
        N.field(c, h + 0.01 + 0.05 * k, 0.015, "field", c.u(62, 70), c.pick(0, 14, 20))
    for k in range(c.pick(2, 4, 6)):
        x = c.u(-0.05, 1.05)
        P.tree(c, x, h + 0.09 + 0.015 * k, c.u(0.10, 0.16))
    base = h + c.u(0.1, 0.14)
    N.meadow(c, base, L=(c.u(62, 68), c.u(44, 50)))
    side = c.pick(0.26, 0.74)
    if c.chance(0.75):
        B.house(
            c,
            side + c.u(-0.06, 0.06),
            base + c.u(0.03, 0.07),
            c.u(0.22, 0.3),
            c.u(0.13, 0.17),
            roof=c.pick("gable", "hip"),
        )
    if c.chance(0.8):
        P.tree(c, 1 - side + c.u(-0.1, 0.1), base + c.u(0.1, 0.25), c.u(0.42, 0.62))
    for _ in range(c.pick(0, 9, 22)):
        y = c.u(base + 0.2, 0.99)
        r = mix(0.008, 0.034, (y - base) / (1 - base))
        x = c.u()
        c.line(x, y, x, y + 2.5 * r, 0.2 * r, 46, "leaf")
        S.bloom(c, x, y, r, c.pick("petals", "petals", "daisy"), L=None, tilt=0.75)


def balloons(c):
    """Hot-air balloons over hills."""
    h = c.u(0.76, 0.86)
    N.sky(c, h, bend=0.9)
    N.clouds(c, h * 0.9, c.pick(2, 3))
    if c.chance(0.6):
        N.mountains(c, h, c.u(0.14, 0.24), haze=c.u(0.45, 0.7), snow=c.pick(0, 0.5))
    N.ridge(c, h - 0.02, 0.025, 2.0, "far hills", 66, 60, 2)
    N.field(c, h + 0.03, 0.015, "field", 64, c.pick(0, 16))
    N.ridge(c, h + 0.08, 0.02, 1.5, "grass", 60, 46, 3, 14)
    for k in range(7):
        P.bush(c, c.u(0, 1), h + 0.06 + 0.02 * k, c.u(0.03, 0.06))
    for x, y, r in (
        (c.u(0.1, 0.9), c.u(0.2, 0.6), 0.05),
        (c.u(0.1, 0.9), c.u(0.1, 0.5), 0.075),
        (c.u(0.66, 0.82), c.u(0.18, 0.4), c.u(0.1, 0.14)),
    ):
        T.hot_air_balloon(c, x, y, r)
    T.hot_air_balloon(c, c.u(0.24, 0.42), c.u(0.28, 0.42), c.u(0.17, 0.23))


def beach(c):
    """Sand, sea, sails, a parasol, a ball."""
    h, shore = c.u(0.32, 0.42), c.u(0.58, 0.68)
    N.sky(c, h, top=(60, 68), low=(86, 91))
    N.clouds(c, h, c.pick(1, 2, 3))
    if c.chance(0.5):
        N.ridge(c, h - 0.02, 0.03, 1.6, "far hills", 60, 56, 2)
    N.water(c, h, "sea", near=62, far=47)
    for _ in range(c.pick(1, 2, 3)):
        T.sailboat(c, c.u(0.08, 0.92), h + c.u(0.015, 0.07), c.u(0.07, 0.13))
    where, x, y = c.window(0, h, 1, 1)
    line = shore + 0.02 * c.curve(x, 1.5, 1.6)
    foam = c.noise(x, y, 26, 40, 0.8)
    c.paint(where, np.exp(-(((y - line + 0.012) / 0.014) ** 2)) * clip(0.75 + 0.5 * foam, 0, 1), 93, "foam")
    sand = (
        mix(66, 82, clip((y - line) / 0.1, 0, 1))
        + 1.6 * c.noise(x + 0.3 * y, y, 7, 40, 0.8)
        + 1.2 * c.noise(x, y, 70, roughness=0.3)
    )
    c.paint(where, c.inside(line - y), sand, "sand")
    if c.chance(0.5):
        P.palm(c, c.pick(0.1, 0.88), c.u(0.86, 0.98), c.u(0.55, 0.75))
    T.parasol(c, c.u(0.3, 0.7), c.u(0.55, 0.62), c.u(0.13, 0.18))
    x, y, w = c.u(0.25, 0.7), c.u(0.83, 0.88), c.u(0.2, 0.28)
    c.polygon(
        [(x, y), (x + w, y + 0.01), (x + w + 0.07, y + 0.09), (x + 0.04, y + 0.08)],
        c.u(60, 66),
        "cloth",
        texture=2,
    )
    T.beach_ball(c, c.pick(c.u(0.1, 0.25), c.u(0.78, 0.92)), c.u(0.78, 0.9), c.u(0.045, 0.07))


def sunset(c):
    """The sun over water, hills or boats as silhouettes."""
    h = c.u(0.52, 0.64)
    sky = N.sky(c, h, "sunset", top=(26, 40), low=(78, 86), bend=1.25, haze=2.5)
    x, y = c.u(0.25, 0.75), h - c.u(0.04, 0.14)
    where, gx, gy = c.window()
    glow = np.exp(-np.hypot(gx - x, 1.5 * (gy - y)) / 0.22)
    c.L[where] = mix(c.L[where], 92, 0.75 * glow)
    N.streaks(c, h, sky, L=c.u(12, 22), strength=c.u(0.6, 0.95))
    N.disc(c, x, y, c.u(0.04, 0.065), "sun")
    if c.chance(0.75):
        N.mountains(c, h, c.u(0.08, 0.2), L=34, snow=0, kind="dusk hills", haze=c.u(0.0, 0.2))
    N.water(c, h, sky, near=30, far=58, chop=3.5)
    N.mirror(c, h, 0.75)
    N.glitter(c, x, h, 0.05)
    for _ in range(c.pick(0, 1, 1, 2)):
        T.sailboat(c, c.u(0.12, 0.88), h + c.u(0.04, 0.16), c.u(0.1, 0.2), dark=True)
    if c.chance(0.6):
        low = c.u(0.9, 0.95)
        dark = N.ridge(c, low, 0.02, 2, "silhouette", 9, 6, 1.5)
        N.blades(c, low + 0.03, 0.09, 9, dark, f=45)
        edge = c.pick(0, 1)
        for k in range(c.pick(0, 0, 3, 4)):
            P.conifer(
                c, abs(edge - c.u(0.0, 0.07) - 0.08 * k), 1.0, c.u(0.3, 0.6) - 0.06 * k, 9, "silhouette"
            )


def lake(c):
    """Mountains, firs and their reflection; sometimes in snow."""
    h, winter = c.u(0.52, 0.6), c.chance(0.3)
    N.sky(c, h, top=(50, 62), low=(80, 88))
    N.clouds(c, h * 0.7, c.pick(1, 2, 3))
    N.mountains(c, h, c.u(0.24, 0.32), L=58, snow=c.u(0.3, 0.6), haze=c.u(0.35, 0.5))
    N.mountains(c, h, c.u(0.14, 0.22), L=44, snow=0.3 if winter else c.pick(0, 0.25))
    N.ridge(c, h - 0.015, 0.012, 3, "snow" if winter else "forest", 84 if winter else 40, 32, 4, 30)
    for _ in range(26):
        P.conifer(c, c.u(0, 1), h + c.u(0, 0.012), c.u(0.06, 0.15), c.u(28, 36), snow=winter)
    N.water(c, h, "lake", near=34, far=58, chop=2.5)
    N.mirror(c, h, 0.8)
    side = c.pick(0, 1)
    where, x, y = c.window(0, h, 1, 1)
    bank = 0.86 + 0.15 * (x if side == 0 else 1 - x) + 0.012 * c.curve(x, 4)
    top = 88 if winter else 56
    shore = c.paint(
        where,
        c.inside(bank - y),
        top - 10 * (y - bank) + 4 * c.noise(x, y, 18, 30, 0.8),
        "snow" if winter else "grass",
    )
    if not winter:
        N.blades(c, 0.99, 0.09, 44, shore, f=50)
    if c.chance(0.5):
        B.house(c, (0.24, 0.76)[side], 0.9, c.u(0.2, 0.25), c.u(0.11, 0.14), snow=winter, lamp=winter)
    for k in range(c.pick(2, 3, 4)):
        P.conifer(
            c,
            abs(side - c.u(0.0, 0.2)) if k else abs(side - 0.06),
            0.92 + 0.04 * k,
            c.u(0.35, 0.6),
            snow=winter,
        )
    if c.chance(0.4) and not winter:
        T.sailboat(c, 0.5 + c.u(-0.1, 0.2), h + 0.08, 0.08)
