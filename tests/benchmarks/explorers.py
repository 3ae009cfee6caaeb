"""Seconds that an explorer takes to follow a control, after its first: what a reader waits for with a finger on a slider."""

import itertools
import time

import torch

from colorlab import discriminators, finetuning, generators, judging, pairs, photos, rebalance
from colorlab.bins import AbBins
from colorlab.widgets import ab_plane, discriminator, gallery, generator, rebalancing, temperature

BARS = {"temperature": 0.1}  # seconds; all others are heavy
HEAVY = 0.5


def begun() -> dict:
    """{name: (explorer, the controls to move and two values of each)}."""
    painter, judge, bins = generators.load("pocket"), discriminators.load("pocket"), AbBins()
    pool = photos.course(40, "val")
    images = pool.square(256)  # uint8 (N, 3, 256, 256)
    made = pairs.make(painter, images, names=pool.names, groups=pool.groups, progress=False)
    scores = [judging.score(judge, x) for x in (made.real, made.fake)]
    prior = rebalance.empirical_prior(images.split(32), bins)
    square = {"photograph": images[0]}
    occluded = discriminator.explore(judge, made.real[:8], made.names[:8])
    occluded.controls["occlusion"].value = True
    return {"ab plane": (ab_plane.explore(prior), {"L": (40, 70), "a": (-20, 35), "sigma": (3, 12)}),
            "rebalancing": (rebalancing.explore(prior, bins), {"mix": (0.1, 0.8), "sigma": (3, 9)}),
            "temperature": (temperature.explore(painter, square), {"temperature": (0.2, 0.7), "x": (20, 80), "y": (30, 60)}),
            "generator": (generator.explore(painter, square), {"brightness": (-15, 20), "contrast": (0.6, 1.3), "crop": (60, 80)}),
            "discriminator": (discriminator.explore(judge, made.real[:8], made.names[:8]),
                              {"saturation": (0.4, 1.6), "hue": (-70, 90), "blur": (1.0, 3.0)}),
            "discriminator, with its map": (occluded, {"saturation": (0.4, 1.6), "hue": (-70, 90), "blur": (1.0, 3.0)}),
            "gallery": (gallery.explore(made, *scores, finetuning.photo_losses(painter, images)), {"page": (2, 3), "divider": (20, 80)})}


def measure(goals, rounds: int) -> None:
    for name, (explorer, moves) in begun().items():
        seconds = []
        for n, (control, values) in itertools.product(range(rounds), moves.items()):
            step = (values[1] - values[0]) * n / (4 * rounds)  # values that were not there before
            for value in values:
                wanted = value + (round(step) if isinstance(value, int) else step)
                if explorer.controls[control].value != wanted:
                    began = time.perf_counter()
                    explorer.controls[control].value = wanted
                    seconds.append(time.perf_counter() - began)
        taken = torch.tensor(seconds)
        goals.at_most(f"{name}: seconds to follow a control, median", BARS.get(name, HEAVY),
                      (taken.median().item(), taken.min().item(), taken.max().item()))
