"""No judge ranks what it trained on, and no photograph fills a gallery."""

import pytest
import torch
from torch import nn

from colorlab import galleries
from colorlab.galleries import cross_fit, held_out, judge_unit, on_one_scale, one_each, pooled_scores
from colorlab.loop import Log
from colorlab.pairs import Pairs


class Constant(nn.Module):
    def __init__(self, value):
        super().__init__()
        self.value = value

    def forward(self, rgb):
        return torch.full((len(rgb),), float(self.value))


@pytest.fixture(scope="module")
def tinted():
    """24 pairs of 12 photographs, whose fakes are red: easy."""
    generator = torch.Generator().manual_seed(1)
    real = torch.randint(60, 200, (24, 3, 150, 150), dtype=torch.uint8, generator=generator)
    fake = real.clone()
    fake[:, 0] = 230
    return Pairs(real, fake, None, [f"photograph {i % 12}" for i in range(24)])


def test_judges_train_outside_their_fold_only(tinted, monkeypatch):
    seen = []
    monkeypatch.setattr(galleries, "train_discriminator",
                        lambda judge, real, fake, **options: seen.append((real, options["folder"])) or Log())
    judges, fold = cross_fit(tinted, k=3, folder="somewhere")
    assert len(judges) == 3 and sorted(fold.unique().tolist()) == [0, 1, 2]
    for i in range(3):
        assert torch.equal(seen[i][0], tinted.real[fold != i]) and seen[i][1].name == f"fold-{i}"
        inside = {tinted.groups[j] for j in (fold == i).nonzero().flatten().tolist()}
        assert not inside & {tinted.groups[j] for j in (fold != i).nonzero().flatten().tolist()}


def test_cross_fit_learns_repeats_and_is_kept(tinted, tmp_path):
    state = torch.get_rng_state()
    judges, fold = cross_fit(tinted, epochs=5, seed=2, folder=tmp_path, progress=False)
    assert torch.equal(state, torch.get_rng_state())
    real, fake = held_out(judges, fold, tinted.real), held_out(judges, fold, tinted.fake)
    assert (real > fake).float().mean() > 0.9
    again, _ = cross_fit(tinted, epochs=5, seed=2, folder=tmp_path, progress=False)  # loaded, not trained
    assert torch.equal(held_out(again, fold, tinted.real), real)
    assert {path.name for path in tmp_path.iterdir()} == {"fold-0", "fold-1"}


def test_held_out_asks_the_right_judge():
    fold = torch.tensor([1, 0, 2, 1])
    images = torch.zeros(4, 3, 150, 150, dtype=torch.uint8)
    assert held_out([Constant(i) for i in range(3)], fold, images).tolist() == [1, 0, 2, 1]
    with pytest.raises(ValueError, match="from 0 to 2; expected 4, one an image, from 0 to 1"):
        held_out([Constant(0), Constant(1)], fold, images)
    with pytest.raises(ValueError, match="fold has 4 entries .* expected 3"):
        held_out([Constant(i) for i in range(3)], fold, images[:3])


class Brightness(nn.Module):
    """A judge whose logit is the mean of an image, times a scale, plus a shift."""

    def __init__(self, scale, shift=0.0):
        super().__init__()
        self.scale, self.shift = scale, shift

    def forward(self, rgb):
        return self.scale * (rgb.mean((1, 2, 3)) - 0.5) + self.shift


def test_pooled_judges_have_one_say_each_whatever_their_scale(tinted):
    alone = pooled_scores([Brightness(1)], tinted)
    both = pooled_scores([Brightness(1), Brightness(1000)], tinted)
    for one, pooled in zip(alone, both):
        assert one.shape == (24,) and torch.allclose(one, pooled, rtol=1e-3, atol=1e-4)
    assert torch.cat(alone).std() == pytest.approx(1)
    against = pooled_scores([Brightness(1), Brightness(-50)], tinted)
    assert all(scores.abs().max() < 1e-3 for scores in against)
    raised, _ = pooled_scores([Brightness(1, shift=9)], tinted)
    assert (raised > 0).all()  # 0 stays the judge's own threshold


def test_dividing_by_the_unit_makes_a_confident_judge_one_of_many():
    real, fake = torch.randn(200) + 1, torch.randn(200) - 1
    fold = torch.arange(200) % 2
    louder = torch.where(fold == 1, 50.0, 1.0)
    unit = judge_unit(real * louder, fake * louder, fold)
    assert torch.allclose(real * louder / unit, real / judge_unit(real, fake, fold))
    loud, fair = ((real * louder / u).topk(10).indices.tolist() for u in (1, unit))
    assert fold[loud].all() and not fold[fair].all()


def test_on_one_scale_neither_unit_nor_zero_of_a_judge_matters():
    generator = torch.Generator().manual_seed(0)
    real, fake = torch.randn(200, generator=generator) + 1, torch.randn(200, generator=generator) - 1
    fold = torch.arange(200) % 2
    unit, zero = torch.where(fold == 1, 5.0, 1.0), torch.where(fold == 1, -30.0, 0.0)
    alike, scores = on_one_scale(real, fake, fold), on_one_scale(unit * real + zero, unit * fake + zero, fold)
    for a, b in zip(alike, scores):
        assert torch.allclose(a, b, atol=1e-5)
    assert (torch.cat(scores)[fold.repeat(2) == 1] > 0).float().mean() == 0.5
    shifted = (unit * fake + zero) / judge_unit(unit * real + zero, unit * fake + zero, fold)
    assert fold[shifted.argsort()[:50]].all() and not fold[scores[1].argsort()[:50]].all()  # dividing alone is not enough


def test_one_each_keeps_the_best_of_a_photograph():
    groups = ["a", "a", "b", "c", "b", "d"]
    assert one_each(torch.tensor([4, 1, 0, 2, 3, 5]), groups, 3) == [4, 1, 3]
    assert one_each([0, 1, 2, 3, 4, 5], groups) == [0, 2, 3, 5]  # fewer than ten photographs: all of them
