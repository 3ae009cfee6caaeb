"""Fine-tuning: how the arms choose, that the start stays as it is, and what intervals let one say."""

import numpy as np
import pytest
import torch

from colorlab import finetuning, judging, metrics, pairs
from colorlab.bins import AbBins
from colorlab.color import rgb_to_lab
from colorlab.finetuning import ARMS, choose, estimates, needed, ranks, realness, verdict
from colorlab.generators import ECCV16
from colorlab.losses import euclidean_loss, rebalanced_cross_entropy
from colorlab.rebalance import class_weights
from pictures import drawn


@pytest.fixture(scope="module")
def start() -> ECCV16:
    torch.manual_seed(0)
    return ECCV16(1 / 16).eval()


class Brightness(torch.nn.Module):
    """A judge that calls bright images real; ``sign`` -1 turns it round."""

    def __init__(self, sign: float = 1.0):
        super().__init__()
        self.sign = sign

    def forward(self, rgb):
        return self.sign * 7 * rgb.mean((1, 2, 3))


def grey_levels(*levels: int) -> torch.Tensor:
    return torch.tensor(levels, dtype=torch.uint8)[:, None, None, None].expand(-1, 3, 150, 150).contiguous()


# --- Choosing

def test_ranks_are_places_from_0_to_1_and_ties_share_theirs():
    assert ranks(torch.tensor([30.0, -1.0, 5.0])).tolist() == [1.0, 0.0, 0.5]
    assert ranks(torch.tensor([2.0, 2.0, 1.0])).tolist() == [0.75, 0.75, 0.0]
    assert ranks(torch.tensor([4.0])).tolist() == [0.0]


def test_ranks_keep_apart_what_a_sigmoid_would_make_equal():
    assert ranks(torch.tensor([40.0, 50.0, 60.0])).tolist() == [0.0, 0.5, 1.0]


def test_each_fold_is_ranked_by_its_own_judge_alone():
    real = grey_levels(10, 20, 30, 40)
    fold = torch.tensor([0, 0, 1, 1])
    assert realness([Brightness(), Brightness(-1)], real, fold).tolist() == [0, 1, 1, 0]


def test_judges_that_know_none_share_the_say():
    real = grey_levels(10, 20, 30)
    assert realness([Brightness(), Brightness()], real).tolist() == [0, 0.5, 1]
    assert realness([Brightness(), Brightness(-1)], real).tolist() == [0.5, 0.5, 0.5]


def test_arms_choose_what_they_say():
    real, loss = torch.tensor([0.1, 0.9, 0.5, 0.7]), torch.tensor([5.0, 1.0, 2.0, 9.0])
    assert choose("none", 2, real, loss).tolist() == []
    assert choose("most real", 2, real, loss).tolist() == [1, 3]
    assert choose("largest loss", 2, real, loss).tolist() == [0, 3]


def test_random_depends_on_the_seed_and_on_nothing_else():
    real, loss = torch.rand(50), torch.rand(50)
    first = choose("random", 10, real, loss, seed=1)
    assert torch.equal(first, choose("random", 10, torch.rand(50), torch.rand(50), seed=1))
    assert not torch.equal(first, choose("random", 10, real, loss, seed=2))
    assert len(first.unique()) == 10 and torch.equal(first, first.sort().values)


@pytest.mark.parametrize("arm", ARMS[1:])
def test_all_arms_choose_as_many(arm):
    assert len(choose(arm, 7, torch.rand(20), torch.zeros(20))) == 7


@pytest.mark.parametrize("arm, count, n",
                         [("best", 2, 4), ("random", 0, 4), ("random", 5, 4), ("none", 2, 3)],
                         ids=["unknown arm", "none at all", "more than there are", "unequal lengths"])
def test_choose_refuses(arm, count, n):
    with pytest.raises(ValueError, match="arm is"):
        choose(arm, count, torch.rand(4), torch.rand(n))


def test_photo_losses_are_the_training_loss_of_each(start):
    images, weights = drawn(3), class_weights(torch.ones(313)).float()
    weights[100:] *= 3
    lab = rgb_to_lab(images)
    with torch.no_grad():
        logits = start(lab[:, :1])
    ab = torch.nn.functional.avg_pool2d(lab[:, 1:], 4)
    for i, loss in enumerate(finetuning.photo_losses(start, images, weights)):
        wanted = rebalanced_cross_entropy(logits[i:i + 1], ab[i:i + 1], AbBins(), weights)
        assert abs(loss - wanted) < 1e-4
    assert finetuning.photo_losses(start, images).shape == (3,)


