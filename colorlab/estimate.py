"""How long a training would take on this machine: a few of its steps, timed on pictures of noise.

    python -m colorlab train --estimate --width 1 --batch 40 --crop 176 --steps 450000
    torchrun --nproc-per-node 8 -m colorlab train --estimate ...                             the same, on eight GPUs
"""

import torch

from . import generators, parallel, stages, training
from .bins import AbBins

WARM, TIMED = 3, 6  # steps
UNITS = ((86400, "days"), (3600, "hours"), (60, "minutes"), (1, "seconds"))


def images_a_second(name: str, width: float, loss: str, batch: int, crop: int, warm: int = WARM, timed: int = TIMED, **options) -> float:
    """Photographs a second of training, all processes together: data, encoding, network, loss and optimiser.

    Two runs differ by ``timed`` steps; a first one is thrown away.

    Args:
        name, width: see `generators.new`. loss, batch, crop: of the training. warm, timed: steps before the clock starts, and while it runs.
        options: of `training.train_generator`.
    """
    noise = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (min(batch, 64), 3, 256, 256), dtype=torch.uint8, generator=noise)
    seconds = []
    for steps in (warm, warm, warm + timed):  # the first pays for what happens once: tables, libraries, kernels
        generator = generators.new(name, bins=None if loss == "l2" else AbBins(), width=width)
        prior = torch.full((len(generator.bins),), 1 / len(generator.bins)) if loss == "rebalanced" else None
        log = training.train_generator(generator, images, loss=loss, prior=prior, steps=steps, batch=batch, crop=crop,
                                       progress=False, **options)
        seconds.append(log.seconds)
    if not seconds[2] > seconds[1]:
        raise RuntimeError(f"{warm + timed} steps took {seconds[2]:.3f} s and {warm} took {seconds[1]:.3f}: the machine is too "
                           "busy to be timed; call again")
    return batch * timed / (seconds[2] - seconds[1])


def report(rate: float, batch: int, crop: int, steps: int) -> str:
    """Images a second, and what they make of a whole training, as a line to read."""
    seconds = steps * batch / rate
    length = next(f"{seconds / unit:,.1f} {name}" for unit, name in UNITS
                  if seconds >= unit or unit == 1)
    processes = f"{parallel.size()} processes, " if parallel.size() > 1 else ""
    return (f"{rate:,.1f} images/s (crops of {crop}, {batch} a step; {processes}{stages.machine()}): "
            f"{steps:,} steps take {length}")
