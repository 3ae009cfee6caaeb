"""What the terminal's verb judge does: colors photographs, or reads two folders, and compares.

`color_errors` has the color errors, `galleries` the discriminators, `judging` what they say.
"""

from __future__ import annotations

import os
import warnings
from collections import Counter
from pathlib import Path

import torch
from torch import Tensor

from . import (checkpoints, color_errors, discriminators, galleries, generators, judging, pairs,
               photos, sources, stages, training)
from .commands import FOLDS, refuse_none, watched

JUDGES = 3  # of other splits: each learns from two thirds of them


def judge(args) -> None:
    """Print, and with --json write, what a discriminator and the color error say."""
    if bool(args.photos) == bool(args.real and args.fake) or (args.photos and args.real):
        raise ValueError("give either REAL_DIR and FAKE_DIR, or --photos FOLDER")
    _check_judge(args)
    numbers, of_sources, generator = {}, {}, None
    if args.photos:
        generator = generators.load(args.weights).to("cuda" if torch.cuda.is_available() else "cpu")
        images, names, groups = _squares(args, args.split, args.limit)
        print(f"{len(images)} photographs of {args.photos} ({args.split}), "
              f"colored by {args.weights}")
        if args.by_source:  # before the long work: a wrong file is refused at once
            labels = color_errors.read_sources(args.by_source, names, args.split)
        others = {name: generators.load(name).to(next(generator.parameters()).device) for name in args.beside}
        tables = color_errors.color_tables(generator, images, others)
        numbers = color_errors.color_numbers(tables, groups, args.seed)
        if args.by_source:
            of_sources = color_errors.by_source(tables, labels, groups, args.seed)
        made = None
        if args.discriminator != "none":
            made = pairs.make(generator, images, names=names, groups=groups, progress=watched())
        count = len(images)
    else:
        made = read_pairs(args.real, args.fake, args.limit)
        count = len(made)
        print(f"{count} pairs of {args.real} and {args.fake}")
    asked = {"accuracy": judging.accuracy, "fooling rate": judging.fooling_rate,
             "single-image d'": judging.single_image_d_prime, "paired d'": judging.paired_d_prime,
             "ROC area": judging.roc_area}
    if made is not None:
        real, fake = _scores(args, made, generator)
        numbers |= {name: ask(real, fake, made.groups, args.seed) for name, ask in asked.items()}
    _print_numbers(numbers)
    for source, rows in of_sources.items():
        print(f"{source}: {rows['photographs']} photographs")
        _print_numbers({name: value for name, value in rows.items() if name != "photographs"})
    if args.json:
        record = {"command": args.command, "machine": stages.machine(), "photographs": count,
                  "numbers": _plain(numbers)}
        if of_sources:
            record["sources"] = {source: _plain(rows) for source, rows in of_sources.items()}
        stages.write_json(Path(args.json), record)


def _check_judge(args) -> None:
    for option in ("by_source", "judge_splits", "beside"):
        if getattr(args, option) and not args.photos:
            raise ValueError(f"--{option.replace('_', '-')} needs --photos FOLDER")
    if args.discriminator == "none" and not args.photos:
        raise ValueError("--discriminator none measures colors alone and needs --photos FOLDER")
    if args.save_judge and not args.judge_splits:
        raise ValueError("--save-judge keeps a judge trained on --judge-splits: give those, too")
    if args.judge_splits and args.discriminator != "fresh":
        raise ValueError("--judge-splits trains judges, but --discriminator is "
                         f"{args.discriminator}: leave one out")
    if args.judge_splits and args.split in args.judge_splits:
        raise ValueError(f"--judge-splits has {args.split}, which is judged: give other splits")


def _squares(args, split: str, limit: int | None = None) -> tuple[Tensor, list[str], list[str]]:
    """Squares (N, 3, 256, 256) of a split of --photos, their names and groups."""
    found = photos.load(args.photos, split)
    images = found.square(256, limit, progress=watched())
    refuse_none(images, args.photos)
    return images, found.names[:len(images)], found.groups[:len(images)]


def _scores(args, made: pairs.Pairs, generator) -> tuple[Tensor, Tensor]:
    """What the wanted discriminators say of originals and fakes."""
    if args.judge_splits:
        judges = _judges_of_other_splits(args, generator, made)
        return galleries.pooled_scores(judges, made)
    if args.discriminator == "fresh":
        judges, fold = galleries.cross_fit(made, FOLDS, args.epochs, args.seed, progress=watched())
        return tuple(galleries.held_out(judges, fold, images) for images in (made.real, made.fake))
    network = discriminators.load(args.discriminator)
    return judging.score(network, made.real), judging.score(network, made.fake)


