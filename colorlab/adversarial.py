"""Adversarial training of a generator that can already color, in the order of NoGAN: first the critic alone, then briefly both.

    tuned, critic, log = train_adversarially(start, PatchDiscriminator(), images, prior, steps=40, weight=0.1)

A loss by the pixel is a sum, so it cannot ask that pixels agree; a critic looks at many at once. What it asks reaches the logits
on a way of which each step has a derivative:

    logits -> annealed mean -> ab at a quarter -> enlarged, under the true L -> into the gamut -> RGB -> resized -> the critic's logits

The generator minimises rebalanced cross-entropy + weight * adversarial loss. With weight 0 it is `finetuning.finetune`, digit for
digit: the control.

Mu & Lee name this as future work. Goodfellow et al. (NIPS 2014): the game; Isola et al. (CVPR 2017): a game beside a loss by the
pixel; Antic, *DeOldify* (2019): the order, which he calls NoGAN.
"""

import copy
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .batches import at_a_quarter, batch_at, fingerprint, random_crops
from .color import into_gamut, lab_to_rgb, rgb_to_lab
from .discriminators import SIZE, Discriminator
from .generators import evaluating
from .loop import InTurns, Log, fit
from .losses import adversarial_loss, critic_loss, weighted_and_plain
from .metrics import mean_chroma
from .rebalance import class_weights
from .training import _check_training, colored_ones, mixed_precision, prior_of, warm_hold_decay

# What the log holds beside "loss", "unweighted" and "euclidean": each a sign by which one sees whether the game is going well.
MEASURES = {
    "pixel": "the rebalanced cross-entropy: what is given up for the critic's sake",
    "adversarial": "the generator's adversarial loss: near 0 the critic is fooled, far above log 2 it cannot be",
    "critic": "the critic's loss: log 2 = 0.69 where it guesses, near 0 where it has won",
    "right_on_real": "share of the real ones, or their patches, that the critic calls real",
    "right_on_fake": "share of the fakes, or their patches, that it calls fake",
    "pull": "how hard the weighted adversarial term pulls at the logits, over how hard the cross-entropy does (norms of gradients)",
    "chroma": "mean chroma of the fakes over that of the truth",
}


# --- The way from the logits to the critic -------------------------------------------------------

def paint(L: Tensor, ab: Tensor) -> Tensor:
    """The picture with this lightness and ab enlarged to its size: L (N, 1, H, W), ab (N, 2, h, w) -> RGB (N, 3, H, W).

    Differentiable by ab. Where sRGB ends, more chroma changes nothing and passes no gradient on; hue does (`color.into_gamut`).
    """
    ab = F.interpolate(ab, L.shape[-2:], mode="bilinear", align_corners=False)  # (N, 2, H, W)
    lab = into_gamut(torch.cat((L, ab), 1), check=False)
    return lab_to_rgb(lab, check=False)


def look(critic: nn.Module, rgb: Tensor) -> Tensor:
    """What a critic says of pictures of any size: the paper's CNN sees them at 150x150, any other as they are."""
    if isinstance(critic, Discriminator):
        rgb = F.interpolate(rgb, (SIZE, SIZE), mode="bilinear", antialias=True)
    return critic(rgb, check=False)


def both_sides(lab: Tensor, logits: Tensor, bins: nn.Module, temperature: float = 0.38, coarse: bool = True) -> tuple[Tensor, Tensor]:
    """What a critic compares: photographs, Lab (N, 3, H, W), and their fakes by logits (N, Q, H/4, W/4) -> RGB (N, 3, H, W) twice.

    With ``coarse`` the real ones, too, have their ab at a quarter of the size, enlarged. Else a critic goes by the sharpness of the
    chroma, asks for more of it, and the generator has no means to give that.
    """
    L, ab = lab[:, :1], lab[:, 1:]
    real = paint(L, at_a_quarter(ab) if coarse else ab)
    return real, paint(L, bins.annealed_mean(logits, temperature))


def terms(logits: Tensor, lab: Tensor, critic: nn.Module, bins: nn.Module, weights: Tensor | None = None,
          temperature: float = 0.38, coarse: bool = True) -> dict[str, Tensor]:
    """Both losses of a generator that gave these logits (N, Q, H/4, W/4) to photographs, Lab (N, 3, H, W), and what the critic says."""
    pixel, plain = weighted_and_plain(logits, at_a_quarter(lab[:, 1:]), bins, weights)
    real, fake = both_sides(lab, logits, bins, temperature, coarse)  # RGB (N, 3, H, W)
    said = look(critic, real), look(critic, fake)
    return {"pixel": pixel, "unweighted": plain, "adversarial": adversarial_loss(said[1]), "critic": critic_loss(*said),
            **right(*said), "chroma": chroma(fake, real)}


