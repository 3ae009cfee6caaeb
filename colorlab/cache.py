"""Photographs decoded once, to uint8 squares in one file that is mapped, not read: folders of any size.

    found = photos.load("imagenet", "train")
    images = cache.squares(found, "build/imagenet-256")      hours the first time; at once afterwards

Decoding a JPEG costs milliseconds, a mapped row a fraction of one, and pages that nobody asks for stay on the disk.
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from .checkpoints import write_atomically
from .photos import Photos
from .training import grey_ones

CHUNK = 512  # photographs between two notes of how far it is: a kill loses no more


def squares(found: Photos, folder: str | Path, size: int = 256, progress: bool = True) -> torch.Tensor:
    """All readable photographs as `Photos.square` gives them, uint8 ``(N, 3, size, size)``, kept in ``folder``.

    Broken ones are dropped from ``found``, so that row k is names[k]. A call that was killed is taken up by the next one.

    Args:
        folder: of this set of photographs at this size; about 200 MB for a thousand at 256 pixels.
    Returns:
        a tensor over the mapped file. Writing into it changes memory only, never the file.
    Raises:
        ValueError: the folder holds other photographs, another size, or something else.
    """
    folder = Path(folder)
    wanted = {"size": size, "photographs": len(found), "names": _hash(found.names)}
    state = _state(folder, wanted)
    if state["read"] < len(found):
        _fill(found, folder, state, size, progress)
    skipped = dict(state["skipped"])
    kept = [i for i, name in enumerate(found.names) if name not in skipped]
    found.keep(kept, state["skipped"])
    return torch.from_numpy(np.load(folder / "images.npy", mmap_mode="c")[:len(kept)])


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
    if folder.exists() and (not folder.is_dir() or any(path.name != "images.npy" for path in folder.iterdir())):
        raise ValueError(f"folder {folder} holds something other than photographs; give a new or an empty one")
    return {**wanted, "read": 0, "filled": 0, "skipped": [], "grey": []}


def _fill(found: Photos, folder: Path, state: dict, size: int, progress: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    mode = {"mode": "r+"} if state["read"] else {"mode": "w+", "dtype": np.uint8, "shape": (len(found), 3, size, size)}
    images = np.lib.format.open_memmap(folder / "images.npy", **mode)
    with tqdm(total=len(found), initial=state["read"], desc="decoding", leave=False, file=sys.stdout,
              disable=not progress) as bar:
        while state["read"] < len(found):
            stop = min(state["read"] + CHUNK, len(found))
            some = found.subset(range(state["read"], stop))
            before = len(some.skipped)
            rows = some.square(size)
            images[state["filled"]:state["filled"] + len(rows)] = rows.numpy()
            images.flush()
            bar.update(stop - state["read"])
            pale = (state["filled"] + grey_ones(rows).nonzero().flatten()).tolist() if len(rows) else []
            state |= {"read": stop, "filled": state["filled"] + len(rows), "grey": state["grey"] + pale,
                      "skipped": state["skipped"] + [list(row) for row in some.skipped[before:]]}
            write_atomically(folder / "cache.json", lambda path: path.write_text(json.dumps(state), encoding="utf-8"))


def _hash(names: list[str]) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for name in names:
        digest.update(name.encode() + b"\0")
    return digest.hexdigest()
