"""Streets, gardens and tables: whole pictures, each a function of a canvas."""

import numpy as np

from . import buildings as B
from . import nature as N
from . import plants as P
from . import table as S
from . import things as T
from .canvas import clip, mix


def street(c):
    """A row of houses, a road, cars."""
    base = c.u(0.62, 0.68)
    N.sky(c, base)
    N.clouds(c, 0.45, c.pick(1, 2, 3))
    for k in range(4):
        P.tree(c, c.u(0, 1), base - 0.01, c.u(0.3, 0.42))
    N.ridge(c, base - 0.03, 0.006, 6, "hedge", 44, 38, 4, 30)
    n = c.pick(2, 3, 3)
    for k in range(n):
        w = 0.86 / n
        B.house(
            c,
            (k + 0.5) / n + c.u(-0.01, 0.01),
            base,
            w,
            c.u(0.22, 0.32),
            floors=2,
            roof=c.pick("gable", "hip"),
        )
    for k in range(3):
        P.bush(c, c.u(0, 1), base + 0.012, c.u(0.05, 0.09))
    N.ground(c, base, "pavement", 70, 66, 2)
    where, x, y = c.window(0, base + 0.05, 1, 1)
    c.shade(c.window(0, base + 0.05, 1, base + 0.062)[0], 0.3)
    road = c.u(42, 48) + 2.2 * c.noise(x, y, 60, 80, 0.3) + 2 * c.noise(x, y, 4, 12, 1.0)
    c.paint(where, c.inside(base + 0.06 - y), road, "asphalt")
    mark, lane = c.new("road mark"), base + 0.06 + 0.5 * (0.94 - base)
    for k in range(-1, 6):
        c.polygon(
            [
                (k * 0.2 + 0.03, lane),
                (k * 0.2 + 0.13, lane),
                (k * 0.2 + 0.125, lane + 0.014),
                (k * 0.2 + 0.02, lane + 0.014),
            ],
            84,
            mark,
        )
    if c.chance(0.7):
        T.car(c, c.u(0.15, 0.85), base + c.u(0.12, 0.14), c.u(0.24, 0.3), -1)
    T.car(c, c.u(0.25, 0.75), c.u(0.93, 0.96), c.u(0.36, 0.46), 1)


def night(c):
    """A city at night by the water."""
    h = c.u(0.66, 0.74)
    N.sky(c, h, "night sky", top=(5, 9), low=(16, 26), haze=1.5)
    N.stars(c, 0.5 * h)
    x = c.u(0.12, 0.88)
    N.disc(c, x, c.u(0.1, 0.22), c.u(0.035, 0.055), "moon", glow=0.25, L=90)
    for layer, (n, tone, lamps) in enumerate(((11, 19, 0.25), (8, 14, 0.38), (6, 10, 0.45))):
        for k in range(n):
            w = 1.25 / n * c.u(0.65, 1.0)
            cx = (k + c.u(0.2, 0.8)) / n
            top = h - mix(0.44, 0.26, layer / 2) * c.u(0.45, 1.05)
            B.tower(c, cx - w / 2, cx + w / 2, top, h, tone + c.u(0, 5), lamps=lamps * c.u(0.5, 1.3))
            if c.chance(0.3):
                c.line(cx, top, cx, top - 0.06, 0.006, 24, "facade", end=0.002)
            if layer == 2 and c.chance(0.55):
                sx, sy, sw = cx - 0.3 * w, top + c.u(0.03, 0.08), 0.6 * w
                c.box(sx, sy, sx + sw, sy + 0.035, c.u(58, 66), "neon", radius=0.008, relief=4)
    N.water(c, h, "night water", near=7, far=15, chop=2)
    N.mirror(c, h, 0.75, ripple=0.009)
    where, gx, gy = c.window(0, h, 1, 1)
    N.glitter(c, x, h, 0.035, strength=0.55)
    for k in range(9):
        lx = (k + 0.5) / 9
        c.line(lx, h + 0.012, lx, h - 0.055, 0.005, 12, "facade")
        c.ball(lx, h - 0.06, 0.011, 0.011, 92, "lamp", relief=3)
    c.box(-0.1, h - 0.005, 1.1, h + 0.014, 24, "quay", relief=8)


