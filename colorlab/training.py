"""What a training step is: for the generator (from scratch, or fine-tuned) and for the discriminator.

Both run in `loop.fit`, which keeps checkpoints and logs.
"""

from collections.abc import Sequence
from contextlib import nullcontext

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from . import kernels, parallel
from .batches import Ahead, at_a_quarter, batch_at, bend, fingerprint, random_crops
from .bins import AbBins
from .color import rgb_to_lab
from .loop import Log, fit
from .losses import euclidean_loss, weighted_and_plain
from .rebalance import class_weights, empirical_prior, is_grey, smooth_prior

LOSSES = ("l2", "classification", "rebalanced")
COUNTED = 20_000  # photographs are enough to count the colours of any number: 82 million labels


def train_generator(generator: nn.Module, images: Tensor, *, loss: str = "rebalanced", prior: Tensor | None = None,
                    steps: int = 1000, batch: int = 32, crop: int = 96, lr: float = 1e-3, mix: float = 0.5, seed: int = 0,
                    zoom: bool = True, labels: str = "average", device: torch.device | str | None = None,
                    weight_decay: float = 1e-2, gamma: float = 0.0, accumulate: int = 1, grey: Sequence[int] | None = None,
                    **fit_options) -> Log:
    """Train (or go on training) a generator on photographs.

    Args:
        generator: an `ECCV16`, with bins for the cross-entropies, without for "l2".
        images: uint8 RGB ``(N, 3, S, S)``. A batch takes random crops, mirrored half the time; with ``zoom`` a crop is of
            any size from ``crop`` to S, shrunk to ``crop``.
        loss: "l2" (equation 1), "classification" (equation 2 without weights), "rebalanced" (with them).
        prior: ``(Q,)`` smoothed prior for "rebalanced"; None counts it over ``images``.
        mix: lambda of the class weights (equation 4). gamma: shows each crop at another exposure (see `batches.bend`; 0.3
            is plenty), so that few photographs teach more; their ab stays.
        labels: "average" the truth over each 4x4 pixels, or "sample" one of them, as the original did.
        device: None: a GPU if there is one. Where bfloat16 is native (see `mixed_precision`), steps run under autocast.
        grey: indices of the grey ones among ``images``, which have no weight; None looks at each. What `cache.grey` kept.
        accumulate: parts into which a batch is cut, one after the other, where it does not fit into memory at once.
        fit_options: folder, average, check, every, freeze_bn, label, progress of `fit`.
    Returns:
        the log: "loss", and "unweighted" beside it for the cross-entropies, "euclidean" for "l2". The generator is trained
        in place, and left in eval mode.
    Raises:
        ValueError: images of another kind or all grey, a loss that does not fit the generator, a crop that does not fit.
    """
    device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    _check_training(generator, images, loss, crop)
    generator.to(device).unfreeze()
    dtype = next(generator.parameters()).dtype
    colored = colored_ones(images, grey)  # no copy of the others: images may be mapped from a file
    if not len(colored):
        raise ValueError("images are all grey (|a| and |b| never above 5); expected photographs with colour to learn from")
    weights = None
    if loss == "rebalanced":
        if prior is None:
            parts = (images.index_select(0, index.to(images.device)) for index in colored.split(64))
            prior = smooth_prior(empirical_prior(parts, generator.bins.cpu()), generator.bins)
            generator.bins.to(device)
        weights = class_weights(prior, mix).to(device, dtype)
    settings = dict(loss=loss, batch=batch, crop=crop, lr=lr, mix=mix, zoom=zoom, labels=labels, weight_decay=weight_decay,
                    gamma=gamma, **generator.settings(), images=fingerprint(images[::-(-len(images) // 5000)]),
                    weights=None if weights is None else fingerprint(weights),
                    start=fingerprint(*generator.state_dict().values()))
    if device.type != "cuda" or images.nbytes < torch.cuda.get_device_properties(device).total_memory / 4:
        images = images.to(device)  # else each batch is sent

    def draw(step: int, part: int) -> Tensor:
        chosen = colored[batch_at(step, len(colored), batch, seed)[parallel.share(batch, part, accumulate)]]
        return random_crops([images[i] for i in chosen.tolist()], crop, zoom, *drawn_by(step, part))

    def drawn_by(step: int, part: int) -> tuple[int, int]:
        return seed * 1_000_003 + step, parallel.share(batch, part, accumulate).start

    def loss_at(step: int, part: int = 0) -> dict:
        lab = rgb_to_lab(crops(step, part).to(device), check=False).to(dtype)
        ab = at_a_quarter(lab[:, 1:], labels)
        L = bend(lab[:, :1], gamma, *drawn_by(step, part)) if gamma else lab[:, :1]
        with mixed_precision(device):
            output = generator(L)
        if loss == "l2" or not kernels.fused(output, True):  # the fused loss reads bfloat16 as it comes
            output = output.to(dtype)
        if loss == "l2":
            value = euclidean_loss(output, ab)
            return {"loss": value / ab[0, 0].numel(), "euclidean": value}  # by the pixel: any crop, one learning rate
        weighted, plain = weighted_and_plain(output, ab, generator.bins, weights)
        return {"loss": weighted, "unweighted": plain}

    optimizer = torch.optim.AdamW(generator.parameter_groups(lr), lr=lr, betas=(0.9, 0.99), weight_decay=weight_decay)
    options = dict(schedule=warm_hold_decay, label=f"generator ({loss})", accumulate=accumulate) | fit_options
    beside = images.device.type == "cpu" != device.type  # a processor is busy with the network, a GPU's own work is queued anyway
    with Ahead(draw, steps if beside else 0, accumulate) as crops:
        return fit(generator, optimizer, loss_at, steps, seed=seed, settings=settings, **options)


def train_discriminator(discriminator: nn.Module, real: Tensor, fake: Tensor, *, epochs: int = 10, batch: int = 16,
                        lr: float = 1e-3, seed: int = 0, validation: tuple[Tensor, Tensor] | None = None,
                        device: torch.device | str | None = None, **fit_options) -> Log:
    """Train a discriminator to say 1 of real photographs and 0 of fakes: Mu & Lee section 2.2, with Keras' RMSprop.

    Args:
        real, fake: uint8 RGB ``(N, 3, 150, 150)``, a pair at each index. Batches mix both, 2N images an epoch.
        validation: (real, fake) held out, for the log: "validation_accuracy" after each epoch.
        fit_options: of `fit`. ``schedule=falling_rate, average=0.99`` lets the rate fall to 0 and
            averages the weights: less noise at no cost. The defaults are the paper's: neither.
    Returns:
        the log: "loss" and "accuracy" (of images). The discriminator is trained in place, and left in eval mode.
    Raises:
        ValueError: real and fake that are no pairs of uint8 images.
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
        logits = discriminator(images.index_select(0, chosen).float() / 255, check=False)
        right = ((logits > 0) == (truth[chosen] > 0.5)).float().mean()
        return {"loss": F.binary_cross_entropy_with_logits(logits, truth[chosen]), "accuracy": right}

    def check(step: int) -> dict:
        from .judging import score

        real_logits, fake_logits = (score(discriminator, x) for x in validation)
        return {"validation_accuracy": float(torch.cat((real_logits > 0, fake_logits <= 0)).float().mean())}

    if schedule := fit_options.get("schedule"):
        settings["schedule"] = schedule.__name__  # a folder of another schedule holds another run
    an_epoch = -(-len(images) // batch)
    optimizer = torch.optim.RMSprop(discriminator.parameters(), lr=lr, alpha=0.9, eps=1e-7)
    options = dict(every=an_epoch, check=check if validation else None, label="discriminator") | fit_options
    return fit(discriminator, optimizer, loss_at, epochs * an_epoch, seed=seed, settings=settings, **options)


def colored_ones(images: Tensor, grey: Sequence[int] | None = None) -> Tensor:
    """Indices of the photographs that are not grey; ``grey``: those that are, if that is known."""
    pale = grey_ones(images) if grey is None else torch.zeros(len(images), dtype=torch.bool)
    if grey is not None and len(grey):
        pale[torch.as_tensor(grey)] = True
    return (~pale).nonzero().squeeze(1)


def prior_of(images: Tensor, colored: Tensor, bins: AbBins) -> Tensor:
    """The smoothed prior of the photographs at these indices; of `COUNTED` of them, evenly spaced, where there are more."""
    counted = colored[::-(-len(colored) // COUNTED)]
    parts = (images.index_select(0, index.to(images.device)) for index in counted.split(64))
    return smooth_prior(empirical_prior(parts, bins), bins)


def grey_ones(images: Tensor) -> Tensor:
    """Which photographs, uint8 ``(N, 3, S, S)``, are grey (`rebalance.is_grey`): bool ``(N,)``."""
    return torch.cat([is_grey(rgb_to_lab(part)[:, 1:]) for part in images.split(64)])


def mixed_precision(device: torch.device):
    """bfloat16 autocast on a GPU, and on a CPU that computes in bfloat16 (AVX512-BF16); elsewhere it would cost time."""
    native = device.type == "cuda" or device.type == "cpu" and getattr(torch.cpu, "_is_avx512_bf16_supported", bool)()
    return torch.autocast(device.type, torch.bfloat16) if native else nullcontext()


def warm_hold_decay(progress: float) -> float:
    """Learning-rate factor: up over the first 3 %, held, then down to zero over the last 40 %."""
    return min(1.0, progress / 0.03 + 0.01, (1 - progress) / 0.4)


def falling_rate(progress: float) -> float:
    """Learning-rate factor: linearly from 1 to 0."""
    return 1 - progress


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
