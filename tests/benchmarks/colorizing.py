"""Coloring a photograph of 256 x 256 beside the network alone: what decoding and upsampling add."""

import torch
import torch.nn.functional as F

import subjects
from colorlab import color, generators
from colorlab.costs import interleaved


@torch.no_grad()
def measure(goals, rounds: int) -> None:
    L = color.rgb_to_lab(subjects.squares(1, 256))[:, :1]
    for name, network, bar in (("full width", generators.ECCV16(1.0).eval(), 1.05), ("pocket", generators.load("pocket"), 1.25)):
        logits = network(L)

        def decode(network=network, logits=logits):
            F.interpolate(network.bins.annealed_mean(logits), L.shape[-2:], mode="bilinear", align_corners=False)

        times = interleaved({"network": lambda: network(L), "colorize": lambda: network.colorize(L), "decode": decode}, rounds)
        goals.at_most(f"{name}: colorize over the network alone", bar, times.ratio("colorize", "network"))
        share = times.ratio("decode", "network")
        if name == "full width":
            goals.at_most("full width: decoding and upsampling over the network", 0.02, share)
        else:
            goals.known(f"{name}: decoding and upsampling over the network", share)
