"""Lab 4's open question: what a generator is worth on photographs that it has not seen, and the file in which a class compares.

    python -m colorlab.checks autograded/*/lab4/graded.csv      the standings of all these files together

The score is one colour error AuC in which half of the weight is spread evenly over the pixels, and half by how rare
their true colours are in these photographs: the mean of the plain AuC and of the rebalanced one by Zhang et al.'s
definition, so scores on other photographs do not compare. A grey wash loses the second half, a sepia one the
first. Gains are paired differences of it, with 95 % intervals that resample photographs.
"""

import csv
from collections.abc import Iterable
from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from .. import finetuning, generators, metrics, photos, rebalance
from ..batches import fingerprint
from ..bins import AbBins
from ..color import rgb_to_lab
from ..resampling import Estimate

SIZE = 96  # pixels a side
COUNT = {"train": 100, "val": 80, "test": 80}  # pictures: to train on, to try on, to be graded on
COLUMNS = ("time", "name", "note", "score", "gain", "low", "high", "plain", "rebalanced", "chroma", "seconds", "photographs", "weights")
ANONYMOUS = "anonymous"  # whoever kept the name that the lab begins with: of these, each file is somebody else
_measured: dict[tuple[str, str], "Measured"] = {}


class Measured(NamedTuple):
    """A generator on the pictures of one split: AuCs in [0, 100], mean chroma over the true one, the score's table (N, 152)."""
    score: float
    plain: float
    rebalanced: float
    chroma: float
    table: Tensor


def pictures(split: str) -> tuple[Tensor, list[str]]:
    """uint8 (N, 3, 96, 96) of "train", "val" or "test", and the photograph that each is a crop of."""
    images, groups = _kept(split)
    return images.clone(), list(groups)  # whoever writes into them changes no score


@cache
def _kept(split: str) -> tuple[Tensor, list[str]]:
    some = photos.course(COUNT[split], split, size=SIZE)
    return some.square(SIZE), some.groups


def start() -> torch.nn.Module:
    """A new copy of the generator that all begin with, the one that ships."""
    return generators.load("pocket")


@cache
def baseline() -> torch.nn.Module:
    """What is to be beaten: the start, after 16 steps on 20 pictures of the pool, drawn by chance."""
    images, _ = pictures("train")
    bins = AbBins()
    prior = rebalance.smooth_prior(rebalance.empirical_prior(images.split(25), bins), bins)
    drawn = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))[:20]
    return finetuning.finetune(start(), images[drawn], prior, steps=16, batch=8, progress=False)[0]


def measure(generator: torch.nn.Module, split: str = "val") -> Measured:
    """What a generator scores on the pictures of a split; known ones, by their weights and what they make of two pictures, are not asked again."""
    images, _ = _kept(split)
    key = fingerprint(images, generator.colorize(rgb_to_lab(images[:2])[:, :1]), *generator.state_dict().values()), split
    if key not in _measured:
        lab = torch.cat([rgb_to_lab(part) for part in images.split(40)])
        ab_hat = torch.cat([generator.colorize(part[:, :1]) for part in lab.split(20)])
        ab, bins = lab[:, 1:], AbBins()
        rare = metrics.own_prior_weights(ab, bins)
        rare = rare / rare[bins.nearest(ab)].mean()  # 1 for the mean pixel
        _measured[key] = Measured(*(metrics.color_auc(ab_hat, ab, weights, bins) for weights in ((1 + rare) / 2, None, rare)),
                                  metrics.chroma_ratio(ab_hat, ab), metrics.error_histogram(ab_hat, ab, (1 + rare) / 2, bins))
    return _measured[key]


def gain(generator: torch.nn.Module, other: torch.nn.Module, split: str = "val") -> Estimate:
    """By how many points a generator scores above another, with the interval of the paired difference."""
    tables = (measure(one, split).table for one in (generator, other))
    return metrics.bootstrap_auc_difference(*tables, groups=_kept(split)[1])


def enter(file: str | Path, name: str, generator: torch.nn.Module, seconds: float, note: str = "", split: str = "val") -> dict:
    """Add a line to a leaderboard file, which is begun where there is none; not again for the same weights and name.

    Args:
        name: who has made the generator; a nickname will do. seconds: that it took. note: what was tried.
    Returns:
        the line, {column: value}.
    Raises:
        ValueError: no name.
    """
    name = " ".join(str(name).split())
    if not name:
        raise ValueError("name is empty; expected a nickname to stand in the leaderboard")
    found, by, file = measure(generator, split), gain(generator, baseline(), split), Path(file)
    numbers = (found.score, by.mean, by.low, by.high, found.plain, found.rebalanced, found.chroma)
    line = dict(zip(COLUMNS, (
        datetime.now(timezone.utc).isoformat(timespec="seconds"), name, " ".join(str(note).split()), *(f"{x:.2f}" for x in numbers), f"{seconds:.0f}",
        f"{split} {fingerprint(_kept(split)[0])}", fingerprint(*generator.state_dict().values()))))
    begun = file.exists() and file.stat().st_size > 0
    for old in read(file) if begun else []:
        if all(old[column] == line[column] for column in ("name", "score", "photographs", "weights")):
            return old
    with open(file, "a", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, COLUMNS)
        if not begun:
            writer.writeheader()
        writer.writerow(line)
    return line


def read(file: str | Path) -> list[dict]:
    """All lines of a leaderboard file. Raises ValueError for a file that is none."""
    with open(file, newline="", encoding="utf-8") as lines:
        rows = csv.DictReader(lines)
        if tuple(rows.fieldnames or ()) != COLUMNS:
            raise ValueError(f"file {file} has columns {', '.join(rows.fieldnames or ())}; expected those of a leaderboard, {', '.join(COLUMNS)}")
        return list(rows)


def standings(files: Iterable[str | Path]) -> list[dict]:
    """The lines of all files, the highest score first; of one name on the same photographs only the best.

    Raises:
        ValueError: a file that is no leaderboard.
    """
    best: dict[tuple[str, str], dict] = {}
    for file in files:
        for line in read(file):
            key = line["photographs"], line["name"] if line["name"] != ANONYMOUS else str(file)
            if key not in best or float(line["score"]) > float(best[key]["score"]):
                best[key] = line
    return sorted(best.values(), key=lambda line: (line["photographs"], -float(line["score"])))


def table(lines: list[dict]) -> str:
    """Standings as text, one line each, a heading for each set of photographs."""
    rows, photographs = [], None
    for line in lines:
        if line["photographs"] != photographs:
            photographs = line["photographs"]
            rows += ["", f"{'on ' + photographs:28s}  score   over the baseline       seconds  note"]
        over = f"{float(line['gain']):+.2f} [{float(line['low']):+.2f}, {float(line['high']):+.2f}]"
        rows.append(f"  {line['name'][:26]:26s}  {line['score']:>5s}   {over:22s}  {line['seconds']:>7s}  {line['note'][:40]}".rstrip())
    return "\n".join(rows[1:])