def test_photo_losses_without_bins_are_squared_errors():
    torch.manual_seed(0)
    network, image = ECCV16(1 / 16, bins=None).eval(), drawn(1)
    lab = rgb_to_lab(image)
    with torch.no_grad():
        wanted = euclidean_loss(network(lab[:, :1]), torch.nn.functional.avg_pool2d(lab[:, 1:], 4)) / 64
    assert torch.allclose(finetuning.photo_losses(network, image), wanted[None], rtol=1e-4)


# --- Training

def test_finetuning_leaves_the_start_and_batchnorm_as_they_are(start):
    before = {key: value.clone() for key, value in start.state_dict().items()}
    tuned, log = finetuning.finetune(start, drawn(4), steps=3, batch=2, crop=32, progress=False)
    after = tuned.state_dict()
    assert all(torch.equal(value, start.state_dict()[key]) for key, value in before.items())
    assert all(torch.equal(before[key], after[key]) for key in before if "running" in key)
    assert not torch.equal(before["model1.0.weight"], after["model1.0.weight"])
    assert [row["step"] for row in log.rows][-1] == 3


def test_finetuning_without_bins_minimises_squared_error():
    torch.manual_seed(0)
    network = ECCV16(1 / 16, bins=None)
    _, log = finetuning.finetune(network, drawn(2), steps=1, batch=2, crop=32, progress=False)
    assert "euclidean" in log.rows[-1]


def test_watching_sees_the_start_and_the_memorising(start):
    images = drawn(2, seed=3)
    prior = torch.full((313,), 1 / 313)
    tuned, log = finetuning.finetune(start, images, prior, steps=20, lr=3e-3, batch=4, crop=32, every=10,
                                     watch={"chosen": images, "others": drawn(2, seed=4)}, progress=False)
    steps, chosen = log.series("chosen")
    assert steps == [0, 10, 20] and log.series("others")[0] == steps
    assert chosen[-1] < chosen[0]
    flat = class_weights(prior).float()
    assert abs(chosen[0] - finetuning.photo_losses(start, images, flat).mean()) < 1e-5
    assert abs(chosen[-1] - finetuning.photo_losses(tuned, images, flat).mean()) < 1e-5


def test_whole_photographs_unless_a_crop_is_given(start, monkeypatch):
    asked, train = [], finetuning.training.train_generator
    monkeypatch.setattr(finetuning.training, "train_generator",
                        lambda *args, crop, **options: asked.append(crop) or train(*args, crop=crop, **options))
    for options in ({}, {"crop": 16}):
        finetuning.finetune(start, drawn(2), steps=1, batch=2, progress=False, **options)
    assert asked == [drawn(2).shape[-1], 16]


def test_a_finished_run_is_loaded_with_its_step_0(start, tmp_path):
    images = drawn(2)
    options = dict(steps=2, batch=2, crop=32, folder=tmp_path / "run", watch={"chosen": images},
                   progress=False)
    first, log = finetuning.finetune(start, images, **options)
    again, log_again = finetuning.finetune(start, images, **options)
    assert log.rows == log_again.rows and log.rows[0]["step"] == 0
    assert all(torch.equal(a, b) for a, b in zip(first.state_dict().values(), again.state_dict().values()))


def test_fresh_judges_depend_on_the_seed_alone_and_leave_the_dice():
    made = pairs.Pairs(grey_levels(*range(8)), grey_levels(*range(100, 108)), None, None)
    torch.manual_seed(5)
    state = torch.get_rng_state()
    one, same, other = (finetuning.fresh_judge(made, 1, seed, progress=False) for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), state)
    weight = [judge.features[0].weight for judge in (one, same, other)]
    assert torch.equal(weight[0], weight[1]) and not torch.equal(weight[0], weight[2])
    assert not one.training


# --- Comparing

def test_fooled_is_by_pair_and_a_tie_counts_half():
    real, fake = torch.tensor([1.0, 5.0, 2.0]), torch.tensor([2.0, 1.0, 2.0])
    assert judging.fooled(real, fake).tolist() == [1, 0, 0.5]


def test_distance_has_the_judges_spread_as_unit():
    rng = torch.Generator().manual_seed(0)
    real, fake = torch.randn(4000, generator=rng) + 1.5, torch.randn(4000, generator=rng)
    found = finetuning.distance(real, fake)
    assert abs(found.mean() - 1.5) < 0.1
    assert torch.allclose(finetuning.distance(100 * real + 7, 100 * fake + 7), found, atol=1e-4)
    assert finetuning.distance(torch.ones(3), torch.ones(3)).tolist() == [0, 0, 0]


