"""Pairs of a photograph and its colorization, "real" and "fake", made once and kept on disk.

A judge finds any trace that sets fakes apart, plausible or not: another resize, other rounding, another JPEG
history. So real and fake walk the same path, and differ in their ab alone:

    8-bit RGB -> Lab -> (fake: the generator's ab, not the true one, brought into the gamut)
              -> RGB -> 8 bit -> 150x150 -> 8 bit

Into the gamut: where sRGB cannot show a color at its L, its chroma is lowered (`color.into_gamut`).
Clipping would change L.

What remains is the generator's own doing, which the fakes of `controls` and the coin of `swap` help to measure.
"""

import json
import os
import shutil
import sys
import uuid
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from .batches import fingerprint
from .color import into_gamut, lab_to_rgb, rgb_to_lab, to_8_bit
from .controls import blurred_chroma, grey, random_color  # noqa: F401
from .generators import evaluating

PATH = 2  # raised when the path above changes, so that pairs made by an older one are not mistaken for its own


@dataclass(repr=False)
class Pairs:
    """Photographs and their fakes, in the same order.

    Attributes:
        real, fake: uint8 ``(N, 3, size, size)``; mapped from disk where a folder was given, so read when used.
        names: of each photograph. groups: crops of one photograph share theirs. settings: how the pairs were made.
    """
    real: Tensor
    fake: Tensor
    names: list[str]
    groups: list[str]
    settings: dict = field(default_factory=dict)

    def __post_init__(self):
        if self.real.shape != self.fake.shape or self.real.dtype != torch.uint8 or self.fake.dtype != torch.uint8:
            raise ValueError(f"real is {self.real.dtype} {tuple(self.real.shape)} and fake {self.fake.dtype} "
                             f"{tuple(self.fake.shape)}; expected uint8 (N, 3, H, W) twice")
        self.names, self.groups = _labels(self.names, self.groups, len(self.real))

    def __len__(self) -> int:
        return len(self.real)

    def __repr__(self) -> str:
        return f"Pairs({len(self)} of {tuple(self.real.shape[1:])}, by {self.settings.get('generator', 'unknown')})"

    def subset(self, indices) -> "Pairs":
        """The pairs at these indices (integers or a boolean mask), in that order."""
        index = torch.as_tensor(indices)
        index = index.nonzero().squeeze(1) if index.dtype == torch.bool else index.long()
        pick = lambda labels: [labels[i] for i in index.tolist()]  # noqa: E731
        return Pairs(self.real[index], self.fake[index], pick(self.names), pick(self.groups), self.settings)

    def folds(self, k: int = 5, seed: int = 0) -> list[Tensor]:
        """Deal the pairs into k parts of about one size, no photograph in two of them: k index tensors, sorted."""
        if not 2 <= k <= len(set(self.groups)):
            raise ValueError(f"k is {k}; expected 2 to {len(set(self.groups))}, the number of photographs")
        piles = [[] for _ in range(k)]
        for members in self._by_photograph(seed):
            min(piles, key=len).extend(members)
        return [torch.tensor(sorted(pile)) for pile in piles]

    def split(self, share: float = 0.8, seed: int = 0) -> tuple["Pairs", "Pairs"]:
        """Two parts by chance, the first with about ``share`` of the pairs, no photograph in both: (train, test)."""
        if not 0 < share < 1 or len(set(self.groups)) < 2:
            raise ValueError(f"share is {share} of {len(set(self.groups))} photographs; expected 0 < share < 1, and at "
                             "least 2 photographs")
        photographs = self._by_photograph(seed)
        first = photographs[0]
        for members in photographs[1:-1]:
            first = first + members if len(first) + len(members) / 2 <= share * len(self) else first
        taken = torch.zeros(len(self), dtype=torch.bool)
        taken[first] = True
        return self.subset(taken), self.subset(~taken)

    def _by_photograph(self, seed: int) -> list[list[int]]:
        members = {}
        for i, group in enumerate(self.groups):
            members.setdefault(group, []).append(i)
        order = torch.randperm(len(members), generator=torch.Generator().manual_seed(seed)).tolist()
        return [list(members.values())[i] for i in order]


def make(generator, images: Tensor, folder=None, names: Sequence[str] | None = None,
         groups: Sequence[str] | None = None, size: int = 150, temperature: float = 0.38, batch: int = 16,
         progress: bool = True) -> Pairs:
    """Color photographs and keep them beside their originals; with a folder, only once.

    Args:
        generator: has ``colorize(L (n, 1, H, W), temperature=...) -> ab (n, 2, H, W)``. It must not have trained on
            these photographs: a generator remembers.
        images: uint8 ``(N, 3, S, S)``, square; S is 256 in the paper.
        folder: where to keep them. Made there whole or not at all; found there, they are loaded. None keeps in memory.
        names, groups: see `Pairs`; numbers and the names unless given.
        size: side of the result, in pixels. temperature: of the annealed mean. batch: images at a time.
    Raises:
        ValueError: the folder holds pairs made otherwise, or something else.
    """
    images = _square_images(images)
    weights = generator.state_dict().values() if hasattr(generator, "state_dict") else ()
    settings = {"generator": getattr(generator, "name", None) or type(generator).__name__,
                "weights": fingerprint(*weights), "images": fingerprint(images), "count": len(images),
                "resolution": images.shape[-1], "size": size, "temperature": temperature, "path": PATH}

    def fake(lab: Tensor, index: Tensor) -> Tensor:
        return generator.colorize(lab[:, :1].to(device), temperature=temperature).to(lab)

    if folder is None:
        real_fake = np.empty((2, len(images), 3, size, size), np.uint8)
        with evaluating(generator) as device:
            _fill(*real_fake, images, fake, size, batch, progress)
        return Pairs(*map(torch.from_numpy, real_fake), names, groups, settings)
    folder = Path(folder)
    if (folder / "meta.json").exists():
        return _load_if_same(folder, settings, names, groups)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"folder {folder} holds something other than pairs; give a new or an empty one")
    names, groups = _labels(names, groups, len(images))
    with _whole_or_nothing(folder) as unfinished:
        shape = (len(images), 3, size, size)
        real, fakes = (np.lib.format.open_memmap(unfinished / f"{name}.npy", "w+", np.uint8, shape)
                       for name in ("real", "fake"))
        with evaluating(generator) as device:
            _fill(real, fakes, images, fake, size, batch, progress)
        real.flush(), fakes.flush()
        meta = json.dumps({"settings": settings, "names": names, "groups": groups}, indent=1)
        (unfinished / "meta.json").write_text(meta, encoding="utf-8")
    return _load_if_same(folder, settings, names, groups)


