"""Fruit, crockery and flowers: more things whose colour the luminance often hides."""

import numpy as np

from .canvas import clip, mix, step


# ---------------------------------------------------------------- still life
def apple(c, x, y, r, kind="apple"):
    """A glossy apple with its dimple and stalk."""
    c.shadow(x, y + 0.85 * r, 1.1 * r, 0.25 * r, 0.45)
    thing = c.ball(x, y, r, 0.94 * r, c.u(51, 57), kind, relief=24, gloss=30, texture=1.5)
    where, gx, gy = c.window(x - 0.4 * r, y - 0.95 * r, x + 0.4 * r, y - 0.4 * r)
    c.shade(where, 0.3 * step(np.hypot((gx - x) / 0.33, (gy - y + 0.68 * r) / 0.13) / r, 1, 0.3))
    c.line(x, y - 0.66 * r, x + 0.12 * r, y - 1.12 * r, 0.07 * r, 24, "bark")
    return thing


def orange(c, x, y, r, kind="orange"):
    """An orange: fine pores, a small star."""
    c.shadow(x, y + 0.85 * r, 1.1 * r, 0.25 * r, 0.45)
    c.ball(x, y, r, 0.97 * r, c.u(60, 65), kind, relief=22, gloss=9, texture=3)
    c.ball(x + 0.2 * r, y - 0.62 * r, 0.07 * r, 0.05 * r, 38, "leaf", gloss=0, relief=6)


def lemon(c, x, y, r):
    """A lemon, lying."""
    a = c.u(-0.5, 0.5)
    c.shadow(x, y + 0.7 * r, 1.2 * r, 0.2 * r, 0.4)
    thing = c.ball(x, y, 1.2 * r, 0.82 * r, c.u(72, 76), "lemon", relief=19, gloss=9, texture=2, angle=a)
    for s in (-1, 1):
        c.ball(
            x + s * 1.15 * r * np.cos(a),
            y + s * 1.15 * r * np.sin(a),
            0.2 * r,
            0.16 * r,
            70,
            thing,
            relief=14,
            gloss=0,
        )


def pear(c, x, y, r):
    """A pear: a round belly and a narrow neck."""
    c.shadow(x, y + 0.85 * r, 1.1 * r, 0.25 * r, 0.45)
    where, gx, gy = c.window(x - 1.1 * r, y - 2.0 * r, x + 1.1 * r, y + 1.1 * r)
    t = clip((gy - y) / r, -1.8, 1)
    half = np.where(t > 0, np.sqrt(clip(1 - t * t, 0, 1)), mix(0.98, 0.42, clip(-t / 1.15, 0, 1) ** 1.3))
    half = np.where(t < -1.15, 0.42 * np.sqrt(clip(1 - ((t + 1.15) / 0.42) ** 2, 0, 1)), half)
    nx = clip((gx - x) / np.maximum(half * r, 1e-4), -1, 1)
    L = (
        c.u(58, 64)
        + 22 * c.lit(nx, 0.75 * clip(t + 0.15, -1, 1))
        + 14 * c.gleam(nx, t)
        + 2.5 * c.noise(gx, gy, 60, roughness=0.5)
    )
    c.paint(where, c.inside((np.abs(gx - x) / np.maximum(half, 1e-3) - r) * np.maximum(half, 0.3)), L, "pear")
    c.line(x, y - 1.5 * r, x + 0.15 * r, y - 1.9 * r, 0.08 * r, 25, "bark")


def grapes(c, x, y, r, n=26):
    """A bunch of grapes hanging from (x, y), about 2 r wide."""
    thing = c.new("grapes")
    for k in range(n):
        row = np.sqrt(k / n)
        c.ball(
            x + (1 - 0.75 * row) * r * c.u(-0.95, 0.95),
            y + 1.7 * r * row,
            0.27 * r,
            0.27 * r,
            40,
            thing,
            relief=17,
            gloss=26,
        )


