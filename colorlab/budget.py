"""How much work a notebook does: one small table, three columns.

    smoke    seconds a cell: only that everything runs
    laptop   at most five minutes a notebook on two cores: the default without a GPU
    gpu      the real thing on one GPU: the default with one

COLORLAB_BUDGET=smoke|laptop|gpu chooses. In a notebook:

    from colorlab import budget
    B = budget.current()
    images = photos.course(B.photos).square(B.size)
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from types import SimpleNamespace

import torch

from .batches import fingerprint
from .sources import data_folder

NAMES = ("smoke", "laptop", "gpu")

# knob: (smoke, laptop, gpu). What only one notebook needs starts with its number: nb03_steps.
TABLE = {
    "photos": (16, 240, 10_000),       # photographs, crops and scenes to look at or train on
    "held_out": (8, 80, 2_000),        # the same of another split, to judge with
    "size": (64, 128, 256),            # pixels a side, where a network trains or a picture is computed on
    "width": (0.0625, 0.25, 1.0),      # ECCV16's width, where a notebook trains one
    "steps": (2, 200, 20_000),         # training steps
    "batch": (2, 8, 32),               # photographs a step
    "epochs": (1, 10, 10),             # of the discriminator
    "bootstrap": (100, 2_000, 2_000),  # resamples behind an interval
    "nb00_photos": (8, 24, 24),        # test photographs to fail on
    "nb02_photos": (24, 240, 1_000),   # photographs to count colours in
    "nb02_steps": (40, 150, 150),      # of the network without input, with each loss
    "nb03_scenes": (16, 600, 2_000),   # painted to train on; photographs are up to half as many
    "nb03_size": (32, 64, 96),         # pixels a side in training, and of the networks' work
    "nb03_width": (0.0625, 0.125, 0.5),
    "nb03_steps": (4, 600, 4_000),     # with each of three losses
    "nb03_batch": (4, 16, 32),         # pictures a step
    "nb03_unseen": (2, 16, 100),       # scenes with balloons, to compare with their truth
    "nb03_held_out": (4, 64, 400),     # photographs to judge with
    "nb04_pairs": (24, 240, 4_000),    # to train the discriminator on
    "nb04_held_out": (16, 80, 500),    # of each of two splits, to judge it with
    "nb04_game": (20, 50, 50),         # of the game
    "nb05_pairs": (24, 240, 4_000),    # to rank; the galleries choose among them
    "nb05_epochs": (1, 10, 10),        # of each judge
    "nb05_stride": (60, 10, 5),        # of the occluding window, in pixels
    "nb06_pool": (20, 200, 10_000),    # to choose from; each arm trains on a fifth
    "nb06_judges": (12, 80, 2_000),    # pairs that fresh judges learn from
    "nb06_held_out": (20, 200, 4_000),  # to judge: a random half, and the most real fifth
    "nb06_size": (64, 160, 256),
    "nb06_seeds": (2, 3, 5),           # of every arm
    "nb06_epochs": (1, 4, 10),         # of each judge
    "nb06_steps": (2, 40, 600),        # of each arm
    "nb06_watch": (6, 120, 1_800),     # of the run that goes on for too long
    "nb06_batch": (4, 8, 32),
    "nb06_crop": (48, 128, 192),        # not far below nb06_size, at which the arms are judged
    "nb07_pool": (8, 160, 10_000),    # to train on, for both networks
    "nb07_judges": (8, 80, 2_000),    # pairs that fresh judges learn from
    "nb07_held_out": (8, 200, 2_000),     # to judge
    "nb07_size": (64, 160, 256),
    "nb07_crop": (48, 128, 192),       # not far below nb07_size, as in notebook 06
    "nb07_batch": (2, 8, 32),
    "nb07_alone": (1, 20, 600),        # steps of the critic, before the generator moves
    "nb07_steps": (2, 25, 600),        # of both
    "nb07_seeds": (2, 3, 5),           # of every arm
    "nb07_epochs": (1, 4, 10),         # of each judge
    "nb08_megabytes": (16, 256, 1_024),    # of the copy that shows the memory's speed
    "nb08_batch": (2, 40, 64),         # photographs
    "nb08_side": (24, 44, 64),         # pixels a side of the network's output
    "nb08_rounds": (2, 9, 9),          # of each comparison of times
    "nb08_matrix": (128, 2_048, 8_192),    # rows of the product that shows the arithmetic's speed
    "nb08_full": (0.125, 1.0, 1.0),    # width of the larger network
    "nb08_step_batch": (2, 8, 32),
    "explorer_pairs": (24, 200, 1_000),    # to sort in the gallery's explorer; as many to count colours in
    "study_part": (40, 1_500, 100_000),    # photographs at most, of each part of the study's
    "study_size": (64, 256, 256),
    "study_width": (0.0625, 0.25, 1.0),
    "study_steps": (4, 2_000, 60_000),     # of each generator
    "study_batch": (4, 32, 64),
    "study_crop": (32, 96, 176),
    "study_seeds": (2, 3, 5),              # of discriminators and of each arm
    "study_epochs": (1, 5, 10),            # of each discriminator
    "study_tune": (2, 60, 1_000),          # steps of each arm
    "study_tune_batch": (4, 16, 32),
    "study_tune_crop": (64, 192, 224),
}


def current() -> SimpleNamespace:
    """The settings in force: those of COLORLAB_BUDGET, or else of what the machine has."""
    return named(os.environ.get("COLORLAB_BUDGET") or ("gpu" if torch.cuda.is_available() else "laptop"))


def named(name: str) -> SimpleNamespace:
    """One column: .name ("smoke", "laptop" or "gpu") and one attribute for each knob of TABLE."""
    if name not in NAMES:
        raise ValueError(f"COLORLAB_BUDGET is {name!r}; expected one of {', '.join(NAMES)} (or unset)")
    return SimpleNamespace(name=name, **{knob: row[NAMES.index(name)] for knob, row in TABLE.items()})


def run_folder(name: str, *data: torch.Tensor) -> Path:
    """Where a notebook keeps a training run: build/runs/BUDGET/DATA/NAME, so that budgets and data never mix.

    Tensors that the run starts from (images, weights) may be given: others then lead to another folder.
    COLORLAB_RUNS replaces build/runs, which is the data folder's runs/ where colorlab is not in a checkout. The
    folder is made by whoever writes into it; deleting it starts over.
    """
    source = os.environ.get("COLORLAB_PHOTOS") or "embedded"
    if source != "embedded":
        source = hashlib.blake2b(os.path.abspath(source).encode(), digest_size=4).hexdigest()
    checkout = Path(__file__).parents[1]
    home = checkout / "build" if (checkout / "pyproject.toml").is_file() else data_folder()
    root = Path(os.environ.get("COLORLAB_RUNS") or home / "runs")
    return root / current().name / source / "-".join([name, *([fingerprint(*data)] if data else [])])