def load(folder) -> Pairs:
    """Pairs that `make` kept in a folder, mapped rather than read. Raises FileNotFoundError where there are none."""
    folder = Path(folder)
    if not (folder / "meta.json").exists():
        raise FileNotFoundError(f"folder {folder} holds no pairs (no meta.json); make them with pairs.make")
    meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    # "c" maps copy-on-write: a tensor over it may be written to, the file never is
    real, fake = (torch.from_numpy(np.load(folder / f"{name}.npy", mmap_mode="c")) for name in ("real", "fake"))
    return Pairs(real, fake, meta["names"], meta["groups"], meta["settings"])


def from_images(real: Tensor, fake: Tensor, size: int = 150, names=None, groups=None,
                made_by: str = "control") -> Pairs:
    """Pairs of two sets of images, uint8 (N, 3, S, S) each, taken down the last part of the path: for the controls."""
    real, fake = (torch.cat([shrink(part, size) for part in _square_images(x).split(64)]) for x in (real, fake))
    return Pairs(real, fake, names, groups, {"generator": made_by, "size": size, "path": PATH})


def swap(pairs: Pairs, seed: int = 0) -> Pairs:
    """Control: real and fake change roles by a coin for each pair, so that nothing is left to learn: 50 % at best."""
    coin = torch.rand(len(pairs), generator=torch.Generator().manual_seed(seed)) < 0.5
    heads = coin[:, None, None, None]
    return Pairs(torch.where(heads, pairs.fake, pairs.real), torch.where(heads, pairs.real, pairs.fake),
                 pairs.names, pairs.groups, {**pairs.settings, "swapped": seed})


def shrink(images: Tensor, size: int) -> Tensor:
    """uint8 (N, 3, S, S) -> uint8 (N, 3, size, size), antialiased bilinear."""
    return to_8_bit(F.interpolate(images.float() / 255, size=(size, size), mode="bilinear", antialias=True))


@torch.no_grad()
def _fill(real, fake, images: Tensor, ab_of: Callable, size: int, batch: int, progress: bool) -> None:
    """Write both ends of the path into two arrays (N, 3, size, size), a batch at a time."""
    parts = torch.arange(len(images)).split(batch)
    for index in tqdm(parts, desc="pairs", unit="batch", disable=not progress, leave=False, mininterval=1,
                      file=sys.stdout):
        lab = rgb_to_lab(images.index_select(0, index))
        real[index.numpy()] = shrink(to_8_bit(lab_to_rgb(lab)), size).numpy()
        lab = into_gamut(torch.cat((lab[:, :1], ab_of(lab, index)), 1))
        fake[index.numpy()] = shrink(to_8_bit(lab_to_rgb(lab)), size).numpy()


@contextmanager
def _whole_or_nothing(folder: Path):
    """A new folder beside the wanted one that takes its name at the end, and goes away when anything fails before."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}.part")
    unfinished.mkdir()
    try:
        yield unfinished
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
        if not (folder / "meta.json").exists():  # someone else may have been faster, with the same pairs
            os.replace(unfinished, folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _load_if_same(folder: Path, settings: dict, names, groups) -> Pairs:
    pairs = load(folder)
    wanted = dict(settings)
    found = dict(pairs.settings)
    for key, given, kept in (("names", names, pairs.names), ("groups", groups, pairs.groups)):
        if given is not None:
            wanted[key], found[key] = list(map(str, given)), kept
    other = [key for key in wanted if found.get(key) != wanted[key]]
    if other:
        told = "; ".join(key if key in ("names", "groups") else f"{key} {found.get(key)!r}, now {wanted[key]!r}"
                         for key in other)
        raise ValueError(f"folder {folder} holds pairs made with other settings ({told}); give another folder, or "
                         "delete this one to make them anew")
    return pairs


def _labels(names, groups, n: int) -> tuple[list[str], list[str]]:
    names = [f"{i:05d}" for i in range(n)] if names is None else list(map(str, names))
    groups = list(names) if groups is None else list(map(str, groups))
    if len(names) != n or len(groups) != n:
        raise ValueError(f"names has {len(names)} and groups {len(groups)} entries; expected {n}, one for each pair")
    return names, groups


def _square_images(images) -> Tensor:
    images = torch.as_tensor(images)
    if images.dtype != torch.uint8:
        raise TypeError(f"images has dtype {images.dtype}; expected uint8, as Photos.square gives")
    if images.ndim != 4 or images.shape[1] != 3 or images.shape[-1] != images.shape[-2] or not len(images):
        raise ValueError(f"images has shape {tuple(images.shape)}; expected (N, 3, S, S), square, N >= 1")
    return images.cpu()
