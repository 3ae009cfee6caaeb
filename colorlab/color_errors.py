"""How far a generator's colors are from the true ones, beside two answers that need no network.

These are gray, and one color. The measures are those of `metrics`; here they are put side by side,
each with its interval, and paired differences.
"""

import csv
import math
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from . import judging, metrics, pairs
from .bins import AbBins
from .color import rgb_to_lab
from .judging import Estimate

PLAIN, REBALANCED = "plain AuC", "rebalanced AuC"
BY_ZHANG = "rebalanced AuC by Zhang et al.'s definition"
FEWEST = 5  # photographs of a source that has rows of its own


def color_tables(generator, images: Tensor, beside: dict | None = None) -> dict[str, dict[str, Tensor]]:
    """Measure a generator, all gray and the best constant colors on each photograph.

    The constant may be any whose plain AuC is no worse than the generator's or gray's, whichever
    is lower, so that a generator cannot beat it by colors that are merely safer or merely bolder.
    Each definition of the rebalanced AuC has its own best constant; the plain AuC of "best
    constant" is that of the stored prior's.

    Args:
        images: uint8 (N, 3, 256, 256); all is measured on the generator's own output at this size.
        beside: other generators to compare with, by name.
    Returns:
        for "generator", "all gray", "best constant" and each name of ``beside``: error histograms (N, 152) under "plain
        AuC", "rebalanced AuC" (weights of the stored prior) and "rebalanced AuC by Zhang et al.'s
        definition"; and, (N,) each, "distance" (mean ab distance from the truth), "chroma" and
        "true chroma" (mean chroma of the colors and of the truth).
    """
    bins = AbBins()
    weights = {PLAIN: None, REBALANCED: metrics.stored_prior_weights(),
               BY_ZHANG: metrics.own_prior_weights(_true_ab(images), bins)}
    tables = {"generator": _rows(generator.colorize, images, weights, bins),
              "all gray": _rows(_flat((0.0, 0.0)), images, weights, bins)}
    ours, grays = (metrics.auc(rows[PLAIN]) for rows in tables.values())
    limit = None if ours >= grays else ours - 0.05  # the constant's own score is that inexact
    constants = {}
    for kind in (REBALANCED, BY_ZHANG):
        best = metrics.best_constant(_true_ab(images), weights[kind], bins, limit)
        constants[kind] = _rows(_flat(best.ab), images, weights, bins)
    tables["best constant"] = constants[REBALANCED] | {BY_ZHANG: constants[BY_ZHANG][BY_ZHANG]}
    for name, other in (beside or {}).items():
        tables[name] = _rows(other.colorize, images, weights, bins)
    return tables


def color_numbers(tables: dict, groups=None, seed: int = 0) -> dict[str, Estimate]:
    """Compare a generator with all gray and the best constant color.

    A row "a less b" is a paired difference.

    Intervals are bootstraps over photographs. In a simulation (250-400 draws from 2,400
    photographs, the shipped network) the 95 % intervals of the rebalanced AuC's level (stored
    prior) covered 95, 93 and 88 % on 456, 120 and 50 photographs, so they are given. Those of the
    level by Zhang et al.'s definition, which depends on the number of photographs, covered 58, 29
    and 14 %: there are none. Paired differences covered 91 to 96 %.

    Args:
        tables: of `color_tables`. groups: (N,) labels; crops of one photograph share theirs.
    """
    options, numbers = {"seed": seed, "groups": groups}, {}
    ours = tables["generator"]
    for kind in (PLAIN, REBALANCED, BY_ZHANG):
        for name, rows in tables.items():
            level = metrics.bootstrap_auc(rows[kind], **options)
            numbers[f"{kind}, {name}"] = level if kind != BY_ZHANG else _no_interval(level.mean)
            if name != "generator":
                less = metrics.bootstrap_auc_difference(ours[kind], rows[kind], **options)
                numbers[f"{kind}, generator less {name}"] = less
        if kind != PLAIN:
            effective = metrics.effective_number(ours[kind], groups)
            numbers[f"{kind}, effective number of photographs"] = _no_interval(effective)
    for name, rows in tables.items():
        if name != "best constant":
            mean = judging.bootstrap_mean(rows["distance"], **options)
            numbers[f"mean ab distance, {name}"] = mean
            if name != "generator":
                nearer = judging.difference(rows["distance"], ours["distance"], **options)
                numbers[f"mean ab distance, {name} less generator"] = nearer
        if name not in ("all gray", "best constant"):
            label = "chroma ratio" if name == "generator" else f"chroma ratio, {name}"
            numbers[label] = _chroma_ratio(rows, **options)
    return numbers


