"""Adversarial training: its losses, the way of a gradient to the logits, and that with weight 0 nothing is new."""

import copy
import math
from contextlib import nullcontext

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from colorlab import adversarial, finetuning, textbook
from colorlab.adversarial import MEASURES, both_sides, look, paint, terms, train_adversarially, train_critic
from colorlab.batches import at_a_quarter
from colorlab.bins import AbBins
from colorlab.color import in_gamut, into_gamut, lab_to_rgb, rgb_to_lab
from colorlab.discriminators import Discriminator, PatchDiscriminator
from colorlab.generators import ECCV16
from colorlab.losses import adversarial_loss, critic_loss
from colorlab.rebalance import class_weights
from pictures import drawn

COARSE = AbBins(40)


@pytest.fixture(scope="module")
def start() -> ECCV16:
    torch.manual_seed(0)
    return ECCV16(1 / 16, COARSE).eval()


@pytest.fixture(scope="module")
def patches() -> PatchDiscriminator:
    torch.manual_seed(1)
    return PatchDiscriminator()


def weights_of(network) -> list[torch.Tensor]:
    return list(network.state_dict().values())


def equal(one, other) -> bool:
    return all(torch.equal(a, b) for a, b in zip(weights_of(one), weights_of(other), strict=True))


RUN = dict(steps=3, alone=2, batch=2, crop=16, critic_lr=1e-3, progress=False)


# --- The patch critic

def test_patches_are_counted_and_seen_34_pixels_wide(patches):
    assert sum(p.numel() for p in patches.parameters()) == 167_649
    rgb = torch.rand(1, 3, 72, 80, generator=torch.Generator().manual_seed(0)).requires_grad_()
    logits = patches(rgb)
    assert logits.shape == (1, 1, 16, 18)
    seen = {}
    for column in (8, 9):
        (slope,) = torch.autograd.grad(logits[0, 0, 8, column], rgb, retain_graph=True)
        rows, columns = slope[0].abs().sum(0).nonzero().T
        seen[column] = [int(x) for x in (rows.min(), rows.max(), columns.min(), columns.max())]
        assert [seen[column][1] - seen[column][0] + 1, seen[column][3] - seen[column][2] + 1] == [34, 34]
    assert seen[9][2] - seen[8][2] == 4  # the next patch, 4 pixels on