def pull(term: Tensor, logits: Tensor) -> Tensor:
    """How hard a loss pulls at the logits: the norm of its gradient."""
    return torch.autograd.grad(term, logits, retain_graph=True)[0].norm()


def right(real: Tensor, fake: Tensor) -> dict[str, Tensor]:
    """Shares of a critic's logits that are on their right side of 0."""
    return {"right_on_real": (real.detach() > 0).float().mean(), "right_on_fake": (fake.detach() <= 0).float().mean()}


def chroma(fake: Tensor, real: Tensor) -> Tensor:
    """Mean chroma of fakes over that of the real ones, RGB (N, 3, H, W) both."""
    fake, real = (mean_chroma(rgb_to_lab(x.detach(), check=False)[:, 1:]).mean() for x in (fake, real))
    return fake / real.clamp(min=1e-6)


# --- Training ------------------------------------------------------------------------------------

def train_critic(critic: nn.Module, generator: nn.Module, images: Tensor, steps: int = 40, *, lr: float = 2e-4, batch: int = 8,
                 crop: int | None = None, zoom: bool = True, temperature: float = 0.38, coarse: bool = True, seed: int = 0,
                 **fit_options) -> Log:
    """Train a critic alone, in place and on the generator's device; the generator stays as it is.

    Args and Raises: as `train_adversarially`, whose first part this is.
    Returns:
        the log: "loss", and of `MEASURES` those about the critic, and "chroma".
    """
    crop = _ready(generator, images, crop, steps=steps)
    lab_at = crops_of(images, batch, crop, zoom, seed, like=(parameter := next(generator.parameters())))
    critic.to(parameter.device).requires_grad_(True)
    settings = dict(lr=lr, batch=batch, crop=crop, zoom=zoom, temperature=temperature, coarse=coarse, images=fingerprint(images),
                    start=fingerprint(*critic.state_dict().values()), generator=fingerprint(*generator.state_dict().values()))

    def loss_at(step: int) -> dict:
        with torch.no_grad(), evaluating(generator):
            lab = lab_at(step)
            real, fake = both_sides(lab, logits_of(generator, lab), generator.bins, temperature, coarse)
        said = look(critic, real), look(critic, fake)
        loss = critic_loss(*said)
        _finite(step, "Lower critic_lr.", critic=loss)
        return {"loss": loss, "critic": loss, **right(*said), "chroma": chroma(fake, real)}

    optimizer = torch.optim.Adam(critic.parameters(), lr, betas=(0.5, 0.999))  # as Isola et al.
    return fit(critic, optimizer, loss_at, steps, seed=seed, settings=settings, **{"label": "critic alone", **fit_options})


