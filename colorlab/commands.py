"""What the terminal's verbs train, finetune and judge do, each a short use of the library.

`colorlab.__main__` parses the arguments and hands them on; `colorizing` and `doctor` are the other verbs.
"""

from __future__ import annotations

import functools
import json
import os
import sys
import warnings
from collections import Counter
from pathlib import Path

import torch
from torch import Tensor

from . import (cache, checkpoints, color_errors, discriminators, estimate, finetuning, galleries, generators, judging, pairs,
               parallel, photos, sources, stages, training)
from .bins import AbBins
from .rebalance import class_weights, empirical_prior, smooth_prior, take_back

FOLDS = 2  # a fresh discriminator judges the half that it did not train on


# --- train, finetune -----------------------------------------------------------------------------

def train(args) -> None:
    _check(args)
    if args.estimate:
        return _estimate(args)
    if args.photos is None or args.out is None:
        raise ValueError("give --photos FOLDER and --out DIR, or --estimate to learn how long it would take")
    if args.json:
        raise ValueError("--json keeps what --estimate finds; a training has its log in --out")
    torch.manual_seed(args.seed)
    if args.start is None:
        generator = generators.new(args.generator, bins=None if args.loss == "l2" else AbBins(), width=args.width)
    else:
        generator = _fitting(args.start, args.loss)
    found = photos.load(args.photos, args.split)
    if args.cache is None:
        images, grey = found.square(args.size, progress=_watched()), None
    else:
        images = cache.squares(found, args.cache, args.size, progress=_watched())
        grey = cache.grey(args.cache)
    parallel.start()
    _train_and_save(generator, images, args, weight_decay=args.weight_decay, gamma=args.gamma, grey=grey)


def finetune(args) -> None:
    _check(args)
    parallel.start()
    generator = _fitting(args.weights, args.loss)
    found = photos.load(args.photos, "train")
    images = found.square(256, progress=_watched())
    if args.choose != "all":
        images = images[_choose(generator, images, found, args)]
    _train_and_save(generator, images, args, freeze_bn=True)


def _estimate(args) -> None:
    parallel.start()
    rate = estimate.images_a_second(args.generator, args.width, args.loss, args.batch, args.crop, average=args.average, gamma=args.gamma,
                                    accumulate=args.accumulate, seed=args.seed)
    if parallel.rank() == 0:
        print(estimate.report(rate, args.batch, args.crop, args.steps))
        if args.json:
            numbers = {"images a second": round(rate, 2), "days": round(args.steps * args.batch / rate / 86400, 2)}
            stages.write_json(Path(args.json), {"command": args.command, "machine": stages.machine(), "numbers": numbers})
    parallel.stop()


def _check(args) -> None:
    if args.take_back and args.loss != "rebalanced":
        raise ValueError(f"--take-back undoes class weights, and --loss {args.loss} has none: leave it out")


def _fitting(name: str, loss: str) -> generators.Generator:
    """The named generator, if it was made for the loss."""
    generator = generators.load(name)
    if (generator.bins is None) != (loss == "l2"):
        wanted = "l2" if generator.bins is None else "classification or rebalanced"
        raise ValueError(f"--loss is {loss}, but {name} was made for {wanted}: give that")
    return generator


def _choose(generator, images: Tensor, found, args) -> Tensor:
    """Indices of the share of photographs that an arm of `finetuning` trains on."""
    if len(images) < 2 * FOLDS:
        raise ValueError(f"{len(images)} photographs are too few to choose from: give a folder with more")
    realness = loss = torch.zeros(len(images))
    if args.choose == "largest-loss":
        loss = finetuning.photo_losses(generator, images)
    elif args.choose == "most-real":  # ranked by judges that did not train on them
        made = pairs.make(generator, images, names=found.names, groups=found.groups, progress=_watched())
        judges, fold = galleries.cross_fit(made, FOLDS, args.epochs, args.seed, progress=_watched())
        realness = finetuning.realness(judges, made.real, fold)
    count = max(1, round(args.share * len(images)))
    return finetuning.choose(args.choose.replace("-", " "), count, realness, loss, args.seed)


