"""The colours that each kind of thing in a scene can have and how likely each is: the truth behind `scenes`.

A colour ("mode") is a curve over luminance: given L it is exactly one (a, b). It is written as (hue in
degrees, chroma at L = 60), shaded as a matte surface would be, or as points (L, a, b) joined by lines.
Chroma bends smoothly to stay inside sRGB.
Hue angles: 30 red, 60 orange, 90 yellow, 135 green, 195 turquoise, 280 blue, 320 violet, 350 pink.
"""

from functools import lru_cache

import numpy as np
import torch

from .color import in_gamut

STEPS = 10  # entries of the tables per unit of L
GRASS = ((5, -6, 6), (30, -17, 20), (50, -22, 33), (70, -20, 42), (95, -12, 38))
FIERY = ((5, 8, -14), (22, 20, -24), (38, 34, -8), (54, 40, 22), (68, 28, 42), (82, 10, 48), (96, 0, 24))
PASTEL = ((5, 4, -16), (25, 8, -26), (42, 18, -24), (58, 27, -4), (72, 24, 14), (85, 10, 20), (96, 1, 10))
GOLDEN = ((5, 6, 2), (25, 16, 10), (45, 24, 30), (65, 18, 50), (82, 6, 56), (96, -2, 30))

# fmt: off
# kind: [(probability, mode), ...], the likeliest first
PALETTES = {
    # sky and light
    "sky": [(1, ((40, 2, -44), (60, -4, -38), (75, -7, -26), (88, -4, -10), (97, -1, -2)))],
    "cloud": [(1, ((60, 1, -8), (80, 0, -5), (95, 0, 1)))],
    "sunset": [(0.5, FIERY), (0.3, PASTEL), (0.2, GOLDEN)],
    "sun": [(1, (95, 34))],
    "night sky": [(1, ((2, 5, -14), (10, 9, -26), (25, 10, -34), (60, 2, -20), (95, 0, 4)))],
    "moon": [(1, (92, 14))],
    # water
    "sea": [(1, ((25, -6, -26), (45, -14, -26), (60, -18, -20), (80, -10, -8)))],
    "foam": [(1, (230, 3))],
    "lake": [(1, ((10, -2, -10), (35, -8, -18), (60, -8, -18), (90, -3, -7)))],
    "night water": [(1, ((2, 3, -12), (12, 6, -22), (40, 8, -4), (90, 4, 30)))],
    # land
    "grass": [(1, GRASS)],
    "foliage": [(1, ((5, -6, 6), (30, -20, 18), (60, -24, 38), (90, -14, 40)))],
    "far hills": [(1, ((40, -10, -4), (60, -13, 2), (80, -8, 0)))],
    "field": [(0.55, GRASS), (0.38, (85, 44)), (0.07, (312, 34))],
    "forest": [(1, (140, 24))],
    "rock": [(0.6, (265, 9)), (0.4, (65, 14))],
    "dusk hills": [(0.6, (310, 18)), (0.4, (285, 20))],
    "silhouette": [(1, (300, 10))],
    "snow": [(1, ((40, 2, -18), (70, 0, -12), (86, 0, -6), (97, 0, 0)))],
    "sand": [(1, (82, 30))],
    # plants
    "leaves": [(0.68, (132, 36)), (0.14, (62, 56)), (0.10, (38, 52)), (0.08, (88, 54))],
    "hedge": [(1, (130, 32))],
    "fir": [(0.8, (145, 22)), (0.2, (195, 16))],
    "frond": [(1, (125, 38))],
    "leaf": [(1, (128, 40))],
    "bark": [(0.7, (62, 20)), (0.3, (75, 9))],
    "petals": [(0.26, (352, 52)), (0.22, (30, 64)), (0.20, (87, 72)),
               (0.15, (318, 46)), (0.10, (58, 66)), (0.07, (285, 46))],
    "daisy": [(1, (95, 4))],
    "sunflower": [(1, (84, 76))],
    "heart": [(1, (86, 64))],
    "seeds": [(1, (58, 26))],
    # buildings
    "plaster": [(0.40, (85, 16)), (0.20, (70, 34)), (0.14, (30, 26)), (0.14, (255, 22)), (0.12, (150, 18))],
    "brick": [(0.78, (42, 36)), (0.22, (72, 18))],
    "boards": [(0.36, (100, 5)), (0.22, (250, 18)), (0.18, (90, 30)), (0.14, (28, 42)), (0.10, (160, 16))],
    "roof": [(0.62, (44, 42)), (0.38, (270, 9))],
    "frame": [(1, (90, 4))],
    "glass": [(1, ((15, -1, -8), (45, -4, -16), (80, -3, -8)))],
    "door": [(0.30, (50, 30)), (0.22, (25, 52)), (0.20, (160, 34)), (0.18, (275, 38)), (0.10, (85, 52))],
    "facade": [(0.7, (280, 10)), (0.3, (40, 9))],
    "lit window": [(0.86, (82, 52)), (0.14, (235, 14))],
    "neon": [(0.46, (20, 70)), (0.30, (200, 34)), (0.16, (335, 80)), (0.08, (140, 72))],
    "lamp": [(1, (80, 24))],
    "quay": [(1, (60, 6))],
    "pavement": [(1, (75, 7))],
    "asphalt": [(1, (275, 4))],
    "road mark": [(1, (95, 6))],
    # what moves
    "car": [(0.30, (265, 3)), (0.25, (28, 62)), (0.22, (277, 42)),
            (0.09, (150, 34)), (0.09, (80, 24)), (0.05, (92, 72))],
    "tyre": [(1, (280, 2))],
    "metal": [(1, (265, 4))],
    "headlight": [(1, (95, 16))],
    "tail light": [(1, (30, 60))],
    "balloon": [(0.30, (30, 70)), (0.27, (280, 50)), (0.22, (86, 76)),
                (0.12, (135, 56)), (0.06, (325, 58)), (0.03, (195, 36))],
    "rope": [(1, (80, 8))],
    "wicker": [(1, (70, 34))],
    "sail": [(1, (90, 5))],
    "hull": [(0.34, (60, 34)), (0.33, (28, 56)), (0.33, (272, 40))],
    "cloth": [(0.32, (28, 62)), (0.28, (272, 44)), (0.20, (90, 66)), (0.12, (190, 32)), (0.08, (345, 58))],
    "gift": [(0.5, (325, 40)), (0.5, (150, 40))],
    # indoors
    "wall": [(0.40, (85, 14)), (0.22, (235, 12)), (0.20, (140, 13)), (0.18, (15, 18))],
    "wood": [(0.75, (65, 32)), (0.25, (50, 22))],
    "tablecloth": [(0.42, (25, 38)), (0.38, (270, 26)), (0.20, (130, 26))],
    "apple": [(0.50, (32, 60)), (0.33, (118, 52)), (0.17, (84, 70))],
    "orange": [(1, (64, 76))],
    "lemon": [(1, (97, 74))],
    "pear": [(0.6, (108, 50)), (0.4, (82, 52))],
    "grapes": [(0.6, (330, 30)), (0.4, (115, 40))],
    "bowl": [(0.45, (272, 34)), (0.30, (50, 40)), (0.25, (165, 26))],
    "vase": [(0.35, (272, 36)), (0.30, (45, 40)), (0.20, (170, 26)), (0.15, (88, 46))],
}
# fmt: on
KINDS = tuple(PALETTES)
MODES = max(len(palette) for palette in PALETTES.values())  # K


