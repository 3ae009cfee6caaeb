"""Sets of photographs: the embedded samples, a folder, Imagenette.

    photos.load()                       crops of eight photographs that came with installed packages
    photos.load("my/pictures", "val")   a folder; COLORLAB_PHOTOS=my/pictures makes it the default
    photos.load("imagenette")           13,394 photographs, after `make data`
    photos.course(200)                  what the notebooks use

A set is read lazily: listing opens no file. A file that turns out to be broken is skipped, counted and named.
"""

from __future__ import annotations

import functools
import itertools
import operator
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import torch
from tqdm import tqdm

from . import sources
from .color import to_8_bit
from .decoding import (PhotoError, center_crop, open_photo, resize_short, save_photo,  # noqa: F401
                       to_square)


class Photos:
    """A list of photographs, each read when it is asked for.

    photos[i] is float32 RGB (3, H, W) in [0, 1], each at its own size; .names[i] is its name, .groups[i] what
    it was cut from (crops of one photograph share a group). photos[i] raises PhotoError where a file is
    broken; `square` and `readable` instead drop it from the set and note (name, reason) in .skipped, so that
    names, groups and pictures stay aligned.
    """

    def __init__(self, names: Sequence[str], groups: Sequence[str], readers: Sequence[Callable],
                 skipped: Sequence[tuple[str, str]] = ()):
        if not len(names) == len(groups) == len(readers):
            raise ValueError(f"{len(names)} names, {len(groups)} groups, {len(readers)} readers: "
                             "expected one each")
        self.names, self.groups, self.skipped = list(names), list(groups), list(skipped)
        self._readers = list(readers)

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, i: int) -> torch.Tensor:
        return self._readers[operator.index(i)]()

    def __repr__(self) -> str:
        more = f", {len(self.skipped)} skipped" if self.skipped else ""
        return f"Photos({len(self)} of {len(set(self.groups))} photographs{more})"

    def __add__(self, other) -> Photos:
        """Both sets, one after the other; `other` may be scenes."""
        readers = getattr(other, "_readers", None) or [functools.partial(operator.getitem, other, i)
                                                       for i in range(len(other))]
        return Photos(self.names + list(other.names), self.groups + list(other.groups),
                      self._readers + readers, self.skipped + list(getattr(other, "skipped", ())))

    def subset(self, indices: Sequence[int]) -> Photos:
        """The photographs at these indices, in this order."""
        chosen = [operator.index(i) for i in indices]
        return Photos(*([column[i] for i in chosen] for column in (self.names, self.groups, self._readers)),
                      self.skipped)

    def keep(self, indices: Sequence[int], skipped: Sequence[tuple[str, str]] = ()) -> None:
        """Forget all photographs but these, in place; note (name, reason) of those that could not be read."""
        self.names, self.groups, self._readers = ([column[i] for i in indices] for column in
                                                  (self.names, self.groups, self._readers))
        self.skipped += [tuple(row) for row in skipped]

    def lost_in(self, other: Photos) -> list[int]:
        """Positions of the photographs that ``other``, a subset of this set, has no more; also where names occur twice."""
        kept = set(map(id, other._readers))
        return [i for i, reader in enumerate(self._readers) if id(reader) not in kept]

    def square(self, size: int = 256, limit: int | None = None, progress: bool = False) -> torch.Tensor:
        """The first `limit` readable photographs as uint8 (N, 3, size, size), through `to_square`.

        Broken ones are dropped from this set, so that afterwards row k of the result is names[k].
        """
        wanted = len(self) if limit is None else min(limit, len(self))
        images = torch.empty(wanted, 3, size, size, dtype=torch.uint8)
        found = 0
        for rgb in self._drop_broken(wanted, lambda read: to_8_bit(to_square(read(), size)), progress):
            images[found] = rgb
            found += 1
        return images[:found]

    def readable(self, limit: int | None = None) -> Photos:
        """The first `limit` photographs that can be read, each tried; broken ones are dropped here too."""
        wanted = len(self) if limit is None else min(limit, len(self))
        found = 0
        for _ in self._drop_broken(wanted, lambda read: read() is not None):
            found += 1
        return self.subset(range(found))

    def _drop_broken(self, wanted: int, work: Callable, progress: bool = False) -> Iterator:
        """Yield work(reader) of the first `wanted` readable photographs, in order; forget the broken."""
        good, broken, position = [], [], 0
        with (tqdm(total=wanted, desc="photographs", disable=not progress, leave=False, file=sys.stdout) as bar,
              ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool):
            while len(good) < wanted and position < len(self):
                stop = min(position + wanted - len(good), position + 64, len(self))  # 64 bounds memory
                results = pool.map(functools.partial(_attempt, work), self._readers[position:stop])
                for i, (value, error) in zip(range(position, stop), results):
                    if error is None:
                        good.append(i)
                        yield value
                        bar.update()
                    else:
                        broken.append((self.names[i], error))
                position = stop
        if broken:
            self.keep(good + list(range(position, len(self))), broken)
            _warn_skipped(broken, position)


