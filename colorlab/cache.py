"""Photographs decoded once, to uint8 squares in one file that is mapped, not read: folders of any size.

    found = photos.load("imagenet", "train")
    images = cache.squares(found, "build/imagenet-256")      hours the first time; at once afterwards

Decoding a JPEG costs milliseconds, a mapped row a fraction of one, and pages that nobody asks for stay on the disk.
"""

import hashlib
import json
import os
import shutil
import sys
import time
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from .checkpoints import is_leftover, write_atomically
from .photos import Photos
from .training import grey_ones

CHUNK = 512  # photographs between two notes of how far it is: a kill loses no more


def squares(found: Photos, folder: str | Path, size: int = 256, progress: bool = True) -> torch.Tensor:
    """All readable photographs as `Photos.square` gives them, uint8 ``(N, 3, size, size)``, kept in ``folder``.

    Broken ones are dropped from ``found``, so that row k is names[k]. A call that was killed is taken up by the next one. Of
    several processes the first decodes, and the others wait: call it before `parallel.start`, whose patience has an end.

    Args:
        folder: of this set of photographs at this size; about 200 MB for a thousand at 256 pixels.
    Returns:
        a tensor over the mapped file. Writing into it changes memory only, never the file.
    Raises:
        ValueError: the folder holds other photographs (a few are looked at again), another size, or something else.
        OSError: the disk has no room for them.
    """
    folder = Path(folder)
    wanted = {"size": size, "photographs": len(found), "names": _hash(found.names)}
    if not _first():
        _wait(folder, len(found))
    state = _state(folder, wanted)
    done = state["read"] == len(found)
    if not done:
        _fill(found, folder, state, size, progress)
    lost = set(state["lost"])
    kept = [i for i in range(len(found)) if i not in lost]
    images = torch.from_numpy(np.load(folder / "images.npy", mmap_mode="c")[:len(kept)])
    if done:
        _compare(found.subset(kept), images, folder)
    found.keep(kept, state["skipped"])
    return images


def grey(folder: str | Path) -> list[int]:
    """Which rows of a finished folder are grey (`rebalance.is_grey`): found once, as they were decoded."""
    return json.loads((Path(folder) / "cache.json").read_text(encoding="utf-8"))["grey"]


def _state(folder: Path, wanted: dict) -> dict:
    """How far the folder is: {"read", "filled", "skipped", "grey"} beside what it holds."""
    record = folder / "cache.json"
    if record.is_file():
        state = json.loads(record.read_text(encoding="utf-8"))
        if differing := [key for key in wanted if state.get(key) != wanted[key]]:
            raise ValueError(f"folder {folder} keeps other photographs ({', '.join(differing)} differ); choose another "
                             "folder, or delete it")
        return state
    if folder.exists() and not (folder.is_dir() and all(path.name == "images.npy" or is_leftover(path)
                                                        for path in folder.iterdir())):
        raise ValueError(f"folder {folder} holds something other than photographs; give a new or an empty one")
    return {**wanted, "read": 0, "filled": 0, "skipped": [], "lost": [], "grey": []}


def _fill(found: Photos, folder: Path, state: dict, size: int, progress: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    mode = {"mode": "r+"} if state["read"] else {"mode": "w+", "dtype": np.uint8, "shape": (len(found), 3, size, size)}
    need, free = len(found) * 3 * size**2, shutil.disk_usage(folder).free
    if not state["read"] and need > free:  # a mapped file on a full disk ends the process without a word
        raise OSError(f"{len(found):,} photographs need {need / 1e9:,.1f} GB in {folder}, and {free / 1e9:,.1f} are free there; "
                      "choose another folder")
    images = np.lib.format.open_memmap(folder / "images.npy", **mode)
    with tqdm(total=len(found), initial=state["read"], desc="decoding", leave=False, file=sys.stdout,
              disable=not progress) as bar:
        while state["read"] < len(found):
            stop = min(state["read"] + CHUNK, len(found))
            some, whole = (found.subset(range(state["read"], stop)) for _ in range(2))
            before = len(some.skipped)
            rows = some.square(size)
            lost = [state["read"] + i for i in whole.lost_in(some)]
            images[state["filled"]:state["filled"] + len(rows)] = rows.numpy()
            images.flush()
            bar.update(stop - state["read"])
            pale = (state["filled"] + grey_ones(rows).nonzero().flatten()).tolist() if len(rows) else []
            state |= {"read": stop, "filled": state["filled"] + len(rows), "grey": state["grey"] + pale,
                      "lost": state["lost"] + lost,
                      "skipped": state["skipped"] + [list(row) for row in some.skipped[before:]]}
            write_atomically(folder / "cache.json", lambda path: path.write_text(json.dumps(state), encoding="utf-8"))


def _compare(found: Photos, images: torch.Tensor, folder: Path) -> None:
    """Decode a few again: names may be those of other photographs."""
    for i in sorted({0, len(found) // 2, len(found) - 1}) if len(found) else ():
        again = found.subset([i]).square(images.shape[-1])
        if len(again) and not torch.equal(again[0], images[i]):
            raise ValueError(f"folder {folder} keeps other photographs under these names ({found.names[i]} differs); choose "
                             "another folder, or delete it")


def _first() -> bool:
    """Whether this process decodes: alone, or the first of those that torchrun started."""
    return os.environ.get("RANK", "0") == "0"


def _wait(folder: Path, count: int) -> None:
    """Until the first process has decoded everything. (torchrun ends the others if it fails.)"""
    record = folder / "cache.json"
    while not record.is_file() or json.loads(record.read_text(encoding="utf-8")).get("read") != count:
        time.sleep(1)


def _hash(names: list[str]) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for name in names:
        digest.update(name.encode() + b"\0")
    return digest.hexdigest()
