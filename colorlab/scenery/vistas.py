"""Which picture a scene is, and its painting."""

import numpy as np

from .canvas import MARGIN, Canvas, clip
from .landscapes import balloons, beach, countryside, lake, sunset
from .places import bouquet, garden, night, party, still_life, street

VISTAS = {
    countryside: 3,
    balloons: 2,
    beach: 2,
    sunset: 2,
    street: 2,
    still_life: 2,
    garden: 2,
    bouquet: 1,
    lake: 2,
    night: 1,
    party: 1,
}  # how often in every twenty scenes


def _vista(seed, index):
    """Scenes come from a shuffled deck, so that every twenty of them show every vista."""
    deck = [compose for compose, cards in VISTAS.items() for _ in range(cards)]
    block, place = divmod(index, len(deck))
    return deck[np.random.default_rng([seed, block, 3]).permutation(len(deck))[place]]


def vista(seed, index):
    """The name of the vista of scene `index`, without painting it."""
    return _vista(seed, index).__name__


def paint(size, seed, index):
    """The canvas of scene `index` of `seed` at size x size: its L, its objects and their kinds."""
    canvas = Canvas(size, np.random.default_rng([seed, index, 0]))
    _vista(seed, index)(canvas)
    canvas.L = clip(canvas.L, *MARGIN)
    return canvas
