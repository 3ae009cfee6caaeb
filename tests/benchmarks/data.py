"""What photographs cost a training: reading them from a cache against decoding, and a step's data and encoding.

    python tests/benchmarks/data.py [--json FILE]

Variants take turns in an order by chance; medians over rounds are compared, so a slow moment of the machine meets both.
"""

import argparse
import contextlib
import json
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock

import torch

from colorlab import cache, checkpoints, generators, photos, stages, training

PHOTOGRAPHS, STEPS, ROUNDS = 64, 10, 9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", help="write the numbers there, too")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        found = jpegs(Path(home))
        reading = interleaved({"decoding": lambda: found().square(256, progress=False),
                               "mapped": mapped(found(), Path(home) / "cache")}, args.rounds)
        images = found().square(256, progress=False)
    numbers = {"decoding over mapped": reading["decoding"] / reading["mapped"]}
    print(f"decoding {1e3 * reading['decoding'] / PHOTOGRAPHS:.2f} ms a photograph, mapped {1e3 * reading['mapped'] / PHOTOGRAPHS:.3f}: "
          f"{numbers['decoding over mapped']:.0f} times faster (goal 20)")
    for dtype, context in (("float32", mock.patch.object(training, "mixed_precision", lambda device: contextlib.nullcontext())),
                           ("as trained", contextlib.nullcontext())):
        with context, mock.patch.object(training, "grey_ones", lambda images: torch.zeros(len(images), dtype=torch.bool)):
            step = interleaved({"whole": lambda: train(images), "fed": fed(images)}, args.rounds)
        numbers[f"data and encoding, {dtype}"] = 1 - step["fed"] / step["whole"]
        print(f"step {1e3 * step['whole'] / STEPS:.0f} ms ({dtype}), of which data and encoding "
              f"{numbers[f'data and encoding, {dtype}']:.1%} (goal 3 %)")
    if args.json:
        record = {"command": f"python tests/benchmarks/data.py --json {args.json}", "machine": stages.machine(), "numbers": numbers}
        checkpoints.write_atomically(args.json, lambda path: path.write_text(json.dumps(record, indent=1) + "\n"))


def jpegs(home: Path):
    """A folder of JPEG files of 256 x 340 pixels, cut from the samples; returns a function that lists it."""
    folder = home / "photographs"
    folder.mkdir()
    samples = [image for image in photos.samples().values() if min(image.shape[-2:]) >= 256 and image.shape[-1] >= 340]
    for i in range(PHOTOGRAPHS):
        image = samples[i % len(samples)]
        y, x = (int(f * (n - m)) for f, n, m in zip((0.1 * (i % 7), 0.13 * (i % 5)), image.shape[-2:], (256, 340)))
        photos.save_photo(image[..., y:y + 256, x:x + 340], folder / f"{i}.jpg")
    return lambda: photos.Photos(*zip(*photos.sources.whole_folder(folder)))


def mapped(found, folder: Path):
    images = cache.squares(found, folder, 256, progress=False)

    def read():
        for index in torch.randperm(len(images)).split(32):
            images.index_select(0, index)
    return read


def train(images) -> None:
    torch.manual_seed(0)
    training.train_generator(generators.ECCV16(0.25), images, loss="rebalanced", prior=torch.full((313,), 1 / 313), steps=STEPS,
                             batch=32, crop=96, average=0.999, progress=False)


def fed(images):
    """The same steps, given what they would have to read, convert and encode."""
    given = training.random_crops(images[:32], 96, True, 0)
    lab = training.rgb_to_lab(given)
    ab = training.at_a_quarter(lab[:, 1:])
    code = generators.AbBins().soft_encode(ab)

    def work():
        with contextlib.ExitStack() as stack:
            for where, name, value in ((training, "random_crops", given), (training, "rgb_to_lab", lab),
                                       (training, "at_a_quarter", ab), (training, "bend", lab[:, :1]),
                                       (generators.AbBins, "soft_encode", code)):
                stack.enter_context(mock.patch.object(where, name, lambda *_, value=value, **__: value))
            train(images)
    return work


def interleaved(variants: dict, rounds: int) -> dict:
    """Median seconds of each variant, all warmed up, in shuffled rounds."""
    seconds = {name: [] for name in variants}
    for work in variants.values():
        work()
    for _ in range(rounds):
        for name in random.sample(list(variants), len(variants)):
            began = time.perf_counter()
            variants[name]()
            seconds[name].append(time.perf_counter() - began)
    return {name: statistics.median(values) for name, values in seconds.items()}


if __name__ == "__main__":
    sys.exit(main())
