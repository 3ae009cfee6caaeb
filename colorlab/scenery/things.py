"""Cars, balloons, boats and toys: things whose colour the luminance often hides."""

import numpy as np

from .canvas import clip, mix


def car(c, x, y, w, face=1):
    """A car seen from the side, wheels on y, of length w; `face` +1 drives right."""
    c.shadow(x, y, 0.6 * w, 0.07 * w, 0.6)
    body, at = c.new("car"), lambda *points: [(x + face * px * w, y - py * w) for px, py in points]
    L, rear = c.u(50, 60), c.pick(-0.24, -0.28, -0.42)  # a saloon, a hatchback, an estate car
    low = min(rear - 0.12, -0.38) if rear > -0.4 else -0.47
    c.polygon(at((low, 0.2), (0.30, 0.2), (0.13, 0.40), (rear, 0.41)), L + 5, body, relief=7)
    c.polygon(
        at((low + 0.07, 0.22), (-0.06, 0.22), (-0.06, 0.375), (rear + 0.03, 0.375)), 30, "glass", relief=12
    )
    c.polygon(at((-0.025, 0.22), (0.225, 0.22), (0.105, 0.37), (-0.025, 0.375)), 30, "glass", relief=12)
    c.box(x - 0.5 * w, y - 0.25 * w, x + 0.5 * w, y - 0.055 * w, L, body, radius=0.07 * w, relief=13)
    c.line(*at((-0.45, 0.165))[0], *at((0.45, 0.165))[0], 0.012 * w, L + 20, body)
    c.line(*at((-0.03, 0.23))[0], *at((-0.03, 0.08))[0], 0.006 * w, L - 16, body)
    c.line(*at((-0.20, 0.185))[0], *at((-0.12, 0.185))[0], 0.014 * w, L + 24, body)
    c.ball(*at((0.47, 0.19))[0], 0.026 * w, 0.03 * w, 88, "headlight", relief=4)
    c.ball(*at((-0.485, 0.19))[0], 0.016 * w, 0.035 * w, 40, "tail light", relief=6, gloss=0)
    for k in (-0.29, 0.29):
        cx = x + k * w
        c.ball(cx, y - 0.088 * w, 0.108 * w, 0.108 * w, 15, "tyre", relief=4, gloss=0)
        c.ball(cx, y - 0.085 * w, 0.082 * w, 0.082 * w, 20, "tyre", relief=8, gloss=0)
        c.ball(cx, y - 0.085 * w, 0.045 * w, 0.045 * w, 68, "metal", relief=14)


def hot_air_balloon(c, x, y, r):
    """A balloon with centre (x, y) and radius r: gores in one colour, in two, or a band."""
    first, n = c.new("balloon"), c.pick(10, 12, 14)
    second = c.new("balloon") if c.chance(0.65) else first
    style, phase, L = c.pick("gores", "gores", "band", "zigzag"), c.u(0, 0.5), c.u(58, 64)
    where, gx, gy = c.window(x - 1.05 * r, y - 1.05 * r, x + 1.05 * r, y + 1.75 * r)
    t = (gy - y) / r
    half = np.where(t < 0.15, np.sqrt(clip(1 - t * t, 0, 1)), 0.0)
    low = clip((t - 0.15) / 1.15, 0, 1)
    half = np.where(t >= 0.15, mix(0.9887, 0.20, low**1.25), half) * (t < 1.3)
    s = clip((gx - x) / np.maximum(half * r, 1e-4), -1, 1)
    gore = (np.arcsin(s) / np.pi + 0.5) * n + phase
    bulge = np.abs(gore - np.floor(gore) - 0.5) * 2
    shade = (
        L
        + 27 * c.lit(0.96 * s, 0.85 * clip(t, -1, 1))
        + 12 * c.gleam(s, t, 14)
        - 8 * bulge**4 * c.detail(2 * r / n)
    )
    cover = c.inside((np.abs(gx - x) - half * r) * np.where(t < 0.15, np.maximum(half, 0.2), 0.95))
    cover = cover * c.inside((-1 - t) * r) * c.inside((t - 1.3) * r)
    odd = (
        (np.floor(gore) % 2 == 1)
        if style == "gores"
        else (np.abs(t - 0.05 + (0.13 * (2 * bulge - 1) if style == "zigzag" else 0)) < 0.24) & (s < 2)
    )
    c.paint(where, cover, shade, first)
    c.paint(where, cover * odd, shade, second)
    for s in (-1, 1):
        c.line(x + s * 0.17 * r, y + 1.29 * r, x + s * 0.12 * r, y + 1.62 * r, 0.015 * r, 26, "rope")
    c.box(
        x - 0.14 * r,
        y + 1.58 * r,
        x + 0.14 * r,
        y + 1.82 * r,
        42,
        "wicker",
        radius=0.03 * r,
        relief=6,
        texture=4,
    )


