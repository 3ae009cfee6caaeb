"""One training loop for every network here: generator, discriminator, fine-tuning.

`fit` is the loop. Step t draws its batch from (seed, t) alone, so that a run that was interrupted and resumed sees
what it would have seen, and every photograph once an epoch. `train_generator` and `train_discriminator` say what a step
is. With a ``folder``, a checkpoint is written there as the run goes; calling again resumes it, or, when it is done, loads it.
"""

import copy
import json
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from .batches import at_a_quarter, batch_at, fingerprint, random_crops
from .checkpoints import write_atomically
from .color import rgb_to_lab
from .losses import euclidean_loss, weighted_and_plain
from .rebalance import class_weights, empirical_prior, is_grey, smooth_prior

LOSSES = ("l2", "classification", "rebalanced")


@dataclass
class Log:
    """What a run wrote down: a list of rows, each with "step", most with "loss"; its seconds; whether it was stopped."""

    rows: list[dict] = field(default_factory=list)
    seconds: float = 0.0
    interrupted: bool = False

    def series(self, key: str = "loss") -> tuple[list[int], list[float]]:
        """The steps at which ``key`` was written, and its values."""
        rows = [row for row in self.rows if key in row]
        if not rows:
            raise KeyError(f"{key!r} is not in this log; it has {sorted({k for row in self.rows for k in row})}")
        return [row["step"] for row in rows], [row[key] for row in rows]