@pytest.fixture(scope="module")
def measured() -> dict:
    real = drawn(12, 152)[..., :150, :150].contiguous()
    made = pairs.Pairs(real, pairs.grey(real), None, None)
    perfect = pairs.Pairs(real, real, None, None)
    judges, sets = [Brightness(), Brightness(-1)], {"all": torch.arange(12), "some": torch.tensor([3, 7])}
    grey, perfect = (finetuning.measure([some, some], judges, sets) for some in (made, perfect))
    return {"real": real, "grey": grey["all"], "perfect": perfect["all"], "some": grey["some"]}


def test_measure_agrees_with_the_metrics(measured):
    real, found = measured["real"], measured["grey"]
    ab = rgb_to_lab(real)[:, 1:]
    ab_grey = rgb_to_lab(pairs.grey(real))[:, 1:]
    weights = metrics.own_prior_weights(ab, AbBins())
    assert found["fooled"].shape == found["chroma"].shape == found["distance"].shape == (2, 12)
    assert abs(metrics.auc(found["plain"][0]) - metrics.color_auc(ab_grey, ab)) < 1e-4
    assert abs(metrics.auc(found["rebalanced"][1]) - metrics.color_auc(ab_grey, ab, weights)) < 1e-4
    assert found["chroma"].max() < 0.2
    assert np.allclose(found["true chroma"], metrics.mean_chroma(ab).numpy(), rtol=1e-6)


def test_measure_of_a_part_weighs_by_that_part_and_keeps_the_judges_scale(measured):
    part, found = [3, 7], measured["some"]
    assert np.array_equal(found["distance"], measured["grey"]["distance"][:, part])
    assert np.array_equal(found["plain"], measured["grey"]["plain"][:, part])
    ab = rgb_to_lab(measured["real"][part])[:, 1:]
    ab_grey = rgb_to_lab(pairs.grey(measured["real"][part]))[:, 1:]
    wanted = metrics.color_auc(ab_grey, ab, metrics.own_prior_weights(ab, AbBins()))
    assert abs(metrics.auc(found["rebalanced"][0]) - wanted) < 1e-4
    assert np.array_equal(measured["perfect"]["real"], measured["perfect"]["fake"])


def test_estimates_of_a_perfect_colorizer(measured):
    found = estimates(measured["perfect"], n=100)
    assert tuple(found) == tuple(finetuning.HIGHER)
    assert found["plain AuC"].mean == pytest.approx(100) and found["chroma ratio"].mean == pytest.approx(1)
    assert found["fooling rate"].mean == 0.5 and found["distance"].mean == 0


def test_estimates_of_a_difference_are_paired(measured):
    found = estimates(measured["perfect"], measured["grey"], n=100)
    assert found["plain AuC"].low > 0 and found["rebalanced AuC"].low > 0 and found["chroma ratio"].low > 0.9
    same = estimates(measured["grey"], measured["grey"], n=100)
    assert same["plain AuC"] == (0, 0, 0) and same["distance"] == (0, 0, 0)


@pytest.mark.parametrize("groups, count", [(None, 12), ([i // 3 for i in range(12)], 4)])
def test_where_no_fake_fooled_anyone_the_interval_is_wilsons(measured, groups, count):
    never = {**measured["grey"], "fooled": np.zeros((2, 12))}
    high = judging.wilson(0, count)[1]
    assert estimates(never, n=50, groups=groups)["fooling rate"] == (0, 0, high)
    assert estimates(never, never, n=50, groups=groups)["fooling rate"] == (0, -high, high)


def test_verdict_follows_the_interval():
    assert verdict((0.2, 0.1, 0.3)) == "better"
    assert verdict((-0.2, -0.3, -0.1)) == "worse"
    assert verdict((0.2, -0.1, 0.5)) == verdict((0.0, 0.0, 0.0)) == "undecided"
    assert verdict((0.2, 0.1, 0.3), finetuning.HIGHER["distance"]) == "worse"


def test_needed_goes_with_the_square_of_the_width():
    assert needed((0.5, -0.1, 0.1), 100, 0.1) == 100
    assert needed((0.5, -0.1, 0.1), 100, 0.05) == 400
    with pytest.raises(ValueError, match="effect"):
        needed((0, -1, 1), 100, 0)


def test_needed_is_right_about_a_sample_of_that_size():
    rng = np.random.default_rng(0)
    small = judging.bootstrap_mean(rng.normal(size=200))
    many = needed(small, 200, 0.05)
    large = judging.bootstrap_mean(rng.normal(size=many))
    assert abs((large.high - large.low) / 2 - 0.05) < 0.01
