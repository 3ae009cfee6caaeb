"""Fine-tuning a generator on chosen photographs, and the control arms without which a gain says nothing.

    judges, fold = galleries.cross_fit(made)                            no judge ranks what it trained on
    real = realness(judges, made.real, fold)
    chosen = choose("most real", 32, realness=real, loss=photo_losses(start, images, weights))
    tuned, log = finetune(start, images[chosen], prior, steps=40)

An arm is a way to choose. All arms get as many photographs, steps and seeds; "none" keeps the start. What
happens to "most real" and to "random" alike is the effect of training on, not of the choice.

Mu & Lee, *Improving Parametric Colorization Methods Using Discriminators*, fine-tune on "most real" alone
(Figure 8).
"""

import copy
import math

import numpy as np
import torch
from torch import Tensor, nn

from . import judging, metrics, training
from .batches import at_a_quarter
from .bins import AbBins
from .color import rgb_to_lab
from .discriminators import Discriminator
from .generators import evaluating
from .judging import Estimate
from .losses import weighted_and_plain
from .pairs import Pairs
from .rebalance import class_weights

FEW = 5  # photographs that differ from all others: fewer, and a bootstrap cannot be trusted
ARMS = ("none", "random", "most real", "largest loss")
HIGHER = {"fooling rate": ("better", "worse"), "distance": ("worse", "better"),  # what more, less of it mean
          "plain AuC": ("better", "worse"), "rebalanced AuC": ("better", "worse"),
          "chroma ratio": ("more colourful", "duller")}


# --- Choosing ------------------------------------------------------------------------------------

def ranks(scores: Tensor) -> Tensor:
    """Scores (N,) -> places from 0, the lowest, to 1, the highest; equal ones share the mean of theirs."""
    ordered = scores.sort().values
    below, not_above = (torch.searchsorted(ordered, scores, right=right) for right in (False, True))
    return (below + not_above - 1) / 2 / max(1, len(scores) - 1)


def realness(judges: list, real: Tensor, fold: Tensor | None = None) -> Tensor:
    """How real photographs look to judges that did not train on them: places (N,) from 0 to 1, the most real.

    The logits of two networks have no scale in common, so each judge ranks for itself.

    Args:
        judges, fold: of `galleries.cross_fit`; judge i ranks the photographs of fold i. Without fold no judge
            knows any of them, and each photograph gets the mean of its places.
        real: uint8 ``(N, 3, 150, 150)``.
    """
    if fold is None:
        return torch.stack([ranks(judging.score(judge, real)) for judge in judges]).mean(0)
    places = torch.empty(len(real))
    for i, judge in enumerate(judges):
        if (fold == i).any():
            places[fold == i] = ranks(judging.score(judge, real[fold == i]))
    return places


@torch.no_grad()
def photo_losses(generator: nn.Module, images: Tensor, weights: Tensor | None = None) -> Tensor:
    """The training loss of each photograph: uint8 ``(N, 3, S, S)``, S a multiple of 8 -> (N,) on the CPU.

    Args:
        weights: ``(Q,)`` class weights; None weighs all pixels alike. Without bins the loss is half the
            squared error in ab by the pixel, and weights are not used.
    """
    losses = []
    with evaluating(generator) as device:
        for part in images.split(8):
            lab = rgb_to_lab(part.to(device))
            output, ab = generator(lab[:, :1]), at_a_quarter(lab[:, 1:])
            if generator.bins is None:
                losses.append((output - ab).square().sum(1).mean((1, 2)) / 2)
            else:
                each = [weighted_and_plain(logits, true, generator.bins, weights)[0]
                        for logits, true in zip(output.split(1), ab.split(1))]
                losses.append(torch.stack(each))
    return torch.cat(losses).float().cpu()