def _curve(mode, L):
    """(a, b) of a mode at luminances L (n,), before the gamut: (n, 2)."""
    if isinstance(mode[0], tuple):
        points = np.array(mode, float).T
        return np.stack([np.interp(L, points[0], ab) for ab in points[1:]], -1)
    hue, chroma = np.radians(mode[0]), mode[1]
    shade = chroma * np.clip((L + 16) / 76, 0, 1.15) * (1 - 0.5 * np.clip((L - 80) / 20, 0, 1) ** 2)
    return shade[:, None] * np.array([np.cos(hue), np.sin(hue)])


def reach(L, hue, halvings=14):
    """The greatest chroma that sRGB can show at L (any shape) along a hue (radians), by bisection."""
    low, high = np.zeros_like(L), np.full_like(L, 140)
    for _ in range(halvings):
        middle = (low + high) / 2
        lab = np.stack([L, middle * np.cos(hue), middle * np.sin(hue)]).reshape(3, 1, -1)
        fits = in_gamut(torch.from_numpy(lab), 0.0).numpy().reshape(L.shape)
        low, high = np.where(fits, middle, low), np.where(fits, high, middle)
    return low


@lru_cache(maxsize=1)
def tables():
    """(colors (kinds, K, steps, 2), probabilities (kinds, K)), float32: each mode at each L.

    Row s of a table serves luminances that round to s / STEPS. Beyond a kind's last mode: probability 0
    and the first mode again.
    """
    L = np.arange(100 * STEPS + 1) / STEPS
    probs = np.zeros((len(KINDS), MODES))
    raw = np.zeros((len(KINDS), MODES, len(L), 2))
    for i, palette in enumerate(PALETTES.values()):
        raw[i] = _curve(palette[0][1], L)
        for k, (p, mode) in enumerate(palette):
            probs[i, k], raw[i, k] = p, _curve(mode, L)
    chroma, hue = np.hypot(raw[..., 0], raw[..., 1]), np.arctan2(raw[..., 1], raw[..., 0])
    most = 0.97 * np.stack([reach(np.broadcast_to(L, of_kind.shape), of_kind) for of_kind in hue]) + 1e-9  # a kind at a time: less memory
    soft = 1 / (1 + (chroma / most) ** 6) ** (1 / 6)  # about 1 well inside, most / chroma far outside
    probs /= probs.sum(1, keepdims=True)
    return (raw * soft[..., None]).astype(np.float32), probs.astype(np.float32)
