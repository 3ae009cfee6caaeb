"""What this machine has, in words: `colorlab.doctor()`, or `python -m colorlab doctor` in a terminal."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import sys
import types
from pathlib import Path

import torch

from . import budget, checkpoints, sources
from .decoding import PhotoError

PACKAGES = ("torch", "torchvision", "numpy", "scipy", "pillow", "scikit-image", "scikit-learn", "matplotlib",
            "safetensors", "timm", "jupyterlab", "ipywidgets")

# Notebook: minutes at laptop budget on two cores, as timed, and at gpu budget on one GPU, as estimated.
MINUTES = {"00 start here": (1, 1), "01 Lab quantization": (1, 1), "02 rebalancing": (1, 1),
           "03 generator training": (2, 10), "04 discriminator and people": (2, 5),
           "05 galleries": (2, 5), "06 fine-tuning": (3, 10), "07 adversarial training": (5, 15),
           "08 kernels": (1, 1)}


def report() -> str:
    """Device, memory, versions, data, weights and the expected minutes of each notebook, as plain text."""
    parts = [("machine", _machine()), ("versions", _versions()), ("photographs", _photographs()),
             ("weights", _weights()), ("notebooks", _notebooks())]
    return "\n".join(f"{title}\n" + "\n".join(f"  {name:<30}{value}" for name, value in rows)
                     for title, rows in parts)


def doctor() -> None:
    """Print `report()`."""
    print(report())


def _machine() -> list[tuple[str, str]]:
    rows = [("processor", f"{_cores()} cores for this process, torch uses {torch.get_num_threads()}"),
            ("memory", _memory())]
    if torch.cuda.is_available():
        for i in range(torch.cuda.device_count()):
            gpu = torch.cuda.get_device_properties(i)
            rows.append((f"GPU {i}", f"{gpu.name}, {gpu.total_memory / 2**30:.0f} GiB, compute capability "
                                     f"{gpu.major}.{gpu.minor}, CUDA {torch.version.cuda}"))
    else:
        rows.append(("GPU", "none that torch can use: everything runs on the processor"))
    return rows


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _memory() -> str:
    try:
        page, total = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_PHYS_PAGES")
        free = os.sysconf("SC_AVPHYS_PAGES") if "SC_AVPHYS_PAGES" in os.sysconf_names else None
    except (AttributeError, OSError, ValueError):  # Windows
        return "not known"
    unused = f", {page * free / 2**30:.0f} GiB of it unused" if free else ""
    return f"{page * total / 2**30:.0f} GiB{unused}"


def _versions() -> list[tuple[str, str]]:
    rows = [("colorlab", _version("colorlab")), ("Python", f"{platform.python_version()} on {sys.platform}")]
    return rows + [(name, _version(name)) for name in PACKAGES]


def _version(name: str) -> str:
    if name == "colorlab":
        from . import __version__
        return __version__
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return f"MISSING: pip install {name}"


def _photographs() -> list[tuple[str, str]]:
    try:
        names = list(sources.embedded_files())
        embedded = f"{len(names)} of {len(sources.EMBEDDED)}: {', '.join(names)}"
    except PhotoError as error:
        embedded = str(error)
    home = sources.data_folder() / "imagenette2-160"
    chosen = os.environ.get("COLORLAB_PHOTOS")
    return [("embedded", embedded),
            ("Imagenette", f"in {_short(home)}" if home.is_dir() else "not here: make data"),
            ("COLORLAB_PHOTOS", _folder(chosen) if chosen else "not set: notebooks use the embedded ones")]


def _folder(chosen: str) -> str:
    if chosen in ("embedded", "imagenette"):
        return chosen
    counts = []
    for split in sources.SHARES:
        try:
            counts.append(f"{len(sources.folder_listing(chosen, split))} {split}")
        except PhotoError as error:
            if not Path(chosen).expanduser().is_dir():
                return str(error)
            counts.append(f"0 {split}")
    return f"{_short(chosen)}: {', '.join(counts)}"


def _weights() -> list[tuple[str, str]]:
    files = sorted(checkpoints.SHIPPED.glob("*.safetensors"))
    rows = [(path.stem, f"ships, {path.stat().st_size / 1e6:.1f} MB") for path in files]
    released = Path(torch.hub.get_dir()) / "checkpoints" / checkpoints.RELEASED_FILE
    where = f"in {_short(released.parent)}"
    where = where if released.is_file() else "not here: generators.load('eccv16-released') fetches 129 MB"
    return (rows or [("pocket", "MISSING: install colorlab again")]) + [("eccv16-released", where)]


def _notebooks() -> list[tuple[str, str]]:
    try:
        name = budget.current().name
    except ValueError as error:
        return [("budget", str(error))]
    column = 1 if name == "gpu" else 0
    rows = [("budget", name + ("" if os.environ.get("COLORLAB_BUDGET") else " (COLORLAB_BUDGET is not set)"))]
    for notebook, minutes in MINUTES.items():
        about = f"{'perhaps' if column else 'about'} {minutes[column]} min"
        rows.append((notebook, "under a minute" if name == "smoke" else about))
    return rows


def _short(path) -> str:
    """A path as one would type it: ~ for the home folder."""
    path, home = str(path), str(Path.home())
    return "~" + path[len(home):] if path.startswith(home + os.sep) else path


class _Callable(types.ModuleType):
    """colorlab.doctor is both this module and, as the documentation says, a function."""

    def __call__(self) -> None:
        doctor()


sys.modules[__name__].__class__ = _Callable