def bowl(c, x, y, w, h):
    """A glazed bowl: rim at y, width w, depth h; painted band."""
    c.shadow(x, y + h, 0.62 * w, 0.1 * w, 0.5)
    where, gx, gy = c.window(x - 0.52 * w, y - 0.05 * w, x + 0.52 * w, y + 1.06 * h)
    t = clip((gy - y) / h, 0, 1)
    half = 0.5 * w * np.sqrt(clip(1 - 0.86 * t**2.2, 0, 1))
    s = clip((gx - x) / np.maximum(half, 1e-4), -1, 1)
    L = c.u(58, 66) + 24 * c.lit(0.95 * s, 0.55 * (2 * t - 1)) + 18 * c.gleam(s, 2 * t - 1, 25)
    band = step(np.abs(t - 0.3 + 0.05 * np.sin(30 * s)), 0.10, 0.06) * 13
    lip = step(t, 0.1, 0.03) * 9
    edge = np.minimum(half - np.abs(gx - x), np.minimum(gy - y + 0.02 * w * (1 - s * s), (y + h - gy)))
    return c.paint(where, c.inside(-edge), L - band + lip, "bowl")


def vase(c, x, y, w, h):
    """A vase whose foot is at (x, y)."""
    c.shadow(x, y, 0.7 * w, 0.14 * w, 0.5)
    where, gx, gy = c.window(x - 0.6 * w, y - h, x + 0.6 * w, y + 0.02 * h)
    t = clip((y - gy) / h, 0, 1)
    half = 0.5 * w * (0.56 + 0.46 * np.sin(np.pi * (0.12 + 0.98 * t)) + 0.1 * step(t, 0.86, 1.0))
    s = clip((gx - x) / half, -1, 1)
    L = (
        c.u(52, 62)
        + 25 * c.lit(s, 0.4 * (1 - 2 * t))
        + 18 * c.gleam(s, 0.4 - 1.4 * t, 18)
        + 1.5 * c.noise(gx, gy, 12)
    )
    return c.paint(
        where, c.inside(np.maximum(np.abs(gx - x) - half, np.maximum(gy - y, y - h - gy))), L, "vase"
    )


# ---------------------------------------------------------------- flowers
def bloom(c, x, y, r, kind="petals", n=None, L=None, tilt=1.0):
    """An open flower: lit, creased petals around a speckled heart; `tilt` < 1 foreshortens it."""
    n, turn, point = n or c.pick(5, 5, 6, 8), c.u(0, 6.28), c.u(0.35, 0.8)
    L = c.u(64, 71) if L is None else L
    where, gx, gy = c.window(x - 1.1 * r, y - 1.1 * r * tilt, x + 1.1 * r, y + 1.1 * r * tilt)
    dx, dy = (gx - x) / r, (gy - y) / (r * tilt)
    d, a = np.hypot(dx, dy), np.arctan2(dy, dx) + turn
    petal = np.abs(np.cos(n * a / 2))
    edge = 0.42 + 0.56 * petal**point
    light = (
        13 * (d / edge - 0.55)
        - 13 * (1 - petal) ** 1.5
        + 9 * c.lit(0.7 * clip(dx, -1, 1) + 0 * dy, 0.7 * clip(dy, -1, 1) + 0 * dx)
    )
    light = light + 4 * np.sin(a * n * 3) * petal * c.detail(r / n)
    thing = c.paint(where, c.inside((d - edge) * r * 0.8), L + light, kind)
    big = 0.42 if kind == "sunflower" else 0.24
    c.ball(
        x,
        y,
        big * r,
        big * r * tilt,
        34 if kind == "sunflower" else 68,
        "seeds" if kind == "sunflower" else "heart",
        relief=14,
        gloss=0,
        texture=6,
    )
    return thing


def tulip(c, x, y, r):
    """A tulip's cup seen from the side."""
    thing, L = c.new("petals"), c.u(60, 66)
    c.ball(x, y, 0.55 * r, 0.95 * r, L - 12, thing, relief=14, gloss=0)
    for s in (-1, 1):
        c.ball(
            x + s * 0.36 * r, y + 0.1 * r, 0.38 * r, 0.92 * r, L, thing, relief=21, gloss=6, angle=0.22 * s
        )
    c.ball(x, y + 0.22 * r, 0.36 * r, 0.8 * r, L + 5, thing, relief=20, gloss=8)


def stalk(c, x, y, foot, r):
    """A stem from a flower at (x, y) to its foot (x, y), with two leaves."""
    stem = c.line(x, y, *foot, 0.12 * r, 42, "leaf", end=0.16 * r)
    for s in (-1, 1):
        t = c.u(0.45, 0.75)
        lx, ly = mix(x, foot[0], t), mix(y, foot[1], t)
        c.ball(
            lx + s * 0.55 * r, ly - 0.28 * r, 0.62 * r, 0.19 * r, 46, stem, relief=18, gloss=4, angle=-0.6 * s
        )