def train_adversarially(generator: nn.Module, critic: nn.Module, images: Tensor, prior: Tensor | None = None, steps: int = 40,
                        weight: float = 0.1, *, alone: int = 40, lr: float = 1e-4, critic_lr: float = 2e-4, batch: int = 8,
                        crop: int | None = None, zoom: bool = True, mix: float = 0.5, weight_decay: float = 1e-2,
                        temperature: float = 0.38, coarse: bool = True, seed: int = 0, device: torch.device | str | None = None,
                        folder: str | Path | None = None, **fit_options) -> tuple[nn.Module, nn.Module, Log]:
    """Copies of a generator and a critic: the critic trained alone on the generator's pictures, then both in turns.

    In each step the generator moves, and the critic answers to what it paints now. What is drawn by chance depends on the seed alone.

    Args:
        generator: with bins, trained. critic: a `Discriminator`, or another network from RGB (N, 3, H, W) to logits.
        images: uint8 ``(N, 3, S, S)``; not one of those that the result is to be judged by.
        prior: ``(Q,)``, smoothed; None counts it over ``images``.
        steps, alone: of both, and before that of the critic.
        weight: of the adversarial loss beside the cross-entropy.
        coarse, temperature: see `both_sides`.
        lr, batch, crop, zoom, mix, weight_decay: as in `finetuning.finetune`; crop None is the whole photograph.
        folder: keeps both parts, resumes them, and loads them when they are done.
        fit_options: average, every, label, progress of `loop.fit`. BatchNorm keeps its statistics.
    Returns:
        generator, critic and log, with `MEASURES`; the critic's steps alone have numbers up to 0. After an interruption: what was
        trained so far, and ``log.interrupted``.
    Raises:
        ValueError: arguments that do not fit. FloatingPointError: a loss or a gradient is not finite any more.
    """
    if not 0 <= weight < float("inf"):
        raise ValueError(f"weight is {weight}; expected 0 (no critic has a say) or a positive number")
    crop = _ready(generator, images, crop, steps=steps, alone=alone)
    device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    tuned, critic = copy.deepcopy(generator).to(device).unfreeze(), copy.deepcopy(critic).to(device)
    same = dict(batch=batch, crop=crop, zoom=zoom, temperature=temperature, coarse=coarse)
    folder, quiet = Path(folder) if folder else None, {key: fit_options[key] for key in ("progress",) if key in fit_options}
    first = train_critic(critic, tuned, images, alone, lr=critic_lr, seed=seed, folder=folder and folder / "critic", **same,
                         **quiet)
    for row in first.rows:
        row["step"] -= alone
    if first.interrupted:
        return tuned, critic, first

    if prior is None:
        prior = prior_of(images, colored_ones(images), tuned.bins.cpu())
        tuned.bins.to(device)
    weights = class_weights(prior, mix).to(next(tuned.parameters()))
    lab_at, turn = crops_of(images, batch, crop, zoom, seed, like=weights), {}
    hint = f"Lower weight (it is {weight:g}), lr ({lr:g}) or critic_lr ({critic_lr:g})."

    def loss_at(step: int) -> dict:
        critic.requires_grad_(False)  # it has a say now, and moves later
        turn["lab"] = lab = lab_at(step)
        logits = logits_of(tuned, lab)  # (N, Q, H/4, W/4)
        row = terms(logits, lab, critic, tuned.bins, weights, temperature, coarse)
        pulls = pull(row["pixel"], logits), weight * pull(row["adversarial"], logits)
        _finite(step, hint, **row, **{"gradient at the logits": sum(pulls)})
        total = row["pixel"] + weight * row["adversarial"] if weight else row["pixel"]
        return {"loss": total, **row, "pull": pulls[1] / pulls[0]}

    def answer() -> None:
        critic.requires_grad_(True)
        with torch.no_grad():
            real, fake = both_sides(turn["lab"], logits_of(tuned, turn["lab"]), tuned.bins, temperature, coarse)
        critic_loss(look(critic, real), look(critic, fake)).backward()

    optimizer = InTurns(torch.optim.AdamW(tuned.parameter_groups(lr), lr=lr, betas=(0.9, 0.99), weight_decay=weight_decay), answer,
                        torch.optim.Adam(critic.parameters(), critic_lr, betas=(0.5, 0.999)))
    settings = dict(same, weight=weight, lr=lr, critic_lr=critic_lr, weight_decay=weight_decay, images=fingerprint(images),
                    weights=fingerprint(weights), start=fingerprint(*tuned.state_dict().values(), *critic.state_dict().values()))
    options = {"schedule": warm_hold_decay, "label": "generator and critic", "freeze_bn": True, **fit_options}
    log = fit(nn.ModuleDict({"generator": tuned, "critic": critic}), optimizer, loss_at, steps, seed=seed, settings=settings,
              folder=folder and folder / "both", **options)
    critic.requires_grad_(True)
    log.rows, log.seconds = first.rows + log.rows, first.seconds + log.seconds
    return tuned, critic, log


def crops_of(images: Tensor, batch: int, crop: int, zoom: bool, seed: int, like: Tensor) -> Callable[[int], Tensor]:
    """step -> Lab ``(batch, 3, crop, crop)`` of its crops, those that `training.train_generator` would see in that step."""
    colored = colored_ones(images)
    if not len(colored):
        raise ValueError("images are all grey (|a| and |b| never above 5); expected photographs with colour to learn from")

    def lab_at(step: int) -> Tensor:
        chosen = colored[batch_at(step, len(colored), batch, seed)]
        crops = random_crops([images[i] for i in chosen.tolist()], crop, zoom, seed * 1_000_003 + step)
        return rgb_to_lab(crops.to(like.device), check=False).to(like)

    return lab_at


def logits_of(generator: nn.Module, lab: Tensor) -> Tensor:
    """Lab (N, 3, H, W) -> logits (N, Q, H/4, W/4) in Lab's precision; the network's own may be lower."""
    with mixed_precision(lab.device):
        return generator(lab[:, :1]).to(lab.dtype)


def _finite(step: int, hint: str, **values: Tensor) -> None:
    for name, value in values.items():
        if not torch.isfinite(value):
            raise FloatingPointError(f"step {step}: {name} is {value.item()}, the training has diverged. {hint}")


def _ready(generator: nn.Module, images: Tensor, crop: int | None, **counts: int) -> int:
    """Refuse what cannot be trained with; the crop: the whole photograph unless given."""
    for name, count in counts.items():
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            raise ValueError(f"{name} is {count!r}; expected a number of steps, 0 or more")
    crop = images.shape[-1] // 8 * 8 if crop is None else crop
    _check_training(generator, images, "rebalanced", crop)
    return crop
