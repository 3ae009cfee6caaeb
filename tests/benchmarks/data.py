"""What photographs cost a training: reading them from a cache against decoding, and a step's data and encoding."""

import contextlib
import tempfile
import time
from pathlib import Path
from unittest import mock

import torch

from colorlab import cache, generators, photos, training
from colorlab.costs import interleaved

PHOTOGRAPHS, STEPS = 64, 10


def measure(goals, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as home:
        found = jpegs(Path(home))
        times = interleaved({"decoding": lambda: found().square(256, progress=False), "mapped": mapped(found(), Path(home) / "cache")},
                            rounds)
        images = found().square(256, progress=False)
    goals.at_least("an epoch's photographs: decoding over reading the cache", 20, times.ratio("decoding", "mapped"))
    for name, width, batch, context in (("width 1/4, float32", 0.25, 32, in_float32()), ("width 1/4", 0.25, 32, contextlib.nullcontext()),
                                        ("full width", 1.0, 4, contextlib.nullcontext())):
        with context:
            shares, step = share_of_a_step(images, rounds, width, batch)
        shares.sort()
        goals.at_most(f"a step's data and encoding, {name}", 0.03, (shares[len(shares) // 2], shares[0], shares[-1]))
        goals.known(f"a step, {name}, {batch} crops of 96, ms", 1e3 * step)


def in_float32():
    """Without bfloat16, which training uses where the processor has it."""
    return mock.patch.object(training, "mixed_precision", lambda device: contextlib.nullcontext())


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


def share_of_a_step(images, rounds: int, width: float, batch: int) -> tuple[list[float], float]:
    """Of a training's time, the share that is spent reading, cropping, converting and encoding, round by round; and the least
    seconds of a step. The clock stands around these functions inside a real training: a processor does one thing at a time."""
    spent, shares, steps = [0.0], [], []

    def timed(function):
        def work(*args, **kwargs):
            began = time.perf_counter()
            found = function(*args, **kwargs)
            spent[0] += time.perf_counter() - began
            return found
        return work

    with contextlib.ExitStack() as stack:
        for where, name in ((training, "random_crops"), (training, "rgb_to_lab"), (training, "at_a_quarter"),
                            (generators.AbBins, "soft_encode")):
            stack.enter_context(mock.patch.object(where, name, timed(getattr(where, name))))
        for i in range(rounds + 1):
            torch.manual_seed(0)
            spent[0] = 0.0
            log = training.train_generator(generators.ECCV16(width), images, loss="rebalanced", prior=torch.full((313,), 1 / 313),
                                           steps=STEPS, batch=batch, crop=96, average=0.999, grey=(), progress=False,
                                           device="cpu")
            if i:
                shares.append(spent[0] / log.seconds)
                steps.append(log.seconds / STEPS)
    return shares, min(steps)