def toy_balloon(c, x, y, r, hand):
    """A glossy party balloon on a string to `hand` (x, y)."""
    c.line(x, y + 1.2 * r, hand[0], hand[1], 0.004, 80, "rope")
    thing = c.ball(x, y, r, 1.18 * r, c.u(57, 63), "balloon", relief=24, gloss=30)
    c.polygon([(x, y + 1.12 * r), (x - 0.1 * r, y + 1.3 * r), (x + 0.1 * r, y + 1.3 * r)], 46, thing)


def sailboat(c, x, y, s, dark=False):
    """A boat of length s with two sails; `dark`: its silhouette against the light."""
    thing = c.new("silhouette") if dark else None
    sail, hull, mast = (thing, thing, thing) if dark else ("sail", "hull", "bark")
    main, jib, wood = (16, 14, 10) if dark else (90, 78, 50)
    lean = 0.5 * s * c.sun
    c.polygon([(x, y - 1.25 * s), (x, y - 0.18 * s), (x + lean, y - 0.2 * s)], main, sail, relief=3)
    points = [(x - 0.03 * s, y - 1.1 * s), (x - 0.03 * s, y - 0.18 * s), (x - 0.84 * lean, y - 0.2 * s)]
    c.polygon(points, jib, sail, relief=3)
    c.line(x - 0.015 * s, y - 1.28 * s, x - 0.015 * s, y - 0.1 * s, 0.02 * s, 12 if dark else 40, mast)
    deck, keel = y - 0.16 * s, y + 0.02 * s
    points = [(x - 0.55 * s, deck), (x + 0.55 * s, deck), (x + 0.4 * s, keel), (x - 0.42 * s, keel)]
    c.polygon(points, wood, hull, relief=2 if dark else 10)
    c.shade(c.window(x - 0.5 * s, y + 0.02 * s, x + 0.5 * s, y + 0.1 * s)[0], 0.25)


def parasol(c, x, y, r):
    """A beach umbrella with its pole's foot at (x, y + 1.7 r)."""
    c.shadow(x, y + 1.68 * r, 0.9 * r, 0.16 * r, 0.4)
    c.line(x, y - 0.6 * r, x, y + 1.7 * r, 0.05 * r, 82, "frame")
    where, gx, gy = c.window(x - r, y - 0.75 * r, x + r, y + 0.1 * r)
    u, v = (gx - x) / r, (gy - y) / (0.7 * r)
    arc = np.abs(np.sin(4 * np.pi * (np.arcsin(clip(u, -1, 1)) / np.pi + 0.5)))
    cover = c.inside((np.hypot(u, v) - 1) * 0.6 * r) * c.inside((v - 0.1 * arc) * 0.6 * r)
    gore = np.floor(8 * (np.arcsin(clip(u / np.sqrt(clip(1 - v * v, 1e-3, 1)), -1, 1)) / np.pi + 0.5))
    L = c.u(56, 62) + 20 * c.lit(0.9 * u, 0.9 * clip(v, -1, 0) + 0 * u)
    first = c.paint(where, cover, L, "cloth")
    second = "sail" if c.chance(0.6) else "cloth"
    c.paint(where, cover * (gore % 2), L + (22 if second == "sail" else 0), second)
    return first


def beach_ball(c, x, y, r):
    """A ball of bright wedges, each with a colour of its own, and a pale one."""
    c.shadow(x, y + 0.9 * r, 1.1 * r, 0.22 * r, 0.45)
    where, gx, gy = c.window(x - 1.1 * r, y - 1.1 * r, x + 1.1 * r, y + 1.1 * r)
    nx, ny = (gx - x) / r, (gy - y) / r
    wedge = np.floor((np.arctan2(ny + 0.35, nx + 0.2) / np.pi + 1) * 3) % 6
    L = c.u(54, 60) + 25 * c.lit(nx, ny) + 16 * c.gleam(nx, ny)
    cover = c.inside((np.hypot(nx, ny) - 1) * r)
    for k, kind in enumerate(("cloth", "sail", "cloth", "sail", "cloth", "sail")):
        c.paint(where, cover * (wedge == k) if k else cover, L + (20 if kind == "sail" else 0), kind)
