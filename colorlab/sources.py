"""Where photographs are found: inside installed packages, in a folder, in torchvision's Imagenette.

Each function lists; none decodes. A listing holds (name, group, reader) of each; reader() gives its RGB.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import shutil
import sys
from pathlib import Path

import torch

from .decoding import PhotoError, open_photo

SHARES = {"train": 0.6, "val": 0.2, "test": 0.2}  # of a folder without subfolders of these names

# --- Embedded: eight photographs that arrive with packages that are installed anyway --------------

EMBEDDED = {"china": ("sklearn", "datasets/images/china.jpg"),
            "flower": ("sklearn", "datasets/images/flower.jpg"),
            "astronaut": ("skimage", "data/astronaut.png"),
            "chelsea": ("skimage", "data/chelsea.png"),
            "coffee": ("skimage", "data/coffee.png"),
            "rocket": ("skimage", "data/rocket.jpg"),
            "motorcycle": ("skimage", "data/motorcycle_left.png"),
            "grace_hopper": ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg")}
GAP = 16  # pixels between regions: a JPEG block with 4:2:0 chroma carries colour that far
SMALLEST = 128  # no crop is smaller: enlarged to 256, it would be a blur


def embedded_files() -> dict[str, Path]:
    """Name -> file of the embedded photographs that are installed, in the order of EMBEDDED."""
    found = {}
    for name, (package, inside) in EMBEDDED.items():
        spec = importlib.util.find_spec(package)  # finds the package without the seconds of importing it
        path = Path(spec.origin).parent / inside if spec and spec.origin else None
        if path and path.is_file():
            found[name] = path
    if not found:
        raise PhotoError("no embedded photograph is installed: pip install scikit-learn scikit-image "
                         "matplotlib, or set COLORLAB_PHOTOS to a folder of photographs")
    return found


@functools.lru_cache(maxsize=len(EMBEDDED))
def embedded_photo(name: str) -> torch.Tensor:
    """One whole embedded photograph, kept in memory (17 MB for all). Do not write into it."""
    return open_photo(embedded_files()[name])


def regions(height: int, width: int) -> dict[str, tuple[int, int, int, int]]:
    """Split -> (top, left, height, width): half of the photograph to train, a quarter each to val and test.

        landscape  | train | val  |        portrait   |   train    |
                   |       | test |                   | val | test |
    """
    if width < height:
        return {split: (left, top, w, h) for split, (top, left, h, w) in regions(width, height).items()}
    half, middle = width // 2, height // 2
    right, below = half + GAP, middle + GAP
    return {"train": (0, 0, height, half),
            "val": (0, right, middle, width - right),
            "test": (below, right, height - below, width - right)}


def crop_boxes(height: int, width: int, split: str) -> list[tuple[int, int, int]]:
    """Square crops (top, left, size) inside the region of a split: three scales, on a grid that overlaps."""
    top, left, h, w = regions(height, width)[split]
    boxes = []
    for scale, short_steps, long_steps in ((1.0, 1, 3), (0.8, 2, 3), (0.6, 3, 4)):
        size = int(scale * min(h, w))
        rows, columns = (short_steps, long_steps) if h <= w else (long_steps, short_steps)
        if size >= SMALLEST or scale == 1.0:
            boxes += [(top + y, left + x, size)
                      for y in _steps(h - size, rows) for x in _steps(w - size, columns)]
    return list(dict.fromkeys(boxes))  # a square region has its one whole crop once


def _steps(slack: int, count: int) -> list[int]:
    return [slack // 2] if count == 1 else [slack * i // (count - 1) for i in range(count)]


def embedded_crops(split: str) -> list[tuple]:
    listing = []
    for name in embedded_files():
        boxes = crop_boxes(*embedded_photo(name).shape[-2:], split)
        listing += [(f"{name}/{split}-{k:02d}", name, functools.partial(_read_crop, name, box))
                    for k, box in enumerate(boxes)]
    return listing


def _read_crop(name: str, box: tuple[int, int, int]) -> torch.Tensor:
    top, left, size = box
    return embedded_photo(name)[:, top:top + size, left:left + size].clone()


# --- A folder -------------------------------------------------------------------------------------

SUFFIXES = frozenset(".jpg .jpeg .jpe .jfif .png .webp .tif .tiff .gif .bmp .ppm .pgm .jp2 .avif "
                     ".heic .heif .svg".split())  # the last three are refused by name when they are read


def folder_listing(folder, split: str) -> list[tuple]:
    """(name, group, reader) of the photographs of a split, sorted by path.

    With a subfolder train/ (or val/, test/), a split is the subfolder of its name; where that is missing, val
    is cut from train, test from val (or train). Without any, the whole tree is divided 60/20/20. What is cut
    is cut by a hash of the relative path, so that a photograph stays on its side when others come and go.
    """
    folder = _existing(folder)
    home, sharing = _home(folder, split)
    paths = [path for path in _walk(home) if choose_split(path, sharing) == split]
    if not paths:
        raise PhotoError(f"no photograph for the split {split!r} in {str(home)!r}: put JPEG, PNG, WebP or "
                         "TIFF files there, or name another folder")
    return [(path, path, functools.partial(_open_in, home, path)) for path in paths]


def _open_in(home: Path, path: str) -> torch.Tensor:
    """Joined when it is read: a million photographs have their names in memory once."""
    return open_photo(home / path)


def whole_folder(folder) -> list[tuple]:
    """As `folder_listing`, of all photographs, without splits."""
    folder = _existing(folder)
    paths = _walk(folder)
    if not paths:
        raise PhotoError(f"no photograph in {str(folder)!r}: put JPEG, PNG, WebP or TIFF files there")
    return [(path, path, functools.partial(_open_in, folder, path)) for path in paths]


def _existing(folder) -> Path:
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise PhotoError(f"the folder of photographs {str(folder)!r} {what}: give a folder "
                         "(or unset COLORLAB_PHOTOS to use the embedded photographs)")
    return folder


def _home(folder: Path, split: str) -> tuple[Path, tuple[str, ...]]:
    """The folder that a split is taken from, and the splits that share it."""
    present = [name for name in SHARES if (folder / name).is_dir()]
    if not present:
        return folder, tuple(SHARES)
    donors = {"train": ("train",), "val": ("val", "train"), "test": ("test", "val", "train")}
    homes = {name: next((d for d in donors[name] if d in present), None) for name in SHARES}
    if homes[split] is None:
        raise PhotoError(f"{str(folder)!r} has the subfolders {', '.join(present)} and none to take "
                         f"{split!r} from: add {split}/")
    return folder / homes[split], tuple(name for name in SHARES if homes[name] == homes[split])


def choose_split(path: str, splits=tuple(SHARES)) -> str:
    """The one of `splits` that a relative path falls to, in the proportions of SHARES, on any machine."""
    digest = hashlib.sha256(path.encode("utf-8", "surrogateescape")).digest()
    mark = int.from_bytes(digest[:8], "big") / 2**64 * sum(SHARES[split] for split in splits)
    for split in splits:
        mark -= SHARES[split]
        if mark < 0:
            return split
    return splits[-1]


def _walk(home: Path) -> list[str]:
    """Relative paths (with /) of all image files below, sorted. Links are followed, hidden files left out."""
    found, seen = [], set()
    for where, folders, files in os.walk(home, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith((".", "__MACOSX"))]
        if os.path.realpath(where) in seen:  # a link to a folder above would never end
            folders.clear()
            continue
        seen.add(os.path.realpath(where))
        inside = Path(where).relative_to(home).as_posix()
        found += [name if inside == "." else f"{inside}/{name}" for name in files
                  if not name.startswith(".") and os.path.splitext(name)[1].lower() in SUFFIXES]
    return sorted(found)


# --- Imagenette -----------------------------------------------------------------------------------

def data_folder() -> Path:
    """Where downloads are kept: $COLORLAB_DATA, else the user's cache folder of this system."""
    if os.environ.get("COLORLAB_DATA"):
        return Path(os.environ["COLORLAB_DATA"]).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local") / "colorlab"
    if sys.platform == "darwin":
        return Path.home() / "Library/Caches/colorlab"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "colorlab"


def imagenette_folder(download: bool = False) -> Path:
    """The folder of Imagenette (160 px, 99 MB, 13,394 photographs of ten classes), fetched only when asked.

    torchvision downloads, shows progress and checks the MD5; the folder gets its name only once it is whole.
    """
    folder = data_folder() / "imagenette2-160"
    if folder.is_dir():
        return folder
    if not download:
        raise PhotoError(f"Imagenette is not in {str(data_folder())!r}: fetch it with `make data` (99 MB), "
                         "or call photos.load('imagenette', download=True)")
    from torchvision.datasets import Imagenette
    part = data_folder() / "imagenette.part"
    shutil.rmtree(part / "imagenette2-160", ignore_errors=True)  # half unpacked by an interrupted run
    try:
        part.mkdir(parents=True, exist_ok=True)
        Imagenette(part, split="train", size="160px", download=True)
        os.replace(part / "imagenette2-160", folder)
        shutil.rmtree(part)
    except (OSError, RuntimeError, EOFError) as error:  # no network, a wrong checksum, a full disk
        raise PhotoError(f"Imagenette could not be fetched ({error}): check the network, then `make data` "
                         "again, or set COLORLAB_PHOTOS to a folder of photographs") from None
    return folder
