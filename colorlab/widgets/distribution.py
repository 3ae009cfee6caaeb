"""One pixel's distribution on the ab plane, drawn fast enough to follow a slider.

A disc for each bin, in the bin's colour, its area the probability after sharpening by T: the same scale at every T, so that the
discs' areas always add up to that of the one disc that is left as T -> 0. Circles that are not filled show what the network
itself said, T = 1. A square marks the mode, a hollow circle the mean, a diamond the annealed mean, and the line between
them is the way that the diamond takes as T changes.
"""

from functools import lru_cache

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from ..abplane import LIMIT, _plane, own_color
from ..bins import AbBins
from .canvas import Canvas, font

FINE = 2  # drawn so many times larger, then averaged: Pillow's lines have no smooth edges
RADIUS = 26.0  # of a disc that has all the probability, in units of a and b
MARK = 7  # half the size of a mark, in pixels
PATH = torch.logspace(-2, 0, 40)  # temperatures along the line
LEFT, RIGHT, BELOW = 58, 14, 42  # pixels for ticks and names


def distribution(logits: Tensor, temperature: float, bins: AbBins, size: int) -> Image.Image:
    """Draw it with axes.

    Args:
        logits: ``(Q,)``. temperature: T in (0, 1].
        size: height in pixels; the width is 30 more.
    Returns:
        a Pillow image.
    """
    side = size - BELOW
    colors, plane = _colors(bins.step), _background(FINE * side).copy()
    draw = ImageDraw.Draw(plane)
    centers = _at(bins.centers.cpu(), FINE * side)
    own, sharpened = (torch.softmax(logits / t, 0) for t in (1.0, temperature))
    scale = FINE * side / (2 * LIMIT) * RADIUS
    for chances, filled in ((sharpened, True), (own, False)):
        radii = scale * chances.sqrt()
        for q in radii.argsort(descending=True)[:int((radii > 0.8 * FINE).sum())].tolist():
            (x, y), r = centers[q], float(radii[q])
            draw.ellipse((x - r, y - r, x + r, y + r), colors[q] if filled else None, (40, 40, 40), FINE)
    way = _at(torch.softmax(logits / PATH[:, None], 1) @ bins.centers, FINE * side)
    draw.line([tuple(p) for p in way], "white", 4 * FINE, "curve")
    draw.line([tuple(p) for p in way], "black", 2 * FINE, "curve")
    points = _at(torch.stack((bins.centers[logits.argmax()], own @ bins.centers, sharpened @ bins.centers)), FINE * side)
    _shapes(draw, points)
    canvas = Canvas(LEFT + side + RIGHT, side + BELOW)
    canvas.image.paste(plane.reduce(FINE), (LEFT, 0))
    _names(canvas, [(x / FINE + LEFT, y / FINE) for x, y in points], side)
    _axes(canvas, side)
    return canvas.image


def _at(ab: Tensor, side: int) -> list:
    """(N, 2) -> pixels [x, y] from the upper left."""
    return ((ab * torch.tensor([1.0, -1.0]) + LIMIT) * side / (2 * LIMIT)).tolist()


def _shapes(draw: ImageDraw.ImageDraw, points: list) -> None:
    """A square for the mode, a circle for the mean, a diamond for the annealed mean, which fits into both."""
    mode, mean, annealed = points
    for r, color, width in ((MARK + 2, "white", 5), (MARK + 1, "black", 2)):
        draw.rectangle(_around(mode, r), None, color, width * FINE)
        draw.ellipse(_around(mean, r), None, color, width * FINE)
    for r, color in ((MARK, "white"), (MARK - 2, "black")):
        left, top, right, bottom = _around(annealed, r)
        draw.polygon([(left, annealed[1]), (annealed[0], top), (right, annealed[1]), (annealed[0], bottom)], color)


def _around(point, r: float) -> tuple[float, float, float, float]:
    """The box of a mark that reaches r pixels from its point."""
    x, y = point
    return x - r * FINE, y - r * FINE, x + r * FINE, y + r * FINE


def _names(canvas: Canvas, points: list, side: int) -> None:
    """"mode" and "mean" on the sides that look away from each other, "T" across."""
    mode, mean, annealed = (np.array(point) for point in points)
    away = mode - mean
    away = away / np.linalg.norm(away) if np.linalg.norm(away) > 1 else np.array([-0.6, -0.8])
    across = np.array([-away[1], away[0]]) * (1 if away[1] <= 0 else -1)  # to the right
    for text, place, way in (("mode", mode, away), ("mean", mean, -away), ("T", annealed, across)):
        left, top, right, bottom = font(14).getbbox(text, anchor="mm")
        half = np.array([right - left, bottom - top]) / 2 + 2
        x, y = np.clip(place + way * (MARK + 4 + np.abs(way) @ half), half + (LEFT, 0), (LEFT + side, side) - half)
        canvas.write(text, x, y, "mm", halo=3)


def _axes(canvas: Canvas, side: int) -> None:
    name = Canvas(side, 18)
    name.write("b: blue to yellow", side / 2, 0, "ma", 13)
    canvas.image.paste(name.image.rotate(90, expand=True), (0, 0))
    for value in (-100, 0, 100):
        at, told = (value + LIMIT) * side / (2 * LIMIT), f"{value}".replace("-", "−")
        canvas.draw.line((LEFT + at, side, LEFT + at, side + 4), "black")
        canvas.write(told, LEFT + at, side + 5, "ma", 12)
        canvas.draw.line((LEFT - 4, side - at, LEFT, side - at), "black")
        canvas.write(told, LEFT - 6, side - at, "rm", 12)
    canvas.write("a: green to red", LEFT + side / 2, side + 21, "ma", 13)


@lru_cache(maxsize=4)
def _background(side: int) -> Image.Image:
    """The plane's colours, as the figures have them, pale, with its axes through grey."""
    rgb = torch.from_numpy(_plane(None)[0])  # (441, 441, 3)
    pixels = (255 * (rgb + 0.45 * (1 - rgb))).byte().numpy()
    image = Image.fromarray(pixels).resize((side, side), Image.Resampling.BILINEAR)
    draw = ImageDraw.Draw(image)
    for ends in ((0, side / 2, side, side / 2), (side / 2, 0, side / 2, side)):
        draw.line(ends, (130, 130, 130), FINE)
    return image


@lru_cache(maxsize=4)
def _colors(step: int) -> list[tuple[int, int, int]]:
    """Each bin's own colour, as in the figures."""
    return [tuple(rgb) for rgb in (255 * own_color(AbBins(step).centers.T)).round().int().T.tolist()]
