"""Rates and their intervals: against exact formulas, simulated coverage, and answers that must be refused."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from colorlab import finetuning, judging
from colorlab.discriminators import Discriminator

SCORES = st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=1, max_size=40)


@settings(deadline=None, max_examples=40)
@given(SCORES)
def test_fooling_rate_is_antisymmetric_and_counts_by_hand(scores):
    real, fake = map(list, zip(*scores))
    one, other = judging.fooling_rate(real, fake), judging.fooling_rate(fake, real)
    assert one.rate + other.rate == pytest.approx(1, abs=1e-12)
    assert one.fooled == sum(f > r for r, f in scores) and one.ties == sum(f == r for r, f in scores)
    assert one.pairs == len(scores) and one.rate == pytest.approx((one.fooled + one.ties / 2) / one.pairs)
    assert 0 <= one.low <= one.rate + 1e-12 and one.rate - 1e-12 <= one.high <= 1
    assert one.fooled + other.fooled + one.ties == one.pairs


@settings(deadline=None, max_examples=25)
@given(SCORES, st.randoms())
def test_fooling_rate_ignores_order_and_monotone_maps(scores, random):
    shuffled = random.sample(scores, len(scores))
    one, other = (judging.fooling_rate(*map(list, zip(*rows))) for rows in (scores, shuffled))
    assert other == one
    real, fake = (np.array(x, float) for x in zip(*scores))
    assert judging.fooling_rate(np.exp(real), np.exp(fake)) == one


def test_fooling_rate_takes_lists_arrays_and_tensors_alike():
    real, fake = [0.5, 1.0, -2.0], [1.5, 0.0, -1.0]
    expected = judging.fooling_rate(real, fake)
    assert expected[3:] == (2, 0, 3) and expected.rate == 2 / 3
    learnt = lambda x: torch.tensor(x, requires_grad=True)  # noqa: E731
    for kind in (np.array, torch.tensor, learnt, lambda x: torch.tensor(x).half()):
        assert judging.fooling_rate(kind(real), kind(fake)) == expected


def test_saturated_scores_tie_where_logits_would_not():
    logits = torch.tensor([40.0, 50.0, 60.0]), torch.tensor([45.0, 45.0, 45.0])
    assert judging.fooling_rate(*logits)[3:] == (1, 0, 3)
    assert judging.fooling_rate(*map(torch.sigmoid, logits))[3:] == (0, 3, 3)


def test_the_papers_58_of_2000_is_2_9_percent():
    result = judging.fooling_rate(np.zeros(2000), np.r_[np.ones(58), -np.ones(1942)])
    assert result.rate == pytest.approx(0.029, abs=1e-9)
    assert (result.low, result.high) == pytest.approx((0.02250, 0.03731), abs=2e-5)
    assert str(result) == "2.9% [2.3%, 3.7%], 58 of 2000 pairs"


@pytest.mark.parametrize("real, fake, message", [
    ([1.0, 2.0], [1.0], "real_scores has 2 entries and fake_scores 1"),
    ([], [], "real_scores has shape"),
    ([1.0, math.nan], [1.0, 2.0], "real_scores has 1 NaN"),
    ([1.0], [math.nan], "fake_scores has 1 NaN"),
    ([[1.0], [2.0]], [[1.0], [2.0]], "real_scores has shape"),
])
def test_wrong_scores_are_refused(real, fake, message):
    for judge in (judging.fooling_rate, judging.accuracy):
        with pytest.raises(ValueError, match=message):
            judge(real, fake)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_solves_its_own_equation(kn):
    """The ends are the p at which (k/n - p)^2 is Z^2 times the variance *of p*, p (1 - p) / n: a quadratic in p."""
    k, n = kn
    low, high = judging.wilson(k, n)
    z2 = judging.Z**2 / n
    assert [low, high] == pytest.approx(sorted(np.roots([1 + z2, -(2 * k / n + z2), (k / n) ** 2])), abs=1e-9)
    assert judging.wilson(n - k, n) == pytest.approx((1 - high, 1 - low), abs=1e-12)


def test_wilson_covers_and_the_plain_formula_does_not():
    n, p = 200, 0.03
    k = np.arange(n + 1)
    log_choose = np.array([math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1) for i in k])
    mass = np.exp(log_choose + k * math.log(p) + (n - k) * math.log1p(-p))  # exact: the binomial distribution
    ends = np.array([judging.wilson(int(i), n) for i in k])
    covered = mass[(ends[:, 0] <= p) & (p <= ends[:, 1])].sum()
    half = judging.Z * np.sqrt(k / n * (1 - k / n) / n)
    plain = mass[np.abs(k / n - p) <= half].sum()
    assert mass.sum() == pytest.approx(1) and covered > 0.94 > plain
    for k, n in ((-1, 10), (11, 10), (0, 0)):
        with pytest.raises(ValueError, match="expected 0 <= k <= n"):
            judging.wilson(k, n)


def test_ties_bring_a_bootstrap_which_knows_that_half_points_vary_less():
    real, fake = np.zeros(400), np.r_[np.zeros(300), np.ones(50), -np.ones(50)]
    result = judging.fooling_rate(real, fake)
    se = math.sqrt((100 * 0.25) / 400 / 400)  # each value is 1/2 but for 100 that lie 1/2 away
    assert result.rate == 0.5 and result.high - result.low == pytest.approx(2 * judging.Z * se, rel=0.15)
    assert result.high - result.low < 0.6 * np.subtract(*judging.wilson(200, 400)[::-1])


def test_where_resampling_says_nothing_the_interval_is_not_empty():
    tied, perfect = judging.fooling_rate([0.0] * 10, [0.0] * 10), judging.accuracy([1.0] * 10, [-1.0] * 10)
    assert (tied.low, tied.high) == judging.wilson(5, 10)
    assert perfect.rate == 1 and (perfect.low, perfect.high) == judging.wilson(10, 10) and perfect.low < 0.75


def test_crops_of_one_photograph_widen_the_interval():
    rng = np.random.default_rng(0)
    hard = rng.normal(size=40).repeat(10)  # ten crops share their photograph's difficulty
    real, fake, groups = hard, np.zeros(400), np.arange(40).repeat(10)
    alone, together = judging.fooling_rate(real, fake), judging.fooling_rate(real, fake, groups)
    assert together.rate == alone.rate and together.high - together.low > 2.5 * (alone.high - alone.low)
    assert judging.fooling_rate(real, fake, groups=np.arange(400)) == alone  # every photograph its own group
    with pytest.raises(ValueError, match="groups has 3 labels; expected 400"):
        judging.fooling_rate(real, fake, groups=[0, 0, 1])


def test_accuracy_counts_images_and_is_not_the_fooling_rate():
    real, fake = [3.0, -1.0, 2.0, 1.0], [-2.0, -3.0, 1.0, 0.0]
    result = judging.accuracy(real, fake)
    assert result.rate == 6 / 8  # one real below 0, one fake above; a fake at exactly 0 is not called real
    assert judging.fooling_rate(real, fake).rate == 0  # and yet no fake beats its own original
    labels = np.r_[np.ones(4), np.zeros(4)]
    assert np.mean((np.r_[real, fake] > 0) == labels) == result.rate


def test_accuracy_resamples_pairs():
    """Real and fake of a photograph are right or wrong in opposite ways here: each pair scores 1/2, always."""
    score = np.random.default_rng(1).normal(size=500)
    opposed = judging.accuracy(score, score)
    agreeing = judging.accuracy(score, -score)
    assert opposed.rate == 0.5 and opposed.high - opposed.low < 0.1
    p = (score > 0).mean()
    assert agreeing.high - agreeing.low == pytest.approx(2 * judging.Z * math.sqrt(p * (1 - p) / 500), rel=0.1)


def test_unpaired_scores_follow_roc_auc():
    """Over all real x fake pairs the fooling rate is 1 - ROC AUC."""
    rng = np.random.default_rng(0)
    real, fake = rng.normal(1, 1, 60).round(1), rng.normal(0, 1, 60).round(1)
    everyone = judging.fooling_rate(real.repeat(60), np.tile(fake, 60))
    assert everyone.rate == pytest.approx(1 - roc_auc_score(np.r_[np.ones(60), np.zeros(60)], np.r_[real, fake]))


def test_single_image_and_paired_d_prime_are_different_questions():
    rng = np.random.default_rng(0)
    photograph = rng.normal(0, 3, 3000)  # what both versions share
    real = photograph + rng.normal(0, 0.5, 3000) + 1
    fake = photograph + rng.normal(0, 0.5, 3000)
    single, paired = judging.single_image_d_prime(real, fake), judging.paired_d_prime(real, fake)
    assert single.mean == pytest.approx(1 / math.hypot(3, 0.5), abs=0.05)
    assert paired.mean == pytest.approx(1 / math.hypot(0.5, 0.5), abs=0.05)
    assert single.low < single.mean < single.high and paired.low < paired.mean < paired.high
    distances = finetuning.distance(torch.from_numpy(real), torch.from_numpy(fake))
    assert single.mean == pytest.approx(distances.mean().item())
    less = real - fake
    assert paired.mean == pytest.approx(less.mean() / less.std(ddof=1))
    for d_prime in (judging.single_image_d_prime, judging.paired_d_prime):
        scaled = d_prime(100 * real + 7, 100 * fake + 7)
        assert tuple(scaled) == pytest.approx(tuple(d_prime(real, fake)))
        assert d_prime(real, real).mean == 0
        assert d_prime(fake, real).mean == pytest.approx(-d_prime(real, fake).mean)
        crops = d_prime(np.repeat(real[:50], 4), np.repeat(fake[:50], 4), groups=np.arange(200) // 4)
        alone = d_prime(np.repeat(real[:50], 4), np.repeat(fake[:50], 4))
        assert crops.high - crops.low > 1.5 * (alone.high - alone.low)


def test_d_prime_intervals_cover():
    rng, hits = np.random.default_rng(1), [0, 0]
    for _ in range(200):
        real, fake = rng.normal(1, 1, 60), rng.normal(0, 1, 60)
        for i, (d_prime, true) in enumerate(((judging.single_image_d_prime, 1),
                                             (judging.paired_d_prime, math.sqrt(0.5)))):
            estimate = d_prime(real, fake, n=400)
            hits[i] += estimate.low <= true <= estimate.high
    assert all(178 <= hit <= 199 for hit in hits), hits


def test_roc_area_is_scikit_learns():
    rng = np.random.default_rng(0)
    real, fake = rng.integers(0, 9, 40) + 1.0, rng.integers(0, 9, 40)  # ties
    estimate = judging.roc_area(real, fake)
    wanted = roc_auc_score(np.repeat([1, 0], 40), np.concatenate((real, fake)))
    assert estimate.mean == pytest.approx(wanted)
    assert 0 <= estimate.low < estimate.mean < estimate.high <= 1


def test_bootstrap_mean_agrees_with_the_standard_error_and_covers():
    rng = np.random.default_rng(0)
    one = rng.normal(5, 2, 300)
    estimate = judging.bootstrap_mean(one)
    se = one.std() / math.sqrt(300)
    assert estimate.mean == pytest.approx(one.mean())
    assert (estimate.high - estimate.low) / (2 * judging.Z * se) == pytest.approx(1, abs=0.06)
    covered = 0
    for i in range(200):
        low, high = judging.bootstrap_mean(rng.normal(5, 2, 60), n=400, seed=i)[1:]
        covered += low <= 5 <= high
    assert 180 <= covered <= 199
    assert judging.bootstrap_mean(one, seed=3) == judging.bootstrap_mean(one, seed=3)


def test_paired_difference_is_sharper_than_its_parts_and_seeds_count():
    rng = np.random.default_rng(0)
    hard = rng.normal(0, 5, 200)
    a, b = hard + rng.normal(0.3, 0.5, 200), hard + rng.normal(0, 0.5, 200)
    apart, paired = judging.bootstrap_mean(a), judging.difference(a, b)
    assert paired.low > 0 and (paired.high - paired.low) < 0.3 * (apart.high - apart.low)
    back = judging.difference(b, a)
    assert back.mean == pytest.approx(-paired.mean) and back.low == pytest.approx(-paired.high, abs=0.03)

    by_seed = np.array([-1.0, 0.0, 1.0])[:, None]  # training again changes more than another photograph would
    with_seeds = judging.difference(a + by_seed, np.tile(b, (3, 1)))
    assert with_seeds.mean == pytest.approx(paired.mean) and with_seeds.low < 0 < with_seeds.high
    same_seeds = judging.difference(np.tile(a, (3, 1)), np.tile(b, (3, 1)))
    assert same_seeds == pytest.approx(paired)
    with pytest.raises(ValueError, match="expected the same photographs"):
        judging.difference(a, b[:-1])


def test_humans_are_the_published_rows():
    rows = {(row.source[:5], row.name): row for row in judging.HUMANS}
    assert len(rows) == len(judging.HUMANS) == 11
    full = rows["Zhang", "classification + rebalancing (full)"]
    assert (full.rate, full.standard_error) == (0.323, 0.022)
    assert (full.low, full.high) == pytest.approx((0.2799, 0.3661), abs=1e-4)
    assert rows["Isola", "cGAN + L1"][2:] == (0.225, 0.016)
    real = rows["Zhang", "real photographs"]
    assert (real.low, real.rate, real.high, real.standard_error) == (None, 0.5, None, None)
    assert all(0 <= row.low < row.rate < row.high <= 1 for row in judging.HUMANS if row is not real)


def test_score_is_batched_repeatable_and_leaves_the_network_as_it_was():
    torch.manual_seed(0)
    network = Discriminator().train()
    dropout = next(m for m in network.modules() if isinstance(m, torch.nn.Dropout))
    network.features.eval()  # part of it frozen by its owner
    images = torch.randint(0, 256, (5, 3, 150, 150), dtype=torch.uint8)
    logits = judging.score(network, images, batch=2)
    assert logits.shape == (5,) and logits.dtype == torch.float32 and not logits.requires_grad
    assert torch.equal(logits, judging.score(network, images, batch=2))  # no dropout
    assert torch.allclose(logits, judging.score(network, images.numpy(), batch=5), atol=1e-5)
    assert network.training and dropout.training and not network.features.training
    expected = network.eval()(images.float() / 255)
    assert torch.allclose(logits, expected.detach(), atol=1e-5)


def test_score_restores_modes_after_an_error_and_refuses_what_is_no_image():
    network = Discriminator().train()
    with pytest.raises(ValueError):
        judging.score(network, torch.zeros(1, 3, 64, 64, dtype=torch.uint8))
    assert network.training
    with pytest.raises(TypeError, match="images has dtype torch.float32; expected uint8"):
        judging.score(network, torch.zeros(1, 3, 150, 150))
    for shape in ((3, 150, 150), (0, 3, 150, 150), (2, 150, 150, 3)):
        with pytest.raises(ValueError, match="expected \\(N, 3, H, W\\)"):
            judging.score(network, torch.zeros(shape, dtype=torch.uint8))


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_of_few_seeds_95_percent_are_95_percent(seeds):
    """Where training again changes more than other photographs would, a plain bootstrap of three seeds covers 85 %."""
    rng, held = np.random.default_rng(0), 0
    for trial in range(200):
        values = rng.normal(0, 1, 300) + 0.2 * rng.normal(0, 1, seeds)[:, None]  # the truth is 0
        _, low, high = judging.bootstrap_mean(values, n=200, seed=trial)
        held += low <= 0 <= high
    assert held >= 0.92 * 200


def test_rates_at_a_floor_are_as_unsure_as_wilson():
    never, always = np.zeros((2, 40)), np.ones((2, 40))
    assert finetuning.rate(never)[1:] == judging.wilson(0, 40) and finetuning.rate(always)[1:] == judging.wilson(40, 40)
    assert finetuning.rate(always - never, difference=True)[1:] == judging.wilson(40, 40)
    assert finetuning.rate(never - always, difference=True)[1:] == tuple(-x for x in reversed(judging.wilson(40, 40)))
    high = judging.wilson(0, 40)[1]
    assert finetuning.rate(never - never, difference=True)[1:] == (-high, high)
    one = never.copy()
    one[0, 3] = 1
    assert finetuning.rate(one).high >= high  # one success more is not less unsure than none
