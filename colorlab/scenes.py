"""Procedural scenes whose true distribution of colour is known exactly.

A scene is painted as luminance first (`colorlab.scenery`): a textured, shaded picture L, and a map that
says which object each pixel belongs to. Only then does each object draw a colour from the palette of its
kind (`colorlab.palettes`), with other random numbers. So given L and the object, a pixel has one of a few
colours, each with a known probability: grass is green, but nothing in L tells a red balloon from a blue
one. A colorizer faces just that; here its best possible answers (mean, mode, distribution) can be computed,
not guessed.

    scene = make(10, size=64, seed=0).scene(3)
    scene.modes, scene.probs            (6, 2, 64, 64), (6, 64, 64): the alternatives and how likely each is
    scene.recolor(1).rgb                the same L in other colours
"""

from __future__ import annotations

import functools
import operator

import numpy as np
import torch

from .color import lab_to_rgb
from .palettes import KINDS, MODES, STEPS, tables
from .photos import Photos
from .scenery import paint, vista


class Scene:
    """One picture with its truth. K = 6 alternatives at most; H = W = size.

    L (1, H, W)          luminance, [2, 98]
    objects (H, W)       which object, int64
    kinds (H, W)         which kind of thing, int64, an index into kind_names
    rgb, lab (3, H, W)   the picture, in the colours that were drawn; always inside sRGB
    modes (K, 2, H, W)   the ab that each pixel can have
    probs (K, H, W)      their probabilities given L and the object; they sum to 1 (unused ones are 0)
    choice (H, W)        which of the modes was drawn, int64
    """

    kind_names = KINDS

    def __init__(
        self, L: np.ndarray, objects: np.ndarray, object_kinds: np.ndarray, seed: tuple[int, ...], name: str
    ):
        self.name, self.object_kinds, self._seed = name, torch.from_numpy(object_kinds), seed
        self.L, self.objects = torch.from_numpy(L)[None], torch.from_numpy(objects)
        self.kinds = self.object_kinds[self.objects]
        draw = np.random.default_rng(seed).random(
            len(object_kinds)
        )  # one number per object, by its place in the scene
        below = np.cumsum(tables()[1][object_kinds], 1)[:, :-1] <= draw[:, None]
        self._object_choice = torch.from_numpy(below.sum(1))
        self._row = (self.L[0] * STEPS).round().long()

    def __repr__(self) -> str:
        return f"Scene({self.name!r}, {len(self.object_kinds)} objects, {self.L.shape[-1]} px)"

    def recolor(self, seed: int) -> Scene:
        """The same luminance and objects, colours drawn anew: a scene that L cannot tell from this one."""
        _whole("seed", seed, 0)
        return Scene(
            self.L[0].numpy(),
            self.objects.numpy(),
            self.object_kinds.numpy(),
            (*self._seed[:2], 2, seed),
            self.name,
        )

    @property
    def choice(self) -> torch.Tensor:
        return self._object_choice[self.objects]

    @property
    def lab(self) -> torch.Tensor:
        ab = torch.from_numpy(tables()[0])[self.kinds, self.choice, self._row]  # (H, W, 2)
        return torch.cat([self.L, ab.movedim(-1, 0)])

    @property
    def rgb(self) -> torch.Tensor:
        return lab_to_rgb(self.lab)

    @functools.cached_property
    def modes(self) -> torch.Tensor:
        which = torch.arange(MODES)[:, None, None]
        return torch.from_numpy(tables()[0])[self.kinds, which, self._row].movedim(-1, 1)

    @functools.cached_property
    def probs(self) -> torch.Tensor:
        return torch.from_numpy(tables()[1])[self.kinds].movedim(-1, 0)

    def mean(self) -> torch.Tensor:
        """The mean colour of each pixel (2, H, W): what the least squared error predicts, often grey."""
        return (self.modes * self.probs[:, None]).sum(0)

    def mode(self) -> torch.Tensor:
        """The likeliest colour of each pixel (2, H, W); on a tie, the kind's first."""
        best = self.probs.argmax(0)
        return self.modes.gather(0, best[None, None].expand(1, 2, *best.shape))[0]

    def code(self, bins, soft: bool = False) -> torch.Tensor:
        """The true distribution over the bins (Q, H, W), summing to 1.

        soft=False: each mode in its nearest bin. soft=True: each mode softly encoded, which is the expected
        training target, and so the output that the cross-entropy asks for.
        """
        code = torch.zeros(len(bins), *self.objects.shape)
        for mode, prob in zip(self.modes, self.probs):
            index, weight = bins.soft_encode(mode) if soft else (bins.nearest(mode)[None], torch.ones(1))
            code.scatter_add_(0, index, weight * prob[None])
        return code


class Scenes(Photos):
    """A set of scenes that can stand wherever a set of photographs can.

    scenes[i] is RGB (3, size, size); scene(i) is the Scene with its truth; each scene is a group of its own.
    Scene i depends on (seed, i) alone; `size` changes the number of pixels, not the composition.
    """

    def __init__(self, indices, size: int = 128, seed: int = 0):
        self.indices, self.size, self.seed = [int(i) for i in indices], size, seed
        names = [_name(seed, i) for i in self.indices]
        super().__init__(names, names, [functools.partial(_rgb, size, seed, i) for i in self.indices])

    def __repr__(self) -> str:
        return f"Scenes({len(self)} of {self.size} px, seed {self.seed})"

    def scene(self, i: int, size: int | None = None) -> Scene:
        """Scene i of this set, at this set's size or another."""
        i = self.indices[operator.index(i)]
        return _scene(self.size if size is None else _whole("size", size, 16), self.seed, i)

    def subset(self, indices) -> Scenes:
        """The scenes at these places, in this order."""
        return Scenes([self.indices[operator.index(i)] for i in indices], self.size, self.seed)

    def square(self, size: int = 256, limit: int | None = None, progress: bool = False) -> torch.Tensor:
        """The first `limit` scenes, painted at this size: uint8 (N, 3, size, size)."""
        same = self if _whole("size", size, 16) == self.size else Scenes(self.indices, size, self.seed)
        return super(Scenes, same).square(size, limit, progress)


def make(n: int, size: int = 128, seed: int = 0) -> Scenes:
    """n scenes of size x size pixels; the same for the same seed.

    Raises ValueError where n < 1, size < 16 or seed < 0, TypeError where one of them is no whole number.
    """
    return Scenes(range(_whole("n", n, 1)), _whole("size", size, 16), _whole("seed", seed, 0))


def _scene(size: int, seed: int, i: int) -> Scene:
    canvas = paint(size, seed, i)
    kinds = np.array([KINDS.index(kind) for kind in canvas.kinds])
    return Scene(canvas.L, canvas.objects, kinds, (seed, i, 1), _name(seed, i))


def _name(seed: int, i: int) -> str:
    return f"scene-{seed}-{i}-{vista(seed, i)}"


def _rgb(size: int, seed: int, i: int) -> torch.Tensor:
    return _scene(size, seed, i).rgb


def _whole(name: str, value, least: int) -> int:
    """A whole number of at least `least`, or an error that names the argument."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} is {value!r}; expected a whole number")
    if operator.index(value) < least:
        raise ValueError(f"{name} is {value}; expected at least {least}")
    return operator.index(value)
