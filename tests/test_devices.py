"""What a GPU would refuse, found without one: see elsewhere.py."""

import copy

import pytest
import torch
from torch.utils import backend_registration

if not hasattr(backend_registration, "_setup_privateuseone_for_python_backend"):
    pytest.skip("this torch cannot have a device that is written in Python", allow_module_level=True)

import elsewhere
from colorlab import color, finetuning, generators, judging, losses, metrics, pairs, rebalance, training
from colorlab.batches import random_crops
from colorlab.bins import AbBins
from colorlab.discriminators import Discriminator
from elsewhere import Elsewhere, move, put

torch.manual_seed(0)
RGB = torch.rand(2, 3, 32, 32)
LAB = color.rgb_to_lab(RGB)
AB = LAB[:, 1:]
FAR = torch.full((1, 2, 2, 2), 300.0)
LOGITS = torch.randn(2, 313, 8, 8)
WEIGHTS = torch.rand(313)


def agree(there, here):
    """The same values, and elsewhere."""
    if isinstance(here, tuple):
        return [agree(a, b) for a, b in zip(there, here, strict=True)]
    assert isinstance(there, Elsewhere) and there.dtype == here.dtype
    close = {"rtol": 1e-4, "atol": 2e-4} if here.is_floating_point() else {}  # the CPU converts to Lab in a way of its own
    torch.testing.assert_close(there.here, here, **close)


def test_the_device_refuses_mixtures_and_keeps_values():
    with elsewhere.Device():
        agree(put(RGB) * 2 + 1, RGB * 2 + 1)
        agree(torch.zeros(3, device=elsewhere.DEVICE), torch.zeros(3))
        assert not isinstance(put(RGB).to("cpu"), Elsewhere)
        with pytest.raises(RuntimeError, match="mixes"):
            put(RGB) + RGB


@pytest.mark.parametrize("of", [
    lambda bins, here: color.rgb_to_lab(here(RGB)),
    lambda bins, here: color.rgb_to_lab(here((RGB * 255).byte())),
    lambda bins, here: color.lab_to_rgb(here(LAB)),
    lambda bins, here: color.in_gamut(here(LAB)),
    lambda bins, here: color.to_8_bit(here(RGB)),
    lambda bins, here: bins.nearest(here(AB)),
    lambda bins, here: bins.nearest(here(FAR)),
    lambda bins, here: bins.soft_encode(here(AB)),
    lambda bins, here: bins.soft_encode(here(FAR)),
    lambda bins, here: bins.soft_encode_dense(here(AB[..., :4, :4])),
    lambda bins, here: bins.annealed_mean(here(LOGITS)),
    lambda bins, here: losses.euclidean_loss(here(AB), here(AB + 1)),
    lambda bins, here: losses.rebalanced_cross_entropy(here(LOGITS), here(AB[..., :8, :8]), bins),
    lambda bins, here: losses.rebalanced_cross_entropy(here(LOGITS), here(AB[..., :8, :8]), bins, here(WEIGHTS)),
    lambda bins, here: rebalance.is_grey(here(AB)),
    lambda bins, here: metrics.mean_chroma(here(AB)),
    lambda bins, here: metrics.colorfulness(here(RGB)),
    lambda bins, here: metrics.psnr(here(RGB), here(RGB.flip(0))),
], ids=lambda of: of.__code__.co_names and "-".join(of.__code__.co_names[:2]))
def test_functions_stay_on_the_device(of):
    here = of(AbBins(), lambda x: x)
    with elsewhere.Device():
        agree(of(move(AbBins()), put), here)


IMAGES = (torch.rand(4, 3, 32, 32) * 255).byte()


def networks(**options):
    torch.manual_seed(1)
    network = generators.ECCV16(0.0625, **options)
    return network, move(copy.deepcopy(network))


def test_colorize():
    here, there = networks()
    with elsewhere.Device():
        agree(there.colorize(put(LAB[:, :1])), here.colorize(LAB[:, :1]))
        colored = there.colorize(LAB[:, :1])  # a photograph may stay on the CPU
    assert not isinstance(colored, Elsewhere)
    torch.testing.assert_close(colored, here.colorize(LAB[:, :1]))


def test_what_takes_photographs_from_the_cpu():
    here, there = networks()
    prior = torch.full((313,), 1 / 313)
    judge = Discriminator()
    with elsewhere.Device():
        made = pairs.make(there, IMAGES, size=150, progress=False)
        losses_there = finetuning.photo_losses(there, IMAGES, prior)
        scores = judging.score(move(copy.deepcopy(judge)), made.fake)
    assert not isinstance(losses_there, Elsewhere) and not isinstance(scores, Elsewhere)
    torch.testing.assert_close(made.fake, pairs.make(here, IMAGES, size=150, progress=False).fake)
    torch.testing.assert_close(losses_there, finetuning.photo_losses(here, IMAGES, prior))
    torch.testing.assert_close(scores, judging.score(judge, made.fake))


def test_crops_stay_on_the_device():
    here = random_crops(IMAGES, 16, True, 3)
    with elsewhere.Device():
        there = random_crops(put(IMAGES), 16, True, 3)
    assert isinstance(there, Elsewhere) and there.dtype == torch.uint8
    assert (there.here.int() - here.int()).abs().max() <= 1  # by single precision there, by fixed point here


@pytest.mark.parametrize("loss", ["l2", "classification", "rebalanced"])
def test_a_generator_trains(loss, monkeypatch):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", bool, raising=False)  # float32 on both
    here, _ = networks(**({"bins": None} if loss == "l2" else {}))
    there = copy.deepcopy(here)
    options = dict(loss=loss, steps=2, batch=2, crop=16, zoom=False, progress=False, gamma=0.3, average=0.5)
    log = training.train_generator(here, IMAGES, device="cpu", **options)
    with elsewhere.Device():
        log_there = training.train_generator(there, IMAGES, device=elsewhere.DEVICE, **options)
    torch.testing.assert_close(log_there.series("loss"), log.series("loss"), rtol=1e-4, atol=0)


def test_a_discriminator_trains():
    real, fake = (torch.rand(2, 4, 3, 150, 150) * 255).byte()
    torch.manual_seed(2)
    here = Discriminator()
    there = copy.deepcopy(here)
    options = dict(epochs=1, batch=4, validation=(real, fake), progress=False)
    log = training.train_discriminator(here, real, fake, device="cpu", **options)
    with elsewhere.Device():
        log_there = training.train_discriminator(there, real, fake, device=elsewhere.DEVICE, **options)
    torch.testing.assert_close(log_there.series("loss"), log.series("loss"))
    assert log_there.series("validation_accuracy") == log.series("validation_accuracy")
