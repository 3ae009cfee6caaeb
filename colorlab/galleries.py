"""Ranking images by how real they look: no judge ranks what it trained on, no photograph fills a gallery.

Mu & Lee, *Improving Parametric Colorization Methods Using Discriminators*, section 3.3 and Figures 5 to 7,
with two changes: cross-fitting, since a network remembers what it has seen, and one crop of each photograph.
"""

from pathlib import Path

import torch
from torch import Tensor

from .discriminators import Discriminator
from .judging import score
from .pairs import Pairs
from .training import train_discriminator


def cross_fit(pairs: Pairs, k: int = 2, epochs: int = 10, seed: int = 0, folder: str | Path | None = None,
              **options) -> tuple[list[Discriminator], Tensor]:
    """Train k discriminators, each on the pairs outside its fold; all crops of a photograph are in one fold.

    Args:
        k: number of folds. epochs, seed, options: of `train_discriminator`.
        folder: keeps one run a fold in it, and loads them when they are there.
    Returns:
        the judges, and the fold of each pair, int64 ``(N,)``: judge i never saw the pairs with ``fold == i``.
    """
    fold = torch.empty(len(pairs), dtype=torch.long)
    for i, members in enumerate(pairs.folds(k, seed)):
        fold[members] = i
    judges = []
    for i in range(k):
        seen = pairs.subset(fold != i)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed * 1000 + i)
            judges.append(Discriminator())
        if train_discriminator(judges[i], seen.real, seen.fake, epochs=epochs, seed=seed,
                               folder=folder and Path(folder) / f"fold-{i}", **options).interrupted:
            raise KeyboardInterrupt  # a judge of half a training is none; what is in its folder goes on next time
    return judges, fold


def held_out(judges: list, fold: Tensor, images: Tensor) -> Tensor:
    """Logits ``(N,)`` of images uint8 ``(N, 3, 150, 150)``, each from the judge that never saw its pair."""
    if len(fold) != len(images) or not 0 <= int(fold.min()) <= int(fold.max()) < len(judges):
        raise ValueError(f"fold has {len(fold)} entries from {int(fold.min())} to {int(fold.max())}; "
                         f"expected {len(images)}, one an image, from 0 to {len(judges) - 1}")
    logits = torch.empty(len(images))
    for i in fold.unique().tolist():
        logits[fold == i] = score(judges[i], images[fold == i])
    return logits


def pooled_scores(judges: list, pairs: Pairs) -> tuple[Tensor, Tensor]:
    """Let several judges score pairs that none of them has seen; their mean is steadier than one.

    Each judge's logits are divided by their standard deviation over these images, and averaged
    over the judges. They are not centered: 0 stays the judges' own threshold, and a common shift
    changes no d', no fooling rate and no ROC curve.

    Args:
        judges: of `cross_fit`, trained on other photographs.
    Returns:
        scores of originals and of fakes, ``(N,)`` each.
    """
    total = torch.zeros(2, len(pairs))
    for judge in judges:
        logits = torch.stack((score(judge, pairs.real), score(judge, pairs.fake)))  # (2, N)
        total += logits / logits.std().clamp(min=1e-6)
    real, fake = total / len(judges)
    return real, fake


def judge_unit(real: Tensor, fake: Tensor, fold: Tensor) -> Tensor:
    """Spread of the logits of each pair's judge ``(N,)``: divided by it, logits of all judges share a unit.

    The scale of a logit is a network's own: a confident judge would fill every gallery. Dividing changes no sign,
    and no order within a judge. To rank what several judges say, take `on_one_scale`.
    """
    spread = [torch.cat((real[fold == i], fake[fold == i])).std() for i in range(int(fold.max()) + 1)]
    return torch.stack(spread)[fold]


def on_one_scale(real: Tensor, fake: Tensor, fold: Tensor) -> tuple[Tensor, Tensor]:
    """Logits ``(N,)`` of originals and fakes, each from its pair's judge -> scores ``(N,)`` that can be pooled and ranked.

    Less the judge's median, over its spread (`judge_unit`). Two judges share neither unit nor zero: one that finds
    everything a little more fake would send its whole fold to one end. Above 0 a score lies in the upper half of what its
    judge said; that is no verdict, which only the logit's sign is.
    """
    middle = torch.stack([torch.cat((real[fold == i], fake[fold == i])).median() for i in range(int(fold.max()) + 1)])[fold]
    unit = judge_unit(real, fake, fold)
    return (real - middle) / unit, (fake - middle) / unit


def one_each(order, groups: list[str], n: int = 10) -> list[int]:
    """The first n of an order, at most one of each photograph: crops of one photograph would fill a gallery.

    Args:
        order: indices, best first. groups: the photograph of each image, as in `Pairs.groups`.
    """
    chosen, met = [], set()
    for i in torch.as_tensor(order).tolist():
        if groups[i] not in met and len(chosen) < n:
            chosen.append(i)
            met.add(groups[i])
    return chosen
