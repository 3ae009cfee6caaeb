"""One turn of the study's loop: rank the pool, fine-tune on each arm's choice, ask fresh judges.

The arms, the measures and the reasons are those of `finetuning`; here they become stages of `study`.
"""

from pathlib import Path

import numpy as np
import torch

from . import checkpoints, finetuning, galleries, metrics, pairs
from .claims import rank_correlation
from .finetuning import ARMS
from .rebalance import class_weights
from .stages import as_json, write_arrays

TELLING = 5  # the uppermost fifth
CONTRASTS = (("random", "none"), ("most real", "none"), ("most real", "random"), ("largest loss", "random"))


def rank_stage(study, name: str, start, learned: list[int]) -> dict:
    """Rank the pool by cross-fitted judges of the start's fakes, and the held-out photographs by both of them.

    ``learned``: places in the pool that the start trained on; they are left out, since its fakes of them would remember.
    """
    B = study.B
    places = torch.tensor(sorted(set(range(len(study.parts["pool"]["names"]))) - set(learned)))
    pool = study.some_of("pool", places)
    count = max(1, len(places) // TELLING)

    def work(folder: Path) -> dict:
        made = pairs.make(start, pool["images"], folder / "pairs", pool["names"], pool["groups"], **study.bars)
        judges, fold = galleries.cross_fit(made, 2, B.study_epochs, study.seed, folder / "judges", average=0.9, **study.bars)
        real = finetuning.realness(judges, made.real, fold)
        known = finetuning.realness(judges, made.real, 1 - fold)  # the paper's way: photographs that they trained on
        weights = class_weights(prior_of(study)).float()
        loss = finetuning.photo_losses(start, pool["images"], weights)
        chroma = torch.cat([metrics.mean_chroma(finetuning.ab_of(part)) for part in made.real.split(64)])
        chosen = {arm: [places[finetuning.choose(arm, count, real, loss, study.seed + seed)].tolist()
                        for seed in range(B.study_seeds)] for arm in ARMS[1:]}
        top, paper = set(chosen["most real"][0]), set(places[finetuning.choose("most real", count, known, loss)].tolist())
        held_out = pairs.from_images(*[study.parts["held out"]["images"]] * 2).real
        place = finetuning.realness(judges, held_out)
        telling = place.argsort(descending=True, stable=True)[:max(1, len(place) // TELLING)].sort().values
        return {"chosen": chosen, "most real held out": telling.tolist(),
                "ranking": {"photographs": len(real), "chosen": count,
                            "of these, the paper's way chooses": len(top & paper),
                            **as_json({f"rank correlation of realness and {name}":
                                       rank_correlation(real, other, B.bootstrap, groups=pool["groups"])
                                       for name, other in (("chroma", chroma), ("loss", loss), ("the paper's way", known))})}}

    return study.kept.once(name, f"{len(places):,} photographs, two judges", work)


def finetune_stage(study, name: str, start, chosen: dict) -> None:
    """Train each arm with each seed."""
    B, images = study.B, study.parts["pool"]["images"]

    def work(folder: Path) -> dict:
        for arm, indices in chosen.items():
            for seed, index in enumerate(indices):
                where = folder / f"{arm.replace(' ', '-')}-{seed}"
                network, log = finetuning.finetune(
                    start, images[index], prior_of(study), steps=B.study_tune, seed=study.seed + seed, batch=B.study_tune_batch,
                    crop=B.study_tune_crop, folder=where, label=f"{arm}, seed {seed}", **study.bars)
                if log.interrupted:
                    raise KeyboardInterrupt
                checkpoints.save(network.cpu(), where / "generator.safetensors")
        return {}

    study.kept.once(name, f"{len(chosen)} arms, {B.study_seeds} seeds, {B.study_tune:,} steps", work)


def verdict_stage(study, name: str, tuned: str, start, telling: list) -> dict:
    """Fresh judges for each arm and seed; what they and the colour errors say, and the paired contrasts."""
    B, held = study.B, study.parts["held out"]
    chance = torch.randperm(len(held["names"]), generator=torch.Generator().manual_seed(study.seed))
    sets = {"random": chance[:max(1, len(chance) // 2)].sort().values, "most real": torch.tensor(telling)}

    def work(folder: Path) -> dict:
        measured = {}
        for arm in ARMS:
            made, judges = [], []
            for seed in range(B.study_seeds):
                network = start if arm == "none" else study.network(f"{tuned}/{arm.replace(' ', '-')}-{seed}")
                which = "none" if arm == "none" else f"{arm.replace(' ', '-')}-{seed}"
                learned = study.colored(folder, network, "judges", which)
                made.append(study.colored(folder, network, "held out", which))
                judges.append(finetuning.fresh_judge(learned, B.study_epochs, study.seed + seed, label=f"judge of {arm}",
                                                     folder=folder / f"judge-{arm.replace(' ', '-')}-{seed}", **study.bars))
            measured[arm] = finetuning.measure(made, judges, sets)
            for name, rows in measured[arm].items():
                write_arrays(folder / f"{arm}, {name}.npz", rows)
        groups = {name: [held["groups"][i] for i in index.tolist()] for name, index in sets.items()}
        options = {name: {"groups": groups[name], "n": B.bootstrap} for name in sets}
        return {"arms": {name: {arm: as_json(finetuning.estimates(measured[arm][name], **options[name])) for arm in ARMS}
                         for name in sets},
                "contrasts": {name: {f"{a} - {b}": as_json(finetuning.estimates(measured[a][name], measured[b][name],
                                                                                 **options[name]))
                                     for a, b in CONTRASTS} for name in sets}}

    text = f"{len(ARMS) * B.study_seeds} judges, {B.study_epochs} epochs each"
    return study.kept.once(name, text, work)


def prior_of(study) -> torch.Tensor:
    """The smoothed prior that the generators were trained with."""
    return torch.from_numpy(np.load(study.kept.out / "generators" / "prior.npy"))
