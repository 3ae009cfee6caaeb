"""What the terminal's verbs train, finetune, study and prior do, each a short use of the library.

`colorlab.__main__` parses the arguments and hands them on; `colorizing`, `comparing` (judge) and `doctor` are the
other verbs.
"""

from __future__ import annotations

import functools
import sys
from pathlib import Path

import torch
from torch import Tensor

from . import (cache, checkpoints, estimate, finetuning, galleries, generators, pairs, parallel, photos, stages,
               training)
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
        images, grey = found.square(args.size, progress=watched()), None
    else:
        images = cache.squares(found, args.cache, args.size, progress=watched())
        grey = cache.grey(args.cache)
    parallel.start()
    _train_and_save(generator, images, args, weight_decay=args.weight_decay, gamma=args.gamma, grey=grey)


def finetune(args) -> None:
    _check(args)
    parallel.start()
    generator = _fitting(args.weights, args.loss)
    found = photos.load(args.photos, "train")
    images = found.square(256, progress=watched())
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
        made = pairs.make(generator, images, names=found.names, groups=found.groups, progress=watched())
        judges, fold = galleries.cross_fit(made, FOLDS, args.epochs, args.seed, progress=watched())
        realness = finetuning.realness(judges, made.real, fold)
    count = max(1, round(args.share * len(images)))
    return finetuning.choose(args.choose.replace("-", " "), count, realness, loss, args.seed)


def _train_and_save(generator, images: Tensor, args, **options) -> None:
    out, prior, first = Path(args.out), None, parallel.rank() == 0
    if args.loss == "rebalanced":
        prior = training.prior_of(images, training.colored_ones(images, options.get("grey")), AbBins())
    log = training.train_generator(generator, images, loss=args.loss, steps=args.steps, batch=args.batch,
                                   crop=args.crop, lr=args.lr, mix=args.mix, average=args.average, prior=prior,
                                   seed=args.seed, folder=out, accumulate=args.accumulate, progress=watched(), **options)
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

    study.run(args.photos, args.out, args.budget, args.seed, watched(), functools.partial(print, flush=True), args.command)


# --- prior ---------------------------------------------------------------------------------------

def prior(args) -> None:
    """Count the smoothed prior of photographs, and write it with what it was counted over."""
    found = photos.load(args.photos, args.split)
    if args.cache is None:
        images = found.square(args.size, progress=watched())
    else:
        images = cache.squares(found, args.cache, args.size, progress=watched())
    refuse_none(images, args.photos)
    bins, sigma = AbBins(), 5.0
    smoothed = smooth_prior(empirical_prior(images.split(64), bins), bins, sigma)
    record = {"command": args.command, "machine": stages.machine(),
              "counted over": f"{Path(args.photos).name} ({args.split})", "photographs": len(images),
              "size": args.size, "averaged over": "4x4 pixels", "sigma": sigma,
              "prior": smoothed.tolist()}
    stages.write_json(Path(args.output), record)
    print(f"{args.output}: prior of {len(bins)} bins, counted over {len(images)} photographs")


# --- what the verbs share ------------------------------------------------------------------------

def refuse_none(images, folder) -> None:
    if not len(images):
        raise ValueError(f"none of the photographs in {folder!r} can be read: give another folder")


def watched() -> bool:
    return sys.stdout.isatty()  # no progress bars in a file
