"""Trials of a generator on validation photographs: how large it sees them, and how much of the rebalancing is undone.

    python tests/benchmarks/trials.py FILE.safetensors ... --photos FOLDER --json results/trials.json

The files hold generators as trained, with nothing taken back. Each trial is one row: the settings of the training, work
size and share taken back, and the numbers on the photographs of the split "val". Rows are added to those of the file.
"""

import argparse
import json
import shlex
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F

from colorlab import checkpoints, generators, metrics, photos, rebalance, stages
from colorlab.bins import AbBins
from colorlab.color import rgb_to_lab
from colorlab.losses import rebalanced_cross_entropy

SIZES, SHARES = (128, 160, 192), (0.0, 0.15, 0.3, 0.35, 0.45)


def measure(ab_hat: torch.Tensor, ab: torch.Tensor, scales: dict) -> dict:
    """Plain and rebalanced AuC, chroma ratio and mean ab distance; ab_hat may be one color."""
    ab_hat = ab_hat.expand_as(ab)
    return {
        "plain AuC": metrics.color_auc(ab_hat, ab),
        **{name: metrics.color_auc(ab_hat, ab, weights, AbBins()) for name, weights in scales.items()},
        "chroma ratio": metrics.chroma_ratio(ab_hat, ab),
        "mean ab distance": float((ab_hat - ab).norm(dim=1).mean()),
    }


def cross_entropy(logits: torch.Tensor, ab: torch.Tensor, bins: AbBins) -> float:
    """Unweighted cross-entropy in nats, of nothing taken back; the truth is averaged to the logits' size."""
    small = F.adaptive_avg_pool2d(ab, logits.shape[-2:])
    parts = zip(logits.split(16), small.split(16))
    return sum(float(rebalanced_cross_entropy(*part, bins)) * len(part[0]) for part in parts) / len(logits)


@torch.no_grad()
def trials(path: str, lab: torch.Tensor, scales: dict, prior: torch.Tensor):
    """One row for each work size and share taken back."""
    notes = checkpoints.notes(path)
    weights = rebalance.class_weights(prior, notes["mix"])
    for work_size in SIZES:
        began = time.perf_counter()
        network = generators.load(path)
        network.work_size = work_size
        outputs = [network.run(L) for L in lab[:, :1].split(8)]
        seconds = time.perf_counter() - began
        entropy = cross_entropy(torch.cat([output for output, _ in outputs]), lab[:, 1:], network.bins)
        for share in SHARES:
            offset = share * weights.log().float()[:, None, None]
            ab_hat = torch.cat([network.paint(L, output - offset, seen)
                                for L, (output, seen) in zip(lab[:, :1].split(8), outputs)])
            yield notes | {"weights": Path(path).name, "work_size": work_size, "take_back": share, "coloring seconds": round(seconds, 1),
                           "cross-entropy": round(entropy, 4), **{name: round(value, 3) for name, value in measure(ab_hat, lab[:, 1:], scales).items()}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weights", nargs="+")
    parser.add_argument("--photos", required=True)
    parser.add_argument("--json", required=True, type=Path)
    parser.add_argument("--limit", type=int, help="at most so many photographs")
    args = parser.parse_args()

    lab = rgb_to_lab(photos.load(args.photos, "val").square(256, args.limit))
    ab, bins = lab[:, 1:], AbBins()
    scales = {"rebalanced AuC": rebalance.stored_prior_weights(),
              "rebalanced AuC by Zhang et al.'s definition": rebalance.own_prior_weights(ab, bins)}
    record = json.loads(args.json.read_text(encoding="utf-8")) if args.json.exists() else {"trials": []}
    floors = {"all gray": measure(torch.zeros(2, 1, 1), ab, scales)}
    for name, weights in scales.items():
        constant = metrics.best_constant(ab, weights, bins)
        floors[f"best constant, {name}"] = {"ab": constant.ab, **measure(torch.tensor(constant.ab)[:, None, None], ab, scales)}
    for path in args.weights:
        for row in trials(path, lab, scales, rebalance.stored_prior()):
            print({key: row[key] for key in ("steps", "work_size", "take_back", *scales, "plain AuC", "chroma ratio")}, flush=True)
            record["trials"].append(row)
            stages.write_json(args.json, {
                "command": shlex.join(["python", *sys.argv]), "machine": stages.machine(),
                "photographs": len(lab), "floors": floors, "trials": record["trials"]})


if __name__ == "__main__":
    main()