def by_source(tables: dict, sources: list[str], groups=None, seed: int = 0) -> dict[str, dict]:
    """Give the main paired differences for each source of photographs.

    Weights and constants are those of all photographs together.

    Args:
        tables: of `color_tables`.
        sources: (N,) names; those of fewer than 5 photographs are pooled, and named.
    Returns:
        for each source, the largest first: "photographs", and Estimates.
    """
    counts = Counter(sources)
    few = sorted(name for name in counts if counts[name] < FEWEST)
    pooled = f"fewer than {FEWEST} each: {', '.join(few)}"
    labels = np.array([pooled if name in few else name for name in sources])
    found = {}
    for name, count in Counter(labels.tolist()).most_common():
        chosen = np.flatnonzero(labels == name)
        options = {"seed": seed, "groups": None if groups is None else np.asarray(groups)[chosen]}
        part = {row: {key: values[chosen] for key, values in rows.items()}
                for row, rows in tables.items()}
        found[name] = {"photographs": count}
        for kind, other in ((PLAIN, "all gray"), (REBALANCED, "best constant"),
                            (BY_ZHANG, "best constant")):
            both = part["generator"][kind], part[other][kind]
            less = metrics.bootstrap_auc_difference(*both, **options)
            found[name][f"{kind}, generator less {other}"] = less
        gray, ours = part["all gray"], part["generator"]
        nearer = judging.difference(gray["distance"], ours["distance"], **options)
        found[name]["mean ab distance, all gray less generator"] = nearer
        found[name]["chroma ratio"] = _chroma_ratio(ours, **options)
    return found


def read_sources(manifest: str | Path, names: list[str], split: str) -> list[str]:
    """Look up the source of each photograph in a CSV file with the columns "file" and "source".

    Args:
        names: as `photos.load` gives them; "file" is such a name, or split/name.
    Raises:
        ValueError: a column is missing, or a photograph.
    """
    with open(manifest, newline="", encoding="utf-8") as lines:
        rows = csv.DictReader(lines)
        if not {"file", "source"} <= set(rows.fieldnames or ()):
            raise ValueError(f"{manifest} has the columns {', '.join(rows.fieldnames or ())}; "
                             "expected file and source")
        known = {row["file"]: row["source"] for row in rows}
    sources = [known.get(f"{split}/{name}", known.get(name)) for name in names]
    missing = [name for name, source in zip(names, sources) if source is None]
    if missing:
        raise ValueError(f"{manifest} lacks {len(missing)} of {len(names)} photographs "
                         f"(the first: {missing[0]})")
    return sources


def _no_interval(value: float) -> Estimate:
    return Estimate(value, math.nan, math.nan)


def _chroma_ratio(rows: dict, **options) -> Estimate:
    return metrics.bootstrap_ratio(rows["chroma"], rows["true chroma"], **options)


def _flat(ab: tuple[float, float]):
    """A colorizer that gives every pixel one color."""
    return lambda L: torch.tensor(ab)[:, None, None].expand(len(L), 2, *L.shape[-2:])


def _rows(colorize, images: Tensor, weights: dict, bins: AbBins) -> dict[str, Tensor]:
    """What `color_tables` has of one colorizer, ``colorize(L) -> ab``."""
    batches = []
    for batch in images.split(8):
        lab = rgb_to_lab(batch)
        ab, true = colorize(lab[:, :1]), lab[:, 1:]
        rows = {kind: metrics.error_histogram(ab, true, w, bins) for kind, w in weights.items()}
        rows["distance"] = (ab - true).square().sum(1).sqrt().mean((-2, -1))
        rows["chroma"], rows["true chroma"] = metrics.mean_chroma(ab), metrics.mean_chroma(true)
        batches.append(rows)
    return {key: torch.cat([rows[key] for rows in batches]) for key in batches[0]}


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
