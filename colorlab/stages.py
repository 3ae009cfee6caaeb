"""Work in stages that are kept: each has its folder, is done once, and is never mixed with another run's.

    kept = Stages("build/study", settings={"seed": 0}, total=3)
    numbers = kept.once("judges", "3 discriminators", work)      # work(folder) -> what JSON can hold

A stage that was killed runs again, from whatever checkpoints its work keeps in the folder; one that is done is read.
"""

import json
import os
import platform
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from .checkpoints import is_leftover, write_atomically


class Stages:
    """The stages of one run, under one folder.

    Attributes:
        out: the folder. seconds: {stage: how long its last, finished start took}. ran: how many stages this start worked on.
    """

    def __init__(self, out: str | Path, settings: dict, total: int = 0, say: Callable[[str], None] = print):
        """Begin, or go on with, the run of these settings.

        Args:
            out: its folder, made if need be. settings: all that the results depend on, as JSON can hold it.
            total: number of stages to come, for the messages. say: takes each message.
        Raises:
            ValueError: the folder holds a run of other settings, or files of something else.
        """
        self.out, self.total, self.say = Path(out), total, say
        self.seconds, self.ran, self.met = {}, 0, 0
        record, settings = self.out / "settings.json", json.loads(json.dumps(settings))
        if record.is_file():
            _refuse_others(self.out, json.loads(record.read_text(encoding="utf-8")), settings)
        elif self.out.exists() and not (self.out.is_dir() and all(map(is_leftover, self.out.iterdir()))):
            raise ValueError(f"folder {self.out} holds something other than a study; give a new or an empty one")
        else:
            write_json(record, settings)

    def once(self, name: str, text: str, work: Callable[[Path], dict]) -> dict:
        """What ``work(folder)`` returned, now or when the stage was done before."""
        folder, self.met = self.out / name, self.met + 1
        done = folder / "done.json"
        if not done.is_file():
            self.say(f"[{self.met}/{self.total}] {name}: {text}")
            self.ran += 1
            folder.mkdir(parents=True, exist_ok=True)
            _sweep(folder)
            began = time.perf_counter()
            found = work(folder)
            write_json(done, {"seconds": round(time.perf_counter() - began, 1), "found": found})
        for checkpoint in folder.rglob("checkpoint.pt"):  # megabytes each, and of no use to a stage that is done
            checkpoint.unlink()
        kept = json.loads(done.read_text(encoding="utf-8"))
        self.seconds[name] = kept["seconds"]
        return kept["found"]


def _sweep(folder: Path) -> None:
    """Delete what killed processes left unfinished."""
    for path in [path for path in folder.rglob(".*.part") if is_leftover(path)]:
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def write_json(path: Path, value) -> Path:
    """Write a value as JSON, whole or not at all."""
    text = json.dumps(value, indent=1, allow_nan=False) + "\n"
    return write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def write_arrays(path: Path, arrays: dict) -> Path:
    """Write arrays as one compressed file, whole or not at all: what estimates were made of, should others be wanted."""
    def write(temporary: Path) -> None:
        with open(temporary, "wb") as file:
            np.savez_compressed(file, **arrays)

    return write_atomically(path, write)


def as_json(estimates: dict) -> dict[str, list]:
    """Estimates, or proportions, as [value, low, high]; what cannot be said (the chroma ratio of grey ones) is null."""
    return {name: [None if x != x else float(x) for x in value] for name, value in estimates.items()}


def machine() -> str:
    """Where numbers were made: system, GPU or cores, torch."""
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"{os.cpu_count()} cores, no GPU"
    return f"{platform.system()} {platform.machine()}, {device}, torch {torch.__version__}"


def _refuse_others(out: Path, before: dict, now: dict) -> None:
    differing = sorted(key for key in before | now if before.get(key) != now.get(key))
    if differing:
        told = ", ".join(f"{key} was {before.get(key)!r}, is now {now.get(key)!r}" for key in differing)
        raise ValueError(f"folder {out} holds a study of other settings: {told}; choose another folder, or delete it")
