"""How far a generator's colours are from the true ones, beside two answers that need no network: grey, and one colour.

The measures are those of `metrics`; here they are put side by side, each with its interval, and paired differences.
"""

import torch
from torch import Tensor

from . import judging, metrics, pairs
from .bins import AbBins
from .color import rgb_to_lab
from .judging import Estimate


def color_numbers(generator, images: Tensor, groups=None, seed: int = 0) -> dict:
    """Plain and rebalanced AuC of a generator, of all grey and of the best constant colour; the chroma ratio.

    The constant may be any whose plain AuC is no worse than the generator's or grey's, whichever is lower, so that a
    generator cannot beat it by colours that are merely safer or merely bolder; "less" rows are paired differences.
    images: uint8 (N, 3, 256, 256). Each value is a judging.Estimate, its interval over photographs.
    """
    bins, options, numbers = AbBins(), {"seed": seed, "groups": groups}, {}
    weights = metrics.evaluation_weights(_true_ab(images), bins)

    def flat(ab):
        return lambda L: torch.tensor(ab)[:, None, None].expand(len(L), 2, *L.shape[-2:])

    rows = {name: _rows(colorize, images, weights, bins)
            for name, colorize in (("generator", generator.colorize), ("all grey", flat((0.0, 0.0))))}
    ours, greys = (metrics.auc(row["plain AuC"]) for row in rows.values())
    limit = None if ours >= greys else ours - 0.05  # so much may the constant's own score differ from a histogram's
    constant = metrics.best_constant(_true_ab(images), weights, bins, limit)
    rows["best constant"] = _rows(flat(constant.ab), images, weights, bins)
    for name, row in rows.items():
        for kind in ("plain AuC", "rebalanced AuC"):
            numbers[f"{kind}, {name}"] = metrics.bootstrap_auc(row[kind], **options)
            if name != "generator":
                less = metrics.bootstrap_auc_difference(rows["generator"][kind], row[kind], **options)
                numbers[f"{kind}, generator less {name}"] = less
    chroma = rows["generator"]["chroma"], rows["generator"]["true chroma"]
    return numbers | {"chroma ratio": metrics.bootstrap_ratio(*chroma, **options)}


def _rows(colorize, images: Tensor, weights: Tensor, bins: AbBins) -> dict[str, Tensor]:
    """Error histograms (N, 152), plain and weighted, and mean chroma (N,) of ``colorize(L)`` and of the truth."""
    found = []
    for batch in images.split(8):
        lab = rgb_to_lab(batch)
        ab, true = colorize(lab[:, :1]), lab[:, 1:]
        found.append({"plain AuC": metrics.error_histogram(ab, true),
                      "rebalanced AuC": metrics.error_histogram(ab, true, weights, bins),
                      "chroma": metrics.mean_chroma(ab), "true chroma": metrics.mean_chroma(true)})
    return {key: torch.cat([row[key] for row in found]) for key in found[0]}


def _true_ab(images: Tensor):
    return (rgb_to_lab(batch)[:, 1:] for batch in images.split(8))


def picture_errors(made: pairs.Pairs, groups, n: int) -> dict[str, Estimate]:
    """PSNR (dB), CIEDE2000 and colourfulness of the fakes, over photographs."""
    rows = {"PSNR": [], "CIEDE2000": [], "colorfulness": []}
    for real, fake in zip(made.real.split(32), made.fake.split(32)):
        real, fake = real.float() / 255, fake.float() / 255
        rows["PSNR"].append(metrics.psnr(fake, real).clamp(max=99))
        rows["CIEDE2000"].append(metrics.ciede2000(rgb_to_lab(fake), rgb_to_lab(real)).mean((-2, -1)))
        rows["colorfulness"].append(metrics.colorfulness(fake))
    return {name: judging.bootstrap_mean(torch.cat(values), n, groups=groups) for name, values in rows.items()}