def party(c):
    """A bunch of toy balloons above a lawn and hedges."""
    h = c.u(0.7, 0.78)
    N.sky(c, h)
    N.clouds(c, h, c.pick(2, 3))
    for k in range(4):
        P.tree(c, k / 3 + c.u(-0.1, 0.1), h + 0.02, c.u(0.2, 0.36))
    for k in range(9):
        P.bush(c, (k + c.u(0, 1)) / 9, h + 0.035, c.u(0.12, 0.18))
    N.meadow(c, h + 0.02, rows=5)
    x, hand = c.u(0.4, 0.6), (c.u(0.42, 0.58), 0.9)
    c.shadow(hand[0], 0.93, 0.08, 0.02, 0.4)
    c.box(hand[0] - 0.05, 0.86, hand[0] + 0.05, 0.94, 54, "gift", radius=0.004, relief=6)
    c.box(hand[0] - 0.01, 0.855, hand[0] + 0.01, 0.94, 66, "cloth")
    n = c.pick(5, 7, 8)
    for k in range(n):
        a = mix(-1.25, 1.25, (k + c.u(0.2, 0.8)) / n)
        r = c.u(0.075, 0.11)
        T.toy_balloon(c, x + 0.33 * np.sin(a), 0.42 - 0.27 * np.cos(a) * c.u(0.4, 1.0), r, hand)


def garden(c):
    """Flowers from near, in front of blurred green."""
    where, x, y = c.window()
    blur = mix(64, 26, y) + 9 * c.noise(x, y, 3.5, roughness=2.0)
    thing = c.paint(where, np.ones_like(c.L), blur, "foliage")
    for k in range(4):
        N.blades(c, 1.05 - 0.03 * (k % 3), c.u(0.25, 0.5), 34 + k, thing, f=c.u(10, 22))
    flowers = []
    for k in range(c.pick(5, 7, 9)):
        flowers.append((c.u(0.06, 0.94), c.u(0.12, 0.75), c.u(0.07, 0.13)))
    main = c.pick("petals", "petals", "tulip", "mixed", "sunflower")
    for x, y, r in sorted(flowers, key=lambda f: f[2]):
        S.stalk(c, x, y, (x + c.u(-0.06, 0.06), 1.05), 0.55 * r)
        kind = c.pick("petals", "daisy", "tulip", "sunflower") if main == "mixed" else main
        if kind == "tulip":
            S.tulip(c, x, y, r)
        elif kind == "sunflower":
            S.bloom(c, x, y, 1.25 * r, "sunflower", 17, 70)
        else:
            S.bloom(
                c,
                x,
                y,
                r,
                kind,
                13 if kind == "daisy" else None,
                84 if kind == "daisy" else None,
                c.u(0.8, 1),
            )