def choose(arm: str, count: int, realness: Tensor, loss: Tensor, seed: int = 0) -> Tensor:
    """Which photographs an arm trains on: int64 (count,), sorted; none for "none".

    Args:
        realness, loss: (N,) each, of the photographs to choose from. seed: of "random", which alone needs it.
    """
    if arm not in ARMS or not 0 < count <= len(realness) or len(loss) != len(realness):
        raise ValueError(f"arm is {arm!r}, count {count} of {len(realness)} realness and {len(loss)} losses; "
                         f"expected one of {', '.join(ARMS)}, and at most as many as there are of both")
    if arm == "none":
        return torch.empty(0, dtype=torch.long)
    chance = torch.rand(len(realness), generator=torch.Generator().manual_seed(seed))
    score = {"random": chance, "most real": realness, "largest loss": loss}[arm]
    return score.argsort(descending=True, stable=True)[:count].sort().values


# --- Training ------------------------------------------------------------------------------------

def finetune(generator: nn.Module, images: Tensor, prior: Tensor | None = None, steps: int = 100,
             lr: float = 1e-4, seed: int = 0, watch: dict[str, Tensor] | None = None,
             **options) -> tuple[nn.Module, training.Log]:
    """A copy of a generator, trained on at a low rate with BatchNorm's statistics kept; the original stays.

    Args:
        images: uint8 ``(N, 3, S, S)``, the chosen photographs.
        prior: ``(Q,)``, smoothed, counted once for all arms; None counts it over ``images``.
        watch: sets of photographs, uint8, whose mean loss is logged under their names, from step 0 on.
        options: of `training.train_generator`: batch, folder, every ... ; crop is the whole photograph unless given.
            Far smaller crops teach a network their borders: it gets worse on whole photographs, whatever it learns.
    """
    tuned = copy.deepcopy(generator)
    options = {"loss": "rebalanced" if tuned.bins is not None else "l2", "freeze_bn": True,
               "crop": images.shape[-1] // 8 * 8, **options}
    weights = None if prior is None else class_weights(prior, options.get("mix", 0.5)).float()

    def losses(step: int) -> dict:
        return {name: photo_losses(tuned, some, weights).mean().item() for name, some in watch.items()}

    before = losses(0) if watch else {}
    log = training.train_generator(tuned, images, prior=prior, steps=steps, lr=lr, seed=seed,
                                   check=losses if watch else None, **options)
    if watch:
        log.rows.insert(0, {"step": 0, **before})
    return tuned, log


def fresh_judge(made: Pairs, epochs: int = 10, seed: int = 0, **options) -> Discriminator:
    """A discriminator that has seen nothing but these pairs; its first weights depend on the seed alone.

    Its weights are averaged over the last dozen steps: with few pairs, a single step can throw a judge off.

    Args:
        made: its training pairs, fakes of the generator that it is to judge.
        options: of `training.train_discriminator`.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        judge = Discriminator()
    log = training.train_discriminator(judge, made.real, made.fake, epochs=epochs, seed=seed, **{"average": 0.9, **options})
    if log.interrupted:
        raise KeyboardInterrupt  # a judge of half a training is none; its checkpoint, in a folder, is kept
    return judge


# --- Comparing -----------------------------------------------------------------------------------

def measure(made: list[Pairs], judges: list, sets: dict[str, Tensor]) -> dict[str, dict[str, np.ndarray]]:
    """All that is compared, of S seeds, on the very pictures that a judge sees.

    Args:
        made: S pairs of the same photographs, by the generator of each seed. judges: S, one for each seed.
        sets: {name: indices (N,)} into the photographs.
    Returns:
        for each set: real, fake (S, N), the logits; fooled, distance (S, N), of those functions; plain,
        rebalanced (S, N, 152), of `metrics.error_histogram`; chroma, true chroma (S, N), of fakes and originals.
        "rebalanced" is Zhang et al.'s definition over each set: its level depends on the set's size.
    """
    bins, true = AbBins(), ab_of(made[0].real)  # (M, 2, H, W)
    weights = {name: metrics.own_prior_weights(true[part], bins) for name, part in sets.items()}
    rows = {name: [] for name in sets}
    for one, judge in zip(made, judges, strict=True):
        real, fake, ab = judging.score(judge, one.real), judging.score(judge, one.fake), ab_of(one.fake)
        apart = distance(real, fake)  # in one unit for all sets
        for name, part in sets.items():
            rows[name].append({
                "real": real[part], "fake": fake[part],
                "fooled": judging.fooled(real, fake)[part], "distance": apart[part],
                "plain": metrics.error_histogram(ab[part], true[part]),
                "rebalanced": metrics.error_histogram(ab[part], true[part], weights[name], bins),
                "chroma": metrics.mean_chroma(ab[part]), "true chroma": metrics.mean_chroma(true[part])})
    return {name: {key: torch.stack([row[key] for row in some]).double().numpy() for key in some[0]}
            for name, some in rows.items()}


def distance(real: Tensor, fake: Tensor) -> Tensor:
    """Logits (N,) twice -> how far each fake lies below its original, in standard deviations of the logits.

    The mean over photographs is the sensitivity index d': 0 where real and fake cannot be told apart.
    """
    spread = ((real.var() + fake.var()) / 2).sqrt()
    return (real - fake) / spread.clamp(min=1e-6)


def estimates(a: dict, b: dict | None = None, groups=None, n: int = 2000) -> dict[str, Estimate]:
    """What `measure` found, with 95 % intervals that resample photographs and seeds.

    Args:
        b: None, or what to subtract from a: the intervals are then those of the paired differences.
        groups: (N,) labels; crops of one photograph are drawn together. n: resamples.
    """
    def auc(key: str) -> Estimate:
        if b is None:
            return metrics.bootstrap_auc(a[key], n, groups=groups)
        return metrics.bootstrap_auc_difference(a[key], b[key], n, groups=groups)

    def less(key: str) -> np.ndarray:
        return a[key] if b is None else a[key] - b[key]

    chroma = less("chroma")
    return {"fooling rate": rate(less("fooled"), n, groups, difference=b is not None),
            "distance": judging.bootstrap_mean(less("distance"), n, groups=groups), "plain AuC": auc("plain"),
            "rebalanced AuC": auc("rebalanced"), "chroma ratio": metrics.bootstrap_ratio(chroma, a["true chroma"][0], n, groups=groups)}


def rate(values: np.ndarray, n: int = 2000, groups=None, difference: bool = False) -> Estimate:
    """The mean of shares (S, N) in [0, 1], or of their paired differences, with an interval that a floor does not fool.

    A bootstrap is blind where all photographs agree, and nearly so where a handful differ: there the interval is made as wide as
    Wilson's, with as many trials as there are photographs.
    """
    found = judging.bootstrap_mean(values, n, groups=groups)
    count = values.shape[-1] if groups is None else len(set(groups))
    size = abs(found.mean)
    low, high = found.low, found.high
    if count * min(size, 1 - size) < FEW:
        ends = [end if found.mean >= 0 else -end for end in judging.wilson(min(size, 1.0) * count, count)]
        if difference and low == high and not size:
            ends = [-ends[1], ends[1]]  # never unlike: either may be the greater
        low, high = min(low, *ends), max(high, *ends)
    least = -1.0 if difference else 0.0
    return Estimate(found.mean, max(low, least), min(high, 1.0))


def verdict(difference, names: tuple[str, str] = ("better", "worse")) -> str:
    """What a difference's interval allows to say: the first name (above 0), the second, or "undecided"."""
    _, low, high = difference
    return names[0] if low > 0 else names[1] if high < 0 else "undecided"


def needed(difference, count: int, effect: float) -> int:
    """How many photographs would make the half-width of an interval as small as ``effect``.

    Widths shrink with the square root of what is resampled; seeds are supposed to grow in proportion.

    Args:
        difference: (mean, low, high), found on ``count`` photographs. effect: what is to be told from 0.
    """
    _, low, high = difference
    if not effect > 0 or not high >= low:
        raise ValueError(f"effect is {effect} and the interval [{low}, {high}]; expected an effect above 0")
    return math.ceil(count * ((high - low) / 2 / effect) ** 2)


def ab_of(images: Tensor) -> Tensor:
    """uint8 RGB (N, 3, H, W) -> ab (N, 2, H, W)."""
    return torch.cat([rgb_to_lab(part)[:, 1:] for part in images.split(64)])
