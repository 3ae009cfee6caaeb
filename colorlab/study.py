"""The whole study of Mu & Lee, with the controls that it lacks, in stages that are kept.

    study.run("photographs", "build/study", "laptop")   ->  results.json, figures and index.html in build/study

    photographs   four parts that share none: for the generators, a pool to choose from, for the judges, held out
    generators    L2, classification, rebalanced: the same width, steps and seed
    pairs         what each of them, and each control, makes of the judges' and the held-out photographs
    judges        discriminators on the judges' pairs; the table of accuracy, fooling rate and colour errors
    turn-1-...    rank the pool, fine-tune on what four arms choose of it, judge each arm by fresh discriminators
    turn-2-...    the same once more, from the network that turn 1 fine-tuned on the most real

No generator colors what it trained on, and no judge scores what it trained on. Every number has a 95 % interval.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from . import (budget, cache, checkpoints, color_errors, controls, finetuning, generators, metrics, pairs, photos, report,
               training)
from .bins import AbBins
from .color import rgb_to_lab
from .parts import deal, source_of
from .stages import Stages, as_json, machine, write_arrays, write_json
from .turns import finetune_stage, rank_stage, verdict_stage

CONTROLS = ("all grey", "best constant", "random colors", "own colors, blurred")
TURNS = (1, 2)
STAGES = 4 + 3 * len(TURNS)
LEAST_OF_A_SOURCE = 10  # photographs, for a row of its own


def run(source: str | Path, out: str | Path, size: str | None = None, seed: int = 0, progress: bool = True,
        say=print, command: str = "") -> dict:
    """Do the study, or what is left of it, and return what `results.json` holds.

    Args:
        source: photographs, as `photos.load` takes them: a folder, or "imagenette"; the eight embedded ones are too few.
        out: folder of this study; called again with the same arguments, it goes on where it stopped.
        size: "smoke", "laptop" or "gpu"; None: what `budget.current` says. seed: of everything drawn.
        progress: show bars. say: takes a line at the start of each stage. command: kept with the results.
    Raises:
        ValueError: too few photographs, or a folder that holds another study.
    """
    B = budget.current() if size is None else budget.named(size)
    knobs = {knob: value for knob, value in vars(B).items() if knob.startswith("study_") or knob == "bootstrap"}
    listing = {split: photos.load(source, split) for split in ("train", "val", "test")}
    names = hashlib.blake2b(repr([some.names for some in listing.values()]).encode(), digest_size=8).hexdigest()
    kept = Stages(out, {"size": B.name, "seed": seed, "photographs": names, **knobs}, STAGES, say)
    study = _Study(B, seed, progress, kept)
    study.photographs(listing)
    results = study.generators() | study.judges()
    start, learned = "rebalanced", []
    for turn in TURNS:
        results[f"turn {turn}"], chosen = study.turn(turn, study.network(start), learned)
        start, learned = f"turn-{turn}-finetune/most-real-0", learned + chosen["most real"][0]
    results = {"command": command, "size": B.name, "seed": seed, "machine": machine(), "settings": knobs, **results,
               "seconds": kept.seconds}
    if kept.ran or not (kept.out / "results.json").is_file():
        report.write(kept.out, results)
        write_json(kept.out / "results.json", results)
        say(f"done: {kept.out / 'index.html'} to read, {kept.out / 'results.json'} to compute with")
    else:
        say(f"nothing to do: {kept.out / 'index.html'} and {kept.out / 'results.json'} are complete")
    return results


class _Study:
    """The stages, each a method; what they share is read from their folders."""

    def __init__(self, B, seed: int, progress: bool, kept: Stages):
        self.B, self.seed, self.kept = B, seed, kept
        self.bars = {"progress": progress}
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.parts = {}

    # --- The photographs -----------------------------------------------------------------------------------------

    def photographs(self, listing: dict) -> None:
        """Decode each part once, to uint8 (N, 3, S, S) on disk, mapped from there afterwards."""
        def work(folder: Path) -> dict:
            parts, found = deal(listing, self.seed), {}
            for name, some in parts.items():
                _enough(name, some)
            for name, some in parts.items():
                some = some.subset(range(min(len(some), self.B.study_part)))
                cache.squares(some, folder / name, self.B.study_size, **self.bars)
                _enough(name, some)
                found[name] = {"names": some.names, "groups": some.groups, "skipped": [name for name, _ in some.skipped],
                               "grey": cache.grey(folder / name)}
            return found

        text = f"decoding, to {self.B.study_size} pixels, at most {self.B.study_part:,} a part"
        for name, labels in self.kept.once("photographs", text, work).items():
            file = self.kept.out / "photographs" / name / "images.npy"
            images = torch.from_numpy(np.load(file, mmap_mode="c")[:len(labels["names"])])
            self.parts[name] = {"images": images, **{key: labels.get(key) for key in ("names", "groups", "grey")}}

    # --- The generators, and what they make ----------------------------------------------------------------------

    def generators(self) -> dict:
        """Train one with each loss on the same photographs, in the same order."""
        (images, grey), B = (self.parts["generators"][key] for key in ("images", "grey")), self.B

        def work(folder: Path) -> dict:
            prior = training.prior_of(images, training.colored_ones(images, grey), AbBins())
            checkpoints.write_atomically(folder / "prior.npy", lambda path: _save(path, prior))
            found = {}
            for loss in training.LOSSES:
                torch.manual_seed(self.seed)
                network = generators.ECCV16(B.study_width, bins=None if loss == "l2" else AbBins())
                log = training.train_generator(
                    network, images, loss=loss, prior=prior if loss == "rebalanced" else None, steps=B.study_steps,
                    batch=B.study_batch, crop=B.study_crop, seed=self.seed, average=0.999, grey=grey, folder=folder / loss, **self.bars)
                _finished(log)
                checkpoints.save(network.cpu(), folder / loss / "generator.safetensors")
                steps, values = log.series("loss")
                found[loss] = {"step": steps, "loss": values}
            return found

        text = f"{len(training.LOSSES)} losses, {B.study_steps:,} steps each, on {len(images):,} photographs"
        curves = self.kept.once("generators", text, work)
        counts = {name: len(part["names"]) for name, part in self.parts.items()}
        return {"photographs": counts, "curves": curves}

    def network(self, name: str):
        """A generator of this study: a loss, or the path of a fine-tuned one."""
        folder = self.kept.out / (name if "/" in name else f"generators/{name}")
        return generators.load(folder / "generator.safetensors").to(self.device)

    def colored(self, folder: Path, network, part: str, which: str) -> pairs.Pairs:
        """Pairs of one part's photographs, made once."""
        some = self.parts[part]
        return pairs.make(network, some["images"], folder / which / part.replace(" ", "-"), some["names"], some["groups"],
                          **self.bars)

    def some_of(self, part: str, places: Tensor) -> dict:
        """Some photographs of a part, with their names and groups."""
        whole = self.parts[part]
        return {"images": whole["images"].index_select(0, places)} | {
            key: [whole[key][i] for i in places.tolist()] for key in ("names", "groups")}

    def control(self, name: str, part: str) -> pairs.Pairs:
        """Pairs of a control in place of a generator."""
        some = self.parts[part]
        images = some["images"]
        made = {"all grey": controls.grey, "best constant": lambda x: controls.constant(x, self.constant()),
                "random colors": lambda x: controls.random_color(x, self.seed),
                "own colors, blurred": controls.blurred_chroma, "itself": controls.unchanged}[name](images)
        return pairs.from_images(images, made, names=some["names"], groups=some["groups"], made_by=name)

    def constant(self) -> tuple[float, float]:
        """The best constant color of the held-out photographs, of no worse plain AuC than gray's.

        Best in rebalanced AuC by Zhang et al.'s definition."""
        def true():
            return (rgb_to_lab(part)[:, 1:] for part in self.parts["held out"]["images"].split(16))

        if not hasattr(self, "_constant"):
            bins = AbBins()
            self._constant = metrics.best_constant(true(), metrics.own_prior_weights(true(), bins), bins).ab
        return self._constant

    # --- The comparison ------------------------------------------------------------------------------------------

    def judges(self) -> dict:
        """The table: each generator and each control, before discriminators that trained on its own fakes."""
        seeds, B = range(self.B.study_seeds), self.B
        rows = (*training.LOSSES, *CONTROLS)
        folder_of_pairs = self.kept.out / "pairs"

        def color(folder: Path) -> dict:
            return {loss: {part: len(self.colored(folder, self.network(loss), part, loss)) for part in ("judges", "held out")}
                    for loss in training.LOSSES}

        def work(folder: Path) -> dict:
            found, measured = {}, {}
            groups = self.parts["held out"]["groups"]
            for row in rows:
                learned, held = (pairs.load(folder_of_pairs / row / part.replace(" ", "-")) if row in training.LOSSES
                                 else self.control(row, part) for part in ("judges", "held out"))
                judges = [finetuning.fresh_judge(learned, B.study_epochs, self.seed + seed, folder=folder / _slug(row) / str(seed),
                                                 label=f"judge of {row}", **self.bars) for seed in seeds]
                measured[row] = finetuning.measure([held] * len(judges), judges, {"all": torch.arange(len(held))})["all"]
                write_arrays(folder / f"{row}.npz", measured[row])
                found[row] = as_json(finetuning.estimates(measured[row], groups=groups, n=B.bootstrap)
                                      | color_errors.picture_errors(held, groups, B.bootstrap)
                                      | {"accuracy": finetuning.rate(_right(measured[row]), B.bootstrap, groups)})
            same = self.control("itself", "held out")
            found["itself"] = {"same bytes": bool(torch.equal(same.real, same.fake))}
            differences = {f"{a} - {b}": as_json(finetuning.estimates(measured[a], measured[b], groups, B.bootstrap))
                           for a, b in (("rebalanced", "classification"), ("rebalanced", "l2"), ("classification", "l2"),
                                        *((loss, "best constant") for loss in training.LOSSES))}
            return {"comparison": found, "differences": differences, "sources": self._by_source(measured),
                    "constant": list(self.constant())}

        self.kept.once("pairs", f"coloring {2 * len(training.LOSSES)} sets", color)
        text = f"{len(rows)} rows, {len(seeds)} discriminators each, {B.study_epochs} epochs"
        return self.kept.once("judges", text, work)

    def _by_source(self, measured: dict) -> dict:
        """Fooling rate and plain AuC of each generator, for each source with enough held-out photographs."""
        held = self.parts["held out"]
        sources = [source_of(name) for name in held["names"]]
        found = {}
        for source, count in Counter(sources).most_common():
            if count >= LEAST_OF_A_SOURCE:
                index = np.array([i for i, s in enumerate(sources) if s == source])
                groups = [held["groups"][i] for i in index]
                some = {loss: {key: value[:, index] for key, value in measured[loss].items()} for loss in training.LOSSES}
                found[source] = {"photographs": count} | {
                    loss: as_json(finetuning.estimates(rows, groups=groups, n=self.B.bootstrap))
                    for loss, rows in some.items()}
        return found

    # --- The loop: rank, fine-tune, judge again ------------------------------------------------------------------

    def turn(self, number: int, start, learned: list[int]) -> tuple[dict, dict]:
        """Rank what this network did not learn of the pool, fine-tune on each arm's choice, ask fresh judges; and the choice."""
        ranked = rank_stage(self, f"turn-{number}-rank", start, learned)
        finetune_stage(self, f"turn-{number}-finetune", start, ranked["chosen"])
        verdict = verdict_stage(self, f"turn-{number}-verdict", f"turn-{number}-finetune", start, ranked["most real held out"])
        return {key: value for key, value in ranked.items() if key not in ("chosen", "most real held out")} | verdict, ranked["chosen"]


def _enough(part: str, some) -> None:
    different = len(set(some.groups))
    if different < 4:
        raise ValueError(f"source has {different} different photographs for the part {part!r}, which are too few; expected 4 or "
                         "more, so 20 to train on and 4 to hold out, or many more")


def _save(path: Path, tensor: Tensor) -> None:
    with open(path, "wb") as file:
        np.save(file, tensor.numpy())


def _finished(log) -> None:
    if log.interrupted:
        raise KeyboardInterrupt  # its checkpoint is kept


def _slug(name: str) -> str:
    return name.replace(",", "").replace(" ", "-")


def _right(measured: dict) -> np.ndarray:
    return ((measured["real"] > 0) * 1.0 + (measured["fake"] <= 0)) / 2