def bouquet(c):
    """A vase of flowers on a table."""
    edge = c.u(0.7, 0.78)
    where, x, y = c.window()
    c.paint(
        where,
        np.ones_like(c.L),
        c.u(46, 78) + 12 * c.sun * (x - 0.5) - 6 * y + 2 * c.noise(x, y, 5, roughness=1.3),
        "wall",
    )
    where, x, y = c.window(0, edge, 1, 1)
    wood = c.u(42, 56) + 5 * c.noise(x * 0.3, y * 2 + 0.02 * x, 3, 34, 0.9)
    c.paint(where, np.ones_like(c.L[where]), wood, "wood")
    cx, foot, h = c.u(0.42, 0.58), c.u(0.84, 0.9), c.u(0.3, 0.36)
    mouth, flowers = foot - h, []
    for k in range(c.pick(7, 9, 11)):
        a = mix(-1.15, 1.15, c.u())
        flowers.append(
            (
                cx + 0.36 * np.sin(a) * c.u(0.5, 1),
                mouth - 0.05 - 0.3 * np.cos(a) * c.u(0.35, 1),
                c.u(0.06, 0.1),
            )
        )
    for x, y, r in flowers:
        S.stalk(c, x, y, (cx, mouth + 0.04), 0.5 * r)
    S.vase(c, cx, foot, c.u(0.2, 0.28), h)
    for x, y, r in flowers:
        kind = c.pick("petals", "petals", "daisy", "tulip")
        if kind == "tulip":
            S.tulip(c, x, y, r)
        else:
            S.bloom(
                c,
                x,
                y,
                r,
                kind,
                13 if kind == "daisy" else None,
                84 if kind == "daisy" else None,
                c.u(0.8, 1),
            )
    if c.chance(0.5):
        c.pick(S.apple, S.pear, S.lemon, S.orange)(
            c, cx + c.pick(-1, 1) * c.u(0.24, 0.33), foot - 0.02, c.u(0.055, 0.07)
        )


def still_life(c):
    """Fruit in and beside a bowl, on a table."""
    edge = c.u(0.55, 0.64)
    where, x, y = c.window()
    paper = c.u(50, 74) + 9 * c.sun * (x - 0.5) - 5 * y + 1.8 * c.noise(x, y, 8, roughness=1.1)
    if c.chance(0.5):
        stripe = c.pick(9, 13, 17)
        paper = paper + 3.0 * np.sign(np.sin(2 * np.pi * stripe * x))
    c.paint(where, np.ones_like(c.L), paper, "wall")
    where, x, y = c.window(0, edge, 1, 1)
    if c.chance(0.6):
        z = 0.3 / (y - edge + 0.2)
        wood = (
            c.u(46, 58)
            + 5 * c.noise((x - 0.5) * 0.3, z * 2 + 0.02 * x, 3, 34, 0.9)
            + 9 * clip((y - edge) / 0.4, 0, 1)
        )
        c.paint(where, np.ones_like(c.L[where]), wood, "wood")
    else:
        u, v = (x - 0.5) / (y - edge + 0.45), 0.5 / (y - edge + 0.45)
        check = np.sign(np.sin(38 * u)) + np.sign(np.sin(60 * v)) + 0 * u
        c.paint(
            where,
            np.ones_like(c.L[where]),
            c.u(66, 72) - 7 * check + 1.5 * c.noise(x, y, 50, roughness=0.6),
            "tablecloth",
        )
    c.shade(c.window(0, edge, 1, edge + 0.012)[0], 0.18)
    cx, cy, w = c.u(0.42, 0.58), c.u(0.56, 0.62), c.u(0.5, 0.6)
    c.shadow(cx, cy + 0.24, 0.62 * w, 0.09, 0.35)
    fruit = (S.apple, S.orange, S.apple, S.pear, S.lemon, S.apple, S.orange)
    for k in range(5):
        c.pick(*fruit)(
            c,
            cx + w * (-0.3 + 0.15 * k),
            cy - 0.045 - 0.055 * (1 - abs(k - 2) / 2) - c.u(0, 0.02),
            c.u(0.075, 0.092),
        )
    for k in range(4):
        c.pick(*fruit)(c, cx + w * (-0.27 + 0.18 * k), cy - 0.005, c.u(0.07, 0.085))
    S.bowl(c, cx, cy, w, c.u(0.2, 0.24))
    if c.chance(0.5):
        S.grapes(c, cx + c.pick(-0.3, 0.3) * w, cy - 0.01, 0.065)
    side = c.pick(-1, 1)
    c.pick(*fruit)(c, 0.5 + side * c.u(0.3, 0.38), c.u(0.84, 0.9), c.u(0.075, 0.095))
    if c.chance(0.6):
        c.pick(*fruit)(c, 0.5 - side * c.u(0.28, 0.38), c.u(0.82, 0.9), c.u(0.07, 0.09))