def test_a_photographs_patches_do_not_depend_on_the_others(patches):
    rgb = torch.rand(3, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(patches(rgb)[:1], patches(rgb[:1]), atol=1e-6)


@pytest.mark.parametrize("rgb, error, words", [
    (torch.zeros(1, 3, 11, 40), ValueError, "at least 12"), (torch.zeros(3, 40, 40), ValueError, "rgb has shape"),
    (torch.zeros(1, 3, 16, 16, dtype=torch.uint8), TypeError, "divide by 255"),
    (torch.full((1, 3, 16, 16), 2.0), ValueError, r"expected \[0, 1\]")])
def test_patches_refuse_other_input(patches, rgb, error, words):
    with pytest.raises(error, match=words):
        patches(rgb)


def test_the_textbooks_patches_are_the_same_network(patches):
    plain = textbook.Patches()
    plain.load_state_dict(patches.state_dict())
    rgb = torch.rand(2, 3, 40, 48)
    assert torch.equal(plain(rgb), patches(rgb))


# --- The losses

def test_losses_are_the_formulas():
    real, fake = torch.randn(2, 3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).mul(3)
    D = torch.sigmoid
    assert torch.allclose(critic_loss(real, fake), -(D(real).log().mean() + (1 - D(fake)).log().mean()) / 2)
    assert torch.allclose(adversarial_loss(fake), -D(fake).log().mean())
    both, truth = torch.cat((real, fake)), torch.cat((torch.ones(3, 4), torch.zeros(3, 4))).double()
    assert torch.allclose(critic_loss(real, fake), F.binary_cross_entropy_with_logits(both, truth))
    assert critic_loss(torch.zeros(3), torch.zeros(5)).item() == pytest.approx(math.log(2))


def test_the_generators_loss_does_not_saturate_and_huge_logits_stay_finite():
    fake = torch.tensor([-8.0, 0.0, 8.0], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(3 * adversarial_loss(fake), fake)
    assert torch.allclose(slope, torch.sigmoid(fake) - 1) and slope[0] < -0.999 and slope[2] > -0.001
    assert adversarial_loss(torch.tensor([-1e4])).item() == 1e4
    assert critic_loss(torch.tensor([1e4]), torch.tensor([-1e4])).item() == 0


@pytest.mark.parametrize("loss", [adversarial_loss, lambda x: critic_loss(x[:2], x[2:])])
def test_gradcheck_of_the_losses(loss):
    assert torch.autograd.gradcheck(loss, torch.randn(4, dtype=torch.float64, requires_grad=True))


# --- The way from the logits to the critic

def a_case(size: int = 16):
    lab = rgb_to_lab(drawn(2, size).double() / 255 * 0.5 + 0.25)  # far from black and white: all in gamut
    rng = torch.Generator().manual_seed(0)
    return lab, 0.5 * torch.randn(2, len(COARSE), size // 4, size // 4, generator=rng, dtype=torch.float64)


def test_painting_is_the_path_of_the_pairs():
    lab, logits = a_case()
    real, fake = both_sides(lab, logits, COARSE)
    ab = F.interpolate(COARSE.annealed_mean(logits), (16, 16), mode="bilinear", align_corners=False)
    assert torch.equal(fake, lab_to_rgb(into_gamut(torch.cat((lab[:, :1], ab), 1))))
    assert torch.equal(real, paint(lab[:, :1], at_a_quarter(lab[:, 1:])))
    sharp, _ = both_sides(lab, logits, COARSE, coarse=False)
    assert torch.allclose(sharp, lab_to_rgb(lab), atol=1e-9) and not torch.allclose(real, sharp, atol=1e-3)


def test_the_papers_critic_sees_150_pixels_and_the_other_the_whole_crop(patches):
    seen = []
    critic = Discriminator().eval()
    critic.features.register_forward_hook(lambda layer, x, out: seen.append(tuple(x[0].shape)))
    rgb = torch.rand(2, 3, 40, 40)
    assert look(critic, rgb).shape == (2,) and seen == [(2, 3, 150, 150)]
    assert look(patches, rgb).shape == (2, 1, 8, 8)


@pytest.mark.parametrize("make", [PatchDiscriminator, Discriminator], ids=["patch", "paper"])
def test_the_gradient_arrives_through_the_whole_path(make):
    """Both terms, by finite differences in float64 along some directions of the logits."""
    torch.manual_seed(0)
    critic = make().double().eval()
    for p in critic.parameters():
        p.data *= 3  # else its logits hardly move
    lab, logits = a_case()
    weights = class_weights(torch.rand(len(COARSE), dtype=torch.float64) + 0.1)

    def total(z):
        row = terms(z, lab, critic, COARSE, weights)
        return row["pixel"] + 50 * row["adversarial"]

    ab = F.interpolate(COARSE.annealed_mean(logits), lab.shape[-2:], mode="bilinear")
    assert in_gamut(torch.cat((lab[:, :1], ab), 1)).all()  # beyond it the gradient is no derivative
    (slope,) = torch.autograd.grad(total(logits.requires_grad_()), logits)
    (pixel,) = torch.autograd.grad(terms(logits, lab, critic, COARSE, weights)["pixel"], logits)
    assert (slope - pixel).norm() > 0.01 * pixel.norm()  # the critic's part is no rounding
    with torch.no_grad():
        for seed in range(3):
            way = torch.randn(logits.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
            found = (total(logits + 1e-7 * way) - total(logits - 1e-7 * way)) / 2e-7  # no kink of max pooling is near
            assert found.item() == pytest.approx((slope * way).sum().item(), rel=1e-4)


def test_gradcheck_of_the_brush_and_of_the_annealed_mean():
    lab, logits = a_case(8)
    ab = at_a_quarter(lab[:, 1:]).mul(0.5).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: paint(lab[:, :1], x), ab)
    assert torch.autograd.gradcheck(COARSE.annealed_mean, logits.requires_grad_())


def test_beyond_the_gamut_hue_has_a_gradient_and_chroma_has_none():
    L, ab = torch.full((1, 1, 4, 4), 50.0), torch.tensor([120.0, 120.0]).view(1, 2, 1, 1)
    red, green, blue = paint(L, ab.requires_grad_())[0, :, 0, 0]
    assert blue.item() < 1e-3 < red.item() < 0.99
    (slope,) = torch.autograd.grad(red, ab)
    assert slope.norm() > 1e-5 and (slope * ab).sum().abs() < 1e-3 * slope.norm() * ab.norm()
    L, ab = L + 10, ab.detach() / 10
    (slope,) = torch.autograd.grad(paint(L, ab.requires_grad_())[0, 0, 0, 0], ab)
    assert (slope * ab).sum().abs() > 0.1 * slope.norm() * ab.norm()


# --- Training

def test_with_weight_0_it_is_fine_tuning_digit_for_digit(start, patches):
    images, prior = drawn(4), class_weights(torch.rand(len(COARSE)) + 0.1)
    same = dict(steps=4, batch=2, crop=16, lr=3e-3, seed=3, average=0.5, progress=False)
    plain, told = finetuning.finetune(start, images, prior, **same)
    tuned, _, log = train_adversarially(start, patches, images, prior, weight=0, alone=1, **same)
    assert equal(plain, tuned) and not equal(start, tuned)
    assert log.series("pixel")[1] == log.series("loss")[1][1:] == told.series("loss")[1] and log.series("pull")[1] == [0] * 4
    other, _, _ = train_adversarially(start, patches, images, prior, weight=5, alone=1, **same)
    assert not equal(other, tuned)


def test_one_turn_of_the_textbook_is_one_step(start, patches, monkeypatch):
    def plain_descent(parameters, lr, betas, **options):  # Adam would turn rounding errors of tiny slopes into whole steps
        return torch.optim.SGD(parameters, lr)

    monkeypatch.setattr(adversarial, "mixed_precision", lambda device: nullcontext())
    monkeypatch.setattr(torch.optim, "AdamW", plain_descent)
    monkeypatch.setattr(torch.optim, "Adam", plain_descent)
    images, prior = drawn(4), class_weights(torch.rand(len(COARSE)) + 0.1)
    run = dict(steps=1, alone=0, batch=2, crop=16, lr=0.1, critic_lr=0.2, seed=3, schedule=None, progress=False)
    tuned, critic, _ = train_adversarially(start, patches, images, prior, weight=0.7, device="cpu", **run)
    plain, other, weights = copy.deepcopy(start), copy.deepcopy(patches), class_weights(prior)
    lab = adversarial.crops_of(images, 2, 16, True, 3, weights)(0)
    first, second = torch.optim.SGD(plain.parameters(), 0.1), torch.optim.SGD(other.parameters(), 0.2)
    textbook.one_turn(plain, other, lab, weights, 0.7, first, second)
    assert not equal(plain, start) and not equal(other, patches)
    for one, two in ((plain, tuned), (other, critic)):
        for a, b in zip(weights_of(one), weights_of(two), strict=True):
            assert torch.allclose(a, b, atol=1e-6)


def test_without_a_prior_it_counts_one_as_fine_tuning_does(start, patches):
    plain, _ = finetuning.finetune(start, drawn(4), steps=2, batch=2, crop=16, progress=False)
    assert equal(plain, train_adversarially(start, patches, drawn(4), weight=0, **{**RUN, "steps": 2})[0])


def test_the_same_seed_gives_the_same_networks_whatever_was_drawn_before(start):
    critic, images = Discriminator(), drawn(4)  # with dropout, which draws as well
    one = train_adversarially(start, critic, images, seed=1, **RUN)
    torch.rand(7)
    state = torch.get_rng_state()
    two = train_adversarially(start, critic, images, seed=1, **RUN)
    assert torch.equal(torch.get_rng_state(), state)
    assert equal(one[0], two[0]) and equal(one[1], two[1]) and one[2].rows == two[2].rows
    assert not equal(one[0], train_adversarially(start, critic, images, seed=2, **RUN)[0])


def test_the_start_the_critic_and_batchnorms_statistics_stay(start, patches):
    before = [[x.clone() for x in weights_of(network)] for network in (start, patches)]
    tuned, critic, log = train_adversarially(start, patches, drawn(4), weight=1, **RUN)
    for old, network in zip(before, (start, patches)):
        assert all(torch.equal(a, b) for a, b in zip(old, weights_of(network)))
    running = [key for key in start.state_dict() if "running" in key or "tracked" in key]
    assert running and all(torch.equal(start.state_dict()[key], tuned.state_dict()[key]) for key in running)
    assert torch.equal(start.model_out.weight, tuned.model_out.weight)
    assert not equal(patches, critic) and not tuned.training and not critic.training
    assert all(p.requires_grad for p in critic.parameters())


def test_the_log_has_every_measure_and_the_critic_alone_before_step_0(start, patches):
    _, _, log = train_adversarially(start, patches, drawn(4), **RUN)
    assert [row["step"] for row in log.rows] == [-1, 0, 1, 2, 3]
    assert set(MEASURES) <= set(log.rows[-1]) and {"loss", "unweighted"} <= set(log.rows[-1])
    assert set(log.rows[0]) == {"step", "loss", "critic", "right_on_real", "right_on_fake", "chroma"}
    last = log.rows[-1]
    assert last["loss"] == pytest.approx(last["pixel"] + 0.1 * last["adversarial"], rel=1e-5)
    assert all(0 <= last[key] <= 1 for key in ("right_on_real", "right_on_fake")) and last["pull"] > 0


def test_a_critic_alone_learns_and_the_generator_stays(start):
    torch.manual_seed(0)
    critic, before = PatchDiscriminator(), [x.clone() for x in weights_of(start)]
    log = train_critic(critic, start, drawn(4), steps=30, batch=4, crop=32, zoom=False, lr=2e-3, progress=False)
    assert log.series("critic")[1][-1] < 0.8 * log.series("critic")[1][0]
    assert all(torch.equal(a, b) for a, b in zip(before, weights_of(start)))


def test_the_generator_learns_what_the_critic_asks(start):
    """A critic that calls red real, and never learns: the fakes must turn red, against the cross-entropy."""

    class Red(nn.Module):
        def __init__(self):
            super().__init__()
            self.unused = nn.Parameter(torch.zeros(1))

        def forward(self, rgb, check=True):
            return 20 * (rgb[:, 0] - rgb[:, 1]).mean((1, 2)) + 0 * self.unused

    lab = rgb_to_lab(drawn(4))
    run = dict(steps=25, alone=0, batch=4, crop=32, lr=2e-3, progress=False)
    redness = [paint(lab[:, :1], COARSE.annealed_mean(network(lab[:, :1])).detach())[:, 0].mean()
               - paint(lab[:, :1], COARSE.annealed_mean(network(lab[:, :1])).detach())[:, 1].mean()
               for network in (train_adversarially(start, Red(), drawn(4), weight=w, **run)[0] for w in (0, 5))]
    assert redness[1] > redness[0] + 0.05


class StopAt:
    """A critic that is interrupted, as a person at the stop button would, when it is asked for the nth time."""

    def __init__(self, n):
        self.left = n

    def __call__(self, layer, inputs):
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


@pytest.mark.parametrize("asked", [3, 6, 8, 12], ids=["critic alone", "generator's turn", "critic's turn", "later"])
def test_interrupted_keeps_what_was_trained_and_resumed_equals_uninterrupted(start, asked, tmp_path):
    """Two questions a step of the critic alone, four in a step of both; a checkpoint at every step."""
    run = dict(RUN, steps=4, every=1)
    torch.manual_seed(0)
    critic = PatchDiscriminator()
    whole = train_adversarially(start, critic, drawn(4), **run)
    handle = critic.register_forward_pre_hook(StopAt(asked))  # copied with it
    tuned, part, log = train_adversarially(start, critic, drawn(4), folder=tmp_path, **run)
    handle.remove()
    assert log.interrupted and equal(tuned, start) == (asked < 8) and not equal(part, critic)
    resumed = train_adversarially(start, critic, drawn(4), folder=tmp_path, **run)
    assert not resumed[2].interrupted and equal(resumed[0], whole[0]) and equal(resumed[1], whole[1])
    assert [row["loss"] for row in resumed[2].rows] == [row["loss"] for row in whole[2].rows]


def test_a_finished_run_is_loaded_and_another_refused(start, patches, tmp_path, monkeypatch):
    first = train_adversarially(start, patches, drawn(4), folder=tmp_path, **RUN)
    monkeypatch.setattr(adversarial, "terms", None)  # nothing is computed again
    again = train_adversarially(start, patches, drawn(4), folder=tmp_path, **RUN)
    assert equal(first[0], again[0]) and equal(first[1], again[1]) and first[2].rows == again[2].rows
    with pytest.raises(ValueError, match="weight was 0.1, is now 0.2"):
        train_adversarially(start, patches, drawn(4), weight=0.2, folder=tmp_path, **RUN)


class Broken(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factor))

    def forward(self, rgb, check=True):
        return self.factor * rgb.mean((1, 2, 3))


def test_what_is_not_finite_stops_with_the_step_and_a_way_out(start):
    with pytest.raises(FloatingPointError, match=r"step 0: .* is nan, .*Lower weight \(it is 0.1\)"):
        train_adversarially(start, Broken(float("nan")), drawn(4), **{**RUN, "alone": 0})
    with pytest.raises(FloatingPointError, match="step 0: critic is nan.*critic_lr"):
        train_critic(Broken(float("nan")), start, drawn(4), 1, batch=2, crop=16, progress=False)
    with pytest.raises(FloatingPointError, match="a weight is not finite at step 1 of 1"):
        train_adversarially(start, Broken(1.0), drawn(4), lr=float("inf"), **{**RUN, "alone": 0, "steps": 1})


GREY = torch.full((2, 3, 32, 32), 90, dtype=torch.uint8)


@pytest.mark.parametrize("options, words", [
    (dict(weight=-1), "weight is -1"), (dict(weight=float("nan")), "weight is nan"), (dict(steps=-1), "steps is -1"),
    (dict(alone=1.5), "alone is 1.5"), (dict(crop=20), "crop is 20"), (dict(images=GREY), "images are all grey"),
    (dict(images=torch.zeros(2, 3, 32, 32)), "images is torch.float32"), (dict(generator=ECCV16(1 / 16, None)), "with bins")])
def test_wrong_arguments_are_named(start, patches, options, words):
    run = {"generator": start, "critic": patches, "images": drawn(4), **RUN, **options}
    with pytest.raises(ValueError, match=words):
        train_adversarially(**run)