def _judges_of_other_splits(args, generator, judged: pairs.Pairs) -> list:
    """Three judges, each trained on two thirds of the photographs of --judge-splits."""
    images, groups = [], []
    for split in args.judge_splits:
        of_split, _, its_groups = _squares(args, split)
        images.append(of_split)
        # In a folder the same path in two splits is two photographs; embedded crops share theirs.
        if args.photos != "embedded":
            its_groups = [f"{split}/{group}" for group in its_groups]
        groups += its_groups
    shared = set(groups) & set(judged.groups)
    if shared:
        raise ValueError(f"--judge-splits: {len(shared)} photographs are judged, too (the first: "
                         f"{min(shared)}): give other photographs")
    learned = pairs.make(generator, torch.cat(images), groups=groups, progress=watched())
    options = dict(epochs=args.epochs, seed=args.seed, progress=watched(),
                   schedule=training.falling_rate, average=0.99)
    judges, _ = galleries.cross_fit(learned, JUDGES, **options)
    if args.save_judge:
        _save_judge(args, learned, options)
    print(f"{len(judges)} judges, each trained on two thirds of {len(learned)} other photographs "
          f"({', '.join(args.judge_splits)})")
    return judges


def _save_judge(args, learned: pairs.Pairs, options: dict) -> None:
    """Train one more judge, on all pairs, and save it."""
    torch.manual_seed(args.seed)
    judge = discriminators.Discriminator()
    log = training.train_discriminator(judge, learned.real, learned.fake, **options)
    if log.interrupted:
        raise KeyboardInterrupt
    path = checkpoints.save(judge.cpu(), args.save_judge, half=True, pairs=len(learned),
                            epochs=args.epochs, seed=args.seed, seconds=round(log.seconds),
                            generator=Path(args.weights).name)
    print(f"{path}: a judge trained on all {len(learned)} of them")


def _print_numbers(numbers: dict) -> None:
    for name, value in numbers.items():
        print(f"  {name:<78}{value}")


def _plain(numbers: dict) -> dict:
    """Rows as JSON has them: what cannot be said (an interval that would not cover) is null."""
    plain = {}
    for name, value in numbers.items():
        if hasattr(value, "_asdict"):
            value = {key: None if x != x else x for key, x in value._asdict().items()}
        plain[name] = value
    return plain


def read_pairs(real_folder, fake_folder, limit: int | None = None):
    """Pairs from two folders in which a photograph and its fake have the same path, suffix apart."""
    real, fake = (sources.whole_folder(folder) for folder in (real_folder, fake_folder))
    for folder, found in ((real_folder, real), (fake_folder, fake)):
        twice = [name for name, n in Counter(_stem(name) for name, _, _ in found).items() if n > 1]
        if twice:
            raise ValueError(f"{str(folder)!r} has several files called {twice[0]!r}, suffix apart: which belongs to the "
                             "pair cannot be told; keep one")
    _warn_of_one_sided_jpeg(real, fake)
    fakes = {_stem(name): reader for name, _, reader in fake}
    missing = [name for name, _, _ in real if _stem(name) not in fakes]
    if missing:
        raise ValueError(f"{len(missing)} of {len(real)} photographs in {str(real_folder)!r} have no fake of "
                         f"their name in {str(fake_folder)!r} (the first: {missing[0]}): color them first")
    real = photos.Photos(*zip(*real))
    real_images = real.square(256, limit)
    twins = [fakes[_stem(name)] for name in real.names[:len(real_images)]]
    fake = photos.Photos(real.names[:len(twins)], real.names[:len(twins)], twins)
    fake_images = fake.square(256)
    refuse_none(fake_images, str(fake_folder))
    kept = [real.names.index(name) for name in fake.names]  # a broken fake takes its original with it
    return pairs.from_images(real_images[kept], fake_images, names=fake.names)


def _stem(name: str) -> str:
    return os.path.splitext(name)[0]


def _warn_of_one_sided_jpeg(real: list, fake: list) -> None:
    real, fake = (sum(name.lower().endswith((".jpg", ".jpeg")) for name, _, _ in found) / len(found)
                  for found in (real, fake))
    if abs(real - fake) > 0.1:
        warnings.warn(f"{real:.0%} of the photographs are JPEG files, and {fake:.0%} of the fakes: a discriminator may tell "
                      "them apart by JPEG's traces alone; keep both alike", stacklevel=3)