def fit(network: nn.Module, optimizer: torch.optim.Optimizer, loss_at: Callable[[int], dict], steps: int, *, seed: int = 0,
        schedule: Callable[[float], float] | None = None, average: float = 0.0, folder: str | Path | None = None,
        settings: dict | None = None, check: Callable[[int], dict] | None = None, every: int = 100,
        freeze_bn: bool = False, label: str = "training", progress: bool = True) -> Log:
    """Train ``network`` for ``steps`` steps. Interrupting it (Ctrl-C, a notebook's stop button) keeps what was trained.

    Args:
        loss_at: step -> dict of scalars, of which "loss" is differentiated and all are logged.
        schedule: progress in [0, 1] -> factor of each learning rate; None keeps them as they are.
        average: decay of an exponential moving average of the weights, which the network holds in the end; 0 for none.
        folder: where ``checkpoint.pt`` and ``log.json`` are written and resumed from; None keeps nothing on disk.
        settings: what makes this run this run; a folder of other settings is refused.
        check: called every ``every`` steps and at the end with the network in eval mode; its dict is logged.
        freeze_bn: keep BatchNorm's statistics (fine-tuning on few photographs).
    """
    log, start, settings = Log(), 0, dict(settings or {}, seed=seed, average=average)
    averaged = copy.deepcopy(network).eval() if average else network
    rates = [group["lr"] for group in optimizer.param_groups]
    checkpoint = None if folder is None else Path(folder) / "checkpoint.pt"
    if checkpoint is not None and checkpoint.is_file():
        start = _resume(checkpoint, settings, network, averaged, optimizer, log)

    def keep() -> None:
        _keep(checkpoint, dict(step=done, settings=settings, network=network.state_dict(), log=log.__dict__,
                               averaged=averaged.state_dict(), optimizer=optimizer.state_dict()))

    device = next(network.parameters()).device
    began, sums, count, done = time.perf_counter() - log.seconds, {}, 0, start
    log.interrupted = False
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []), \
            tqdm(total=steps, initial=start, desc=label, leave=False, mininterval=1, file=sys.stdout,
                 disable=not progress) as bar:
        try:
            for step in range(start, steps):
                network.train()
                if freeze_bn:
                    _freeze_batchnorm(network)
                torch.manual_seed(seed * 1_000_003 + step)  # dropout, too, depends on (seed, step) alone
                for group, rate in zip(optimizer.param_groups, rates):
                    group["lr"] = rate * (schedule(step / steps) if schedule else 1.0)
                terms = loss_at(step)
                optimizer.zero_grad(set_to_none=True)
                terms["loss"].backward()
                optimizer.step()
                done = step + 1
                if average:
                    _move_average(averaged, network, min(average, (1 + step) / (10 + step)))
                sums = {key: sums.get(key, 0) + value.detach() for key, value in terms.items()}
                count += 1
                bar.update()
                if done % max(1, min(every, steps // 50)) == 0 or done == steps:
                    log.rows.append({"step": done, **{key: float(value) / count for key, value in sums.items()}})
                    bar.set_postfix(loss=f"{log.rows[-1]['loss']:.3f}", refresh=False)
                    sums, count, log.seconds = {}, 0, time.perf_counter() - began
                if done % every == 0 or done == steps:
                    if check is not None:
                        log.rows[-1] |= _checked(check, done, averaged)
                    keep()
        except KeyboardInterrupt:
            log.interrupted = True
            keep()
            tqdm.write(f"{label}: interrupted at step {done} of {steps}; what was trained is kept"
                       + ("" if checkpoint is None else ", call again to go on"))
    if average:
        network.load_state_dict(averaged.state_dict())
    network.eval()
    return log


def train_generator(generator: nn.Module, images: Tensor, *, loss: str = "rebalanced", prior: Tensor | None = None,
                    steps: int = 1000, batch: int = 32, crop: int = 96, lr: float = 1e-3, mix: float = 0.5, seed: int = 0,
                    zoom: bool = True, labels: str = "average", device: torch.device | str | None = None,
                    weight_decay: float = 1e-2, **fit_options) -> Log:
    """Train (or go on training) a generator on photographs.

    Args:
        generator: an `ECCV16`, with bins for the cross-entropies, without for "l2".
        images: uint8 RGB ``(N, 3, S, S)``. A batch takes random crops, mirrored half the time; with ``zoom`` a crop is of
            any size from ``crop`` to S, shrunk to ``crop``.
        loss: "l2" (equation 1), "classification" (equation 2 without weights), "rebalanced" (with them).
        prior: ``(Q,)`` smoothed prior for "rebalanced"; None counts it over ``images``.
        mix: lambda of the class weights (equation 4).
        labels: "average" the truth over each 4x4 pixels, or "sample" one of them, as the original did.
        device: None: a GPU if there is one. On it, steps run under bfloat16 autocast.
        fit_options: folder, average, check, every, freeze_bn, label, progress of `fit`.
    """
    device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    _check_training(generator, images, loss, crop)
    generator.to(device).requires_grad_(True)
    weights = None
    if generator.bins is not None:
        generator.model_out.requires_grad_(False)
    if loss == "rebalanced":
        if prior is None:
            prior = smooth_prior(empirical_prior(images.split(64), generator.bins.cpu()), generator.bins)
            generator.bins.to(device)
        weights = class_weights(prior, mix).float().to(device)
    settings = dict(loss=loss, batch=batch, crop=crop, lr=lr, mix=mix, zoom=zoom, labels=labels, images=fingerprint(images),
                    weight_decay=weight_decay, width=generator.width, start=fingerprint(*generator.state_dict().values()))
    images = images.to(device)

    def loss_at(step: int) -> dict:
        rgb = random_crops(images[batch_at(step, len(images), batch, seed)], crop, zoom, seed * 1_000_003 + step)
        lab = rgb_to_lab(rgb, check=False)
        coloured = ~is_grey(lab[:, 1:])
        lab = lab[coloured] if coloured.any() else lab
        ab = at_a_quarter(lab[:, 1:], labels)
        with torch.autocast("cuda", torch.bfloat16) if device.type == "cuda" else nullcontext():
            output = generator(lab[:, :1])
        if loss == "l2":
            value = euclidean_loss(output.float(), ab)
            return {"loss": value / ab[0, 0].numel(), "euclidean": value}  # by the pixel: any crop, one learning rate
        weighted, plain = weighted_and_plain(output, ab, generator.bins, weights)
        return {"loss": weighted, "unweighted": plain}

    trained = [p for p in generator.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=lr, betas=(0.9, 0.99), weight_decay=weight_decay)
    options = dict(schedule=warm_hold_decay, label=f"generator ({loss})") | fit_options
    return fit(generator, optimizer, loss_at, steps, seed=seed, settings=settings, **options)


def train_discriminator(discriminator: nn.Module, real: Tensor, fake: Tensor, *, epochs: int = 10, batch: int = 16,
                        lr: float = 1e-3, seed: int = 0, validation: tuple[Tensor, Tensor] | None = None,
                        device: torch.device | str | None = None, **fit_options) -> Log:
    """Train a discriminator to say 1 of real photographs and 0 of fakes: Mu & Lee section 3.2, with Keras' RMSprop.

    Args:
        real, fake: uint8 RGB ``(N, 3, 150, 150)``, a pair at each index. Batches mix both, 2N images an epoch.
        validation: (real, fake) held out, for the log: "validation_accuracy" after each epoch.
    """
    if real.shape != fake.shape or real.dtype != torch.uint8 or fake.dtype != torch.uint8 or not len(real):
        raise ValueError(f"real is {real.dtype} {tuple(real.shape)} and fake {fake.dtype} {tuple(fake.shape)}; "
                         "expected uint8 (N, 3, 150, 150) twice, one pair at each index")
    device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    discriminator.to(device)
    settings = dict(batch=batch, lr=lr, images=fingerprint(real, fake),
                    start=fingerprint(*discriminator.state_dict().values()))
    images = torch.cat((real, fake)).to(device)
    truth = torch.cat((torch.ones(len(real)), torch.zeros(len(fake)))).to(device)

    def loss_at(step: int) -> dict:
        chosen = batch_at(step, len(images), batch, seed).to(device)
        logits = discriminator(images[chosen].float() / 255)
        right = ((logits > 0) == (truth[chosen] > 0.5)).float().mean()
        return {"loss": F.binary_cross_entropy_with_logits(logits, truth[chosen]), "accuracy": right}

    def check(step: int) -> dict:
        from .judging import score

        real_logits, fake_logits = (score(discriminator, x) for x in validation)
        return {"validation_accuracy": float(torch.cat((real_logits > 0, fake_logits <= 0)).float().mean())}

    an_epoch = -(-len(images) // batch)
    optimizer = torch.optim.RMSprop(discriminator.parameters(), lr=lr, alpha=0.9, eps=1e-7)
    options = dict(every=an_epoch, check=check if validation else None, label="discriminator") | fit_options
    return fit(discriminator, optimizer, loss_at, epochs * an_epoch, seed=seed, settings=settings, **options)


def warm_hold_decay(progress: float) -> float:
    """Learning-rate factor: up over the first 3 %, held, then down to zero over the last 40 %."""
    return min(1.0, progress / 0.03 + 0.01, (1 - progress) / 0.4)


def _check_training(generator: nn.Module, images: Tensor, loss: str, crop: int) -> None:
    if loss not in LOSSES:
        raise ValueError(f"loss is {loss!r}; expected one of {', '.join(LOSSES)}")
    if (loss == "l2") != (generator.bins is None):
        raise ValueError(f"loss {loss!r} needs a generator {'without' if loss == 'l2' else 'with'} bins: "
                         f"ECCV16({'bins=None' if loss == 'l2' else ''})")
    if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] != 3 or not len(images):
        raise ValueError(f"images is {images.dtype} {tuple(images.shape)}; expected uint8 (N, 3, S, S), N at least 1")
    if crop % 8 or not 8 <= crop <= min(images.shape[-2:]):
        raise ValueError(f"crop is {crop}; expected a multiple of 8 from 8 to {min(images.shape[-2:])}, the images' size")


def _freeze_batchnorm(network: nn.Module) -> None:
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.eval()


@torch.no_grad()
def _move_average(averaged: nn.Module, network: nn.Module, decay: float) -> None:
    for mean, value in zip(averaged.state_dict().values(), network.state_dict().values()):
        mean.lerp_(value, 1 - decay) if mean.is_floating_point() else mean.copy_(value)


def _checked(check: Callable[[int], dict], step: int, network: nn.Module) -> dict:
    network.eval()
    with torch.no_grad():
        return check(step)


def _keep(checkpoint: Path | None, state: dict) -> None:
    """Write the checkpoint and, beside it, the log as JSON; both whole or not at all."""
    if checkpoint is not None:
        write_atomically(checkpoint, lambda path: torch.save(state, path))
        write_atomically(checkpoint.with_name("log.json"), lambda path: path.write_text(json.dumps(state["log"])))


def _resume(checkpoint: Path, settings: dict, network: nn.Module, averaged: nn.Module, optimizer, log: Log) -> int:
    """Fill network, average, optimizer and log from a checkpoint of the same settings; returns its step."""
    saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
    differing = sorted(k for k in settings | saved["settings"] if settings.get(k) != saved["settings"].get(k))
    if differing:
        was = ", ".join(f"{k} was {saved['settings'].get(k)!r}, is now {settings.get(k)!r}" for k in differing)
        raise ValueError(f"folder {checkpoint.parent} holds another run: {was}; choose another folder, or delete it")
    network.load_state_dict(saved["network"])
    averaged.load_state_dict(saved["averaged"])
    optimizer.load_state_dict(saved["optimizer"])
    log.__dict__.update(saved["log"])
    return saved["step"]