def _attempt(work, read):
    try:
        return work(read), None
    except PhotoError as error:
        return None, str(error)


def _warn_skipped(broken, total: int) -> None:
    shown = ", ".join(name for name, _ in broken[:3]) + (", …" if len(broken) > 3 else "")
    warnings.warn(f"{len(broken)} of {total} photographs could not be read and were skipped: {shown} "
                  "(the reasons are in .skipped)", stacklevel=4)


def samples() -> dict[str, torch.Tensor]:
    """Name -> RGB (3, H, W) of the embedded photographs, whole, always in the same order."""
    return {name: sources.embedded_photo(name).clone() for name in sources.embedded_files()}


def load(source=None, split: str = "train", download: bool = False) -> Photos:
    """The photographs of one split: "train", "val" or "test"; or "all" of them.

    source: "embedded"   crops of the embedded photographs; what a split shows, no other split shows
            "imagenette" torchvision's data set, in the data folder; fetched only with download=True
            a folder     any tree of images (`sources.folder_listing` says how it is split)
            None         $COLORLAB_PHOTOS, else "embedded"
    Raises PhotoError, saying what to do, where there is nothing to load.
    """
    if split not in (*sources.SHARES, "all"):
        raise ValueError(f"split is {split!r}; expected 'train', 'val', 'test' or 'all'")
    source = source or os.environ.get("COLORLAB_PHOTOS") or "embedded"
    if source == "imagenette":
        source = sources.imagenette_folder(download)
    if source == "embedded":
        splits = tuple(sources.SHARES) if split == "all" else (split,)
        listing = [row for name in splits for row in sources.embedded_crops(name)]
    elif split == "all":
        listing = sources.whole_folder(source)
    else:
        listing = sources.folder_listing(source, split)
    return Photos(*([row[k] for row in listing] for k in range(3)))


def course(n: int, split: str = "train", seed: int = 0, size: int = 256):
    """n pictures for a notebook, the same for the same arguments.

    With $COLORLAB_PHOTOS: n of its photographs, drawn at random, all readable (fewer where there are fewer).
    Without: crops of the embedded photographs, taken in turn from each, for up to half of n; the rest are
    procedural scenes of `size` pixels. Returns a set like Photos.
    """
    photos = load(None, split)
    order = torch.randperm(len(photos), generator=torch.Generator().manual_seed(seed)).tolist()
    if os.environ.get("COLORLAB_PHOTOS", "embedded") not in ("", "embedded"):
        return photos.subset(order).readable(n)
    from . import scenes
    photos = photos.subset(_in_turn(photos.groups, order)[:(n + 1) // 2])
    split_seed = 3 * seed + list(sources.SHARES).index(split)  # no scene in two splits
    return photos + scenes.make(n - len(photos), size=size, seed=split_seed) if n > len(photos) else photos


def _in_turn(groups: Sequence[str], order: Sequence[int]) -> list[int]:
    """Indices that take one of each group, then a second of each, and so on, each group's in this order."""
    columns = [[i for i in order if groups[i] == group] for group in dict.fromkeys(groups)]
    return [i for row in itertools.zip_longest(*columns) for i in row if i is not None]