def _train_and_save(generator, images: Tensor, args, **options) -> None:
    out, prior, first = Path(args.out), None, parallel.rank() == 0
    if args.loss == "rebalanced":
        prior = training.prior_of(images, training.colored_ones(images, options.get("grey")), AbBins())
    log = training.train_generator(generator, images, loss=args.loss, steps=args.steps, batch=args.batch,
                                   crop=args.crop, lr=args.lr, mix=args.mix, average=args.average, prior=prior,
                                   seed=args.seed, folder=out, accumulate=args.accumulate, progress=_watched(), **options)
    if log.interrupted:
        raise KeyboardInterrupt  # the checkpoint is in its folder
    parallel.stop()
    if not first:
        return
    if args.take_back:
        take_back(generator, class_weights(prior, args.mix), args.take_back)
    generator.work_size = args.work_size
    named = ("start", "split", "size", "loss", "steps", "batch", "crop", "lr", "weight_decay", "gamma", "mix", "average", "take_back", "seed")
    settings = {name: getattr(args, name) for name in named if getattr(args, name, None) is not None}
    if "start" in settings:
        settings["start"] = Path(args.start).name
    path = checkpoints.save(generator.cpu(), out / "generator.safetensors", half=args.half, photographs=len(images),
                            seconds=round(log.seconds), **settings)
    print(f"{path}: trained for {args.steps} steps on {len(images)} photographs\n"
          f"try it: python -m colorlab colorize IN OUT --weights {path}")


# --- study ---------------------------------------------------------------------------------------

def study(args) -> None:
    from . import study

    study.run(args.photos, args.out, args.budget, args.seed, _watched(), functools.partial(print, flush=True), args.command)


# --- prior ---------------------------------------------------------------------------------------

def prior(args) -> None:
    """Count the smoothed prior of photographs, and write it with what it was counted over."""
    found = photos.load(args.photos, args.split)
    if args.cache is None:
        images = found.square(args.size, progress=_watched())
    else:
        images = cache.squares(found, args.cache, args.size, progress=_watched())
    _some(images, args.photos)
    bins, sigma = AbBins(), 5.0
    smoothed = smooth_prior(empirical_prior(images.split(64), bins), bins, sigma)
    record = {"command": args.command, "machine": stages.machine(),
              "counted over": f"{Path(args.photos).name} ({args.split})", "photographs": len(images),
              "size": args.size, "averaged over": "4x4 pixels", "sigma": sigma,
              "prior": smoothed.tolist()}
    stages.write_json(Path(args.output), record)
    print(f"{args.output}: prior of {len(bins)} bins, counted over {len(images)} photographs")


# --- judge ---------------------------------------------------------------------------------------

def judge(args) -> None:
    """Print, and with --json write, what a discriminator and the colour error say."""
    if bool(args.photos) == bool(args.real and args.fake) or (args.photos and args.real):
        raise ValueError("give either REAL_DIR and FAKE_DIR, or --photos FOLDER")
    numbers = {}
    if args.photos:
        found = photos.load(args.photos, args.split)
        images = found.square(256, args.limit, progress=_watched())
        _some(images, args.photos)
        generator = generators.load(args.weights).to("cuda" if torch.cuda.is_available() else "cpu")
        names, groups = found.names[:len(images)], found.groups[:len(images)]
        print(f"{len(images)} photographs of {args.photos} ({args.split}), colored by {args.weights}")
        numbers = color_errors.color_numbers(generator, images, groups, args.seed)
        made = pairs.make(generator, images, names=names, groups=groups, progress=_watched())
    else:
        made = read_pairs(args.real, args.fake, args.limit)
        print(f"{len(made)} pairs of {args.real} and {args.fake}")
    if args.discriminator == "fresh":
        judges, fold = galleries.cross_fit(made, FOLDS, args.epochs, args.seed, progress=_watched())
        real, fake = (galleries.held_out(judges, fold, images) for images in (made.real, made.fake))
    else:
        network = discriminators.load(args.discriminator)
        real, fake = judging.score(network, made.real), judging.score(network, made.fake)
    numbers["accuracy"] = judging.accuracy(real, fake, made.groups, args.seed)
    numbers["fooling rate"] = judging.fooling_rate(real, fake, made.groups, args.seed)
    for name, value in numbers.items():
        print(f"  {name:<46}{value}")
    if args.json:
        text = json.dumps({"command": args.command,
                           "machine": stages.machine(), "photographs": len(made),
                           "numbers": {name: _plain(value) for name, value in numbers.items()}}, indent=1)
        checkpoints.write_atomically(args.json, lambda path: path.write_text(text + "\n", encoding="utf-8"))


def _plain(value) -> dict:
    """A row as JSON has it: what cannot be said (the chroma ratio of grey photographs) is null."""
    return {key: None if number != number else number for key, number in value._asdict().items()}


def _some(images, folder) -> None:
    if not len(images):
        raise ValueError(f"none of the photographs in {folder!r} can be read: give another folder")


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
    _some(fake_images, str(fake_folder))
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


def _watched() -> bool:
    return sys.stdout.isatty()  # no progress bars in a file
