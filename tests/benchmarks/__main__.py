"""Each goal of speed and memory as a ratio, beside the libraries that do the same, all measured in one run.

    python tests/benchmarks [--only encoding lab] [--rounds 9] [--json results/bench-cpu.json]

On a machine with a GPU the goals of the fused kernels are added. Peers that are not installed are left out, and named.
"""

import argparse
import importlib
import json
import os
import sys
from pathlib import Path

import torch

from colorlab import checkpoints, stages
from goals import Goals

PARTS = {"encoding": "soft codes", "loss": "the rebalanced cross-entropy", "lab": "sRGB to Lab", "colorizing": "coloring a photograph",
         "data": "photographs and encoding in a training", "explorers": "explorers that follow a control", "notebooks": "the notebooks", "labs": "the course labs",
         "gpu": "fused kernels on a GPU"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, help="these parts")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", help="write the numbers there, too")
    args = parser.parse_args()
    goals, started = Goals(), list(args.only or PARTS)
    print(f"{stages.machine()}, {torch.get_num_threads()} threads; ratios: median [least, greatest] of {args.rounds} rounds")
    for part in started:
        print(f"{part}: {PARTS[part]}")
        importlib.import_module(part).measure(goals, args.rounds)
    missed = [name for name, row in goals.found.items() if row.get("reached") is False]
    told = [*(f"missed: {name}" for name in missed), *(f"not measured: {name}, {why}" for name, why in goals.left_out.items())]
    print("\n  ".join([f"{sum('goal' in row for row in goals.found.values())} goals, {len(missed)} missed", *told]))
    if args.json:
        command = " ".join(["python", "tests/benchmarks", *sys.argv[1:]])
        record = {"command": command, "machine": stages.machine(), "threads": torch.get_num_threads(), "cpu": processor(),
                  "allocator": {k: v for k, v in os.environ.items() if k.startswith(("MALLOC_", "LD_PRELOAD"))},
                  "versions": versions(), "numbers": goals.found, "not measured": goals.left_out}
        checkpoints.write_atomically(args.json, lambda path: path.write_text(json.dumps(record, indent=1) + "\n"))


def processor() -> str:
    """What Linux calls the processor; its name elsewhere is not asked for."""
    file = Path("/proc/cpuinfo")
    lines = file.read_text().splitlines() if file.exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown")


def versions() -> dict:
    from importlib import metadata

    names = ("torch", "numpy", "scipy", "scikit-learn", "scikit-image", "kornia", "opencv-python-headless", "triton")
    return {d.metadata["Name"].lower(): d.version for d in metadata.distributions() if (d.metadata["Name"] or "").lower() in names}


if __name__ == "__main__":
    main()
