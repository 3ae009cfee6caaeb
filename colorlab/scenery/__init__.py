"""Painters of luminance: what `colorlab.scenes` colours. Nothing here knows a colour.

canvas.py      the sheet: noise, shapes with soft edges, light and shadow
nature.py      sky, land, water
plants.py      trees, shrubs, palms
buildings.py   houses, towers
things.py      cars, balloons, boats
table.py       fruit, crockery, flowers
landscapes.py  whole pictures, composed of these; places.py has more
vistas.py      which picture a scene is; `paint(size, seed, index)`
"""

from .canvas import Canvas
from .vistas import VISTAS, paint, vista

__all__ = ["Canvas", "VISTAS", "paint", "vista"]
