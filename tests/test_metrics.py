"""Colour error, its bootstraps and floors, and image quality against scikit-image and published test data."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import color as skcolor
from skimage.metrics import peak_signal_noise_ratio
from sklearn.metrics import auc as area_under

from colorlab import metrics, rebalance, textbook
from colorlab.bins import AbBins
from colorlab.color import rgb_to_lab
from colorlab.photos import load as load_photos

BINS = AbBins()


@pytest.fixture(scope="module")
def photographs():
    photos = load_photos("embedded")
    return photos.subset(range(0, len(photos), len(photos) // 8)).square(128, limit=8)


@pytest.fixture(scope="module")
def ab(photographs):
    return rgb_to_lab(photographs)[:, 1:]


@pytest.fixture(scope="module")
def weights(ab):
    return metrics.own_prior_weights(ab, BINS)


def plain_auc(ab_hat, ab, pixel_weights=None):
    """The definition, threshold by threshold, with scikit-learn's trapezoids."""
    error = (ab_hat.double() - ab.double()).square().sum(-3).sqrt().numpy()
    weights = np.ones(error.shape) if pixel_weights is None else pixel_weights.numpy()
    thresholds = np.arange(151)
    shares = [np.sum(weights * (error <= t)) / np.sum(weights) for t in thresholds]
    return 100 * area_under(thresholds, shares) / 150


def noisy(ab, seed=0, spread=20.0):
    return ab + spread * torch.randn(ab.shape, generator=torch.Generator().manual_seed(seed))


def test_auc_is_its_definition_plain_and_rebalanced(ab, weights):
    ab_hat = noisy(ab)
    assert metrics.color_auc(ab_hat, ab) == pytest.approx(plain_auc(ab_hat, ab), abs=1e-3)
    pixel_weights = weights[textbook.nearest_bin(ab[:3], BINS.centers)]
    expected = plain_auc(ab_hat[:3], ab[:3], pixel_weights)
    assert metrics.color_auc(ab_hat[:3], ab[:3], weights, BINS) == pytest.approx(expected, abs=1e-3)
    assert metrics.color_auc(ab_hat[:3], ab[:3], weights) == pytest.approx(expected, abs=1e-3)  # BINS is the default


@settings(deadline=None, max_examples=40)
@given(st.floats(0, 200), st.floats(0, 2 * math.pi))
def test_auc_of_one_error_everywhere(error, angle):
    true = torch.zeros(2, 3, 4, dtype=torch.float64)
    hat = true + error * torch.tensor([math.cos(angle), math.sin(angle)])[:, None, None]
    result = metrics.color_auc(hat, true)
    assert 0 <= result <= 100 and abs(result - 100 * max(0, 1 - error / 150)) <= 100 / 150
    assert result == pytest.approx(plain_auc(hat, true), abs=1e-9) or abs(error - round(error)) < 1e-9


def test_auc_ends_and_broadcast(ab):
    assert metrics.color_auc(ab, ab) == 100
    assert metrics.color_auc(ab + 151, ab) == 0
    one = torch.tensor([3.0, -4.0])[:, None, None]
    assert metrics.color_auc(one, ab) == metrics.color_auc(one.expand_as(ab), ab)
    rolled = torch.randperm(128 * 128)
    mixed = lambda x: x.flatten(2)[..., rolled].reshape(x.shape)  # noqa: E731
    assert metrics.color_auc(mixed(noisy(ab)), mixed(ab)) == pytest.approx(metrics.color_auc(noisy(ab), ab), abs=1e-9)


def test_histograms_add_up(ab, weights):
    ab_hat = noisy(ab)
    table = metrics.error_histogram(ab_hat, ab, weights, BINS)
    assert table.shape == (8, 152) and table.dtype == torch.float64
    parts = torch.cat([metrics.error_histogram(ab_hat[i:i + 3], ab[i:i + 3], weights, BINS) for i in (0, 3, 6)])
    assert torch.allclose(parts, table)
    assert torch.allclose(metrics.error_histogram(ab_hat, ab).sum(1), torch.full((8,), 128.0**2, dtype=torch.float64))
    assert metrics.auc(table) == metrics.color_auc(ab_hat, ab, weights, BINS)
    assert metrics.auc(table[2]) == pytest.approx(metrics.color_auc(ab_hat[2], ab[2], weights, BINS))


def test_wrong_arguments_are_refused(ab, weights):
    with pytest.raises(ValueError, match="ab_hat has shape"):
        metrics.color_auc(ab[:, :, :64], ab)
    with pytest.raises(ValueError, match="ab has shape"):
        metrics.color_auc(ab[:, :1], ab[:, :1])
    with pytest.raises(ValueError, match="NaN"):
        metrics.color_auc(ab * math.nan, ab)
    with pytest.raises(ValueError, match=r"bin_weights has shape \(313,\); expected \(101,\)"):
        metrics.color_auc(ab, ab, weights, AbBins(20))
    with pytest.raises(ValueError, match="expected ab's"):
        metrics.error_histogram(ab[:2].repeat(4, 1, 1, 1)[None, :4], ab)


def test_own_prior_weights_are_inverse_smoothed_counts(ab, weights):
    counts = torch.bincount(textbook.nearest_bin(ab[:2], BINS.centers).flatten(), minlength=313).double() + 1
    prior = textbook.gaussian_smoothing(counts / counts.sum(), BINS.centers.double())
    expected = 1 / prior
    ours = metrics.own_prior_weights(ab[:2], BINS)
    assert torch.allclose(ours / ours.sum(), expected / expected.sum(), rtol=1e-6)
    assert (ours * prior).sum() == pytest.approx(1)
    assert torch.allclose(metrics.own_prior_weights(iter(ab.split(3)), BINS), weights)
    grey, vivid = BINS.nearest(torch.tensor([[0.0, 60], [0, 60]])[:, :, None]).flatten()
    assert weights[vivid] > 20 * weights[grey]


def test_stored_weights_have_mean_1_under_the_prior_and_a_cap():
    prior, stored = rebalance.stored_prior(), metrics.stored_prior_weights()
    assert stored.shape == (313,) and (stored > 0).all()
    assert (prior * stored).sum().item() == pytest.approx(1)
    assert 50 < stored.max() / stored.min() < 70


def draw_population(photographs=400, pixels=64):
    """Bins and errors (N, pixels) of a population: three in ten photographs are vivid."""
    rng = np.random.default_rng(0)
    vivid = rng.random(photographs) < 0.3
    hue = rng.uniform(0, 2 * math.pi, photographs)
    direction = np.stack((np.cos(hue), np.sin(hue)))[:, :, None]  # (2, N, 1)
    chroma = np.where(vivid, 60, 8)[:, None] * rng.random((photographs, pixels))
    ab = torch.from_numpy(chroma * direction).float()
    return BINS.nearest(ab), np.ceil(0.8 * chroma).astype(int)


def test_own_prior_depends_on_the_number_of_photographs_and_the_stored_one_does_not():
    nearest, errors = draw_population()

    def mean_auc(count, weights_of):
        """Mean over 60 draws of so many photographs; exact for all 400."""
        rng, found = np.random.default_rng(1), []
        for _ in range(60 if count < 400 else 1):
            drawn = rng.choice(400, count, replace=False)
            weights = weights_of(nearest[drawn]).numpy()[nearest[drawn]]
            mass = np.bincount(errors[drawn].ravel(), weights.ravel(), minlength=152)
            found.append(metrics.auc(mass))
        return np.mean(found)

    def own(part):
        return metrics.own_prior_weights(BINS.centers[part].permute(0, 2, 1)[..., None], BINS)

    def stored(part):
        return metrics.stored_prior_weights()

    assert mean_auc(20, own) - mean_auc(400, own) > 3  # the fewer, the higher
    assert abs(mean_auc(20, stored) - mean_auc(400, stored)) < 0.6


def test_effective_number_of_photographs():
    table = np.zeros((4, 152))
    table[:, 3] = 2
    assert metrics.effective_number(table) == 4
    table[0, 7] = 1e9
    assert metrics.effective_number(table) == pytest.approx(1)
    assert metrics.effective_number([[0, 3.0], [1, 0]]) == 16 / 10
    assert metrics.effective_number(np.ones((4, 152)), groups=["a", "a", "b", "b"]) == 2
    assert metrics.effective_number(torch.ones(3, 152), groups=["a", "a", "b"]) == pytest.approx(9 / 5)


def test_rebalancing_sees_what_the_plain_auc_hides(ab, weights):
    """Right on the vivid half, wrong on the grey one, and the other way round."""
    vivid = (ab.norm(dim=1, keepdim=True) > 25).expand_as(ab)
    assert vivid.float().mean() < 0.5
    wrong = noisy(ab, spread=25.0)
    for_vivid, for_grey = torch.where(vivid, ab, wrong), torch.where(vivid, wrong, ab)
    assert metrics.color_auc(for_vivid, ab) < metrics.color_auc(for_grey, ab)
    assert metrics.color_auc(for_vivid, ab, weights, BINS) > metrics.color_auc(for_grey, ab, weights, BINS)


def test_bootstrap_over_photographs_covers_and_pairs():
    rng = np.random.default_rng(0)
    base = rng.uniform(5, 60, 120)  # each photograph's own typical error

    def table(error):
        rows = np.zeros((len(error), 152))
        rows[np.arange(len(error)), np.ceil(error).astype(int)] = 1
        return rows

    a, b = table(base), table(base + 3)
    estimate = metrics.bootstrap_auc(a)
    se = 100 / 150 * base.std() / math.sqrt(120)
    assert estimate.mean == metrics.auc(a) and (estimate.high - estimate.low) == pytest.approx(3.92 * se, rel=0.1)
    difference = metrics.bootstrap_auc_difference(a, b)
    assert tuple(difference) == pytest.approx((2, 2, 2), abs=0.01)  # the same shift in every photograph
    groups = np.arange(120) // 4
    assert metrics.bootstrap_auc(table(np.sort(base)), groups=groups)[1] < metrics.bootstrap_auc(a)[1]

    many = np.stack([table(base + shift) for shift in (-5, 0, 5)])
    with_seeds = metrics.bootstrap_auc_difference(many, np.stack([b] * 3))
    assert with_seeds.mean == pytest.approx(difference.mean, abs=0.01) and with_seeds.low < 0.5 < 3.5 < with_seeds.high
    with pytest.raises(ValueError, match="the same for both"):
        metrics.bootstrap_auc_difference(a, b[:-1])


def test_a_few_vivid_photographs_widen_the_rebalanced_interval(ab, weights):
    ab_hat = torch.zeros_like(ab)
    plain = metrics.bootstrap_auc(metrics.error_histogram(ab_hat, ab))
    rebalanced = metrics.bootstrap_auc(metrics.error_histogram(ab_hat, ab, weights, BINS))
    assert rebalanced.high - rebalanced.low > plain.high - plain.low
    assert plain.low < plain.mean < plain.high


def test_best_constant_beats_brute_force_and_keeps_the_limit(ab, weights):
    grey_plain = metrics.color_auc(torch.zeros(2, 1, 1), ab)
    grey_rebalanced = metrics.color_auc(torch.zeros(2, 1, 1), ab, weights, BINS)
    best, free = (metrics.best_constant(ab, weights, BINS, limit=limit) for limit in (None, -math.inf))
    for found in (best, free):
        color = torch.tensor(found.ab)[:, None, None]
        assert found.plain == pytest.approx(metrics.color_auc(color, ab), abs=0.05)
        assert found.rebalanced == pytest.approx(metrics.color_auc(color, ab, weights, BINS), abs=0.05)
    assert best.plain >= grey_plain - 0.05 and free.rebalanced >= best.rebalanced >= grey_rebalanced - 0.05
    for color in BINS.centers[::3]:
        tried = color[:, None, None]
        rebalanced = metrics.color_auc(tried, ab[:, :, ::4, ::4], weights, BINS)
        assert rebalanced <= free.rebalanced + 0.3  # a sixteenth of the pixels stands for all
    streamed = metrics.best_constant(iter(ab.split(3)), weights, BINS)
    assert streamed.ab == best.ab and streamed[1:] == pytest.approx(best[1:])
    with pytest.raises(ValueError, match="limit is 99.9, but no constant colour"):
        metrics.best_constant(ab, weights, BINS, limit=99.9)


def test_best_constant_finds_a_planted_colour():
    ab = torch.tensor([20.0, 35.0])[:, None, None].expand(2, 2, 8, 8) + torch.zeros(2, 2, 8, 8)
    found = metrics.best_constant(ab, torch.ones(313), BINS)
    assert math.dist(found.ab, (20, 35)) <= 1 and found.plain > 99.5


def test_psnr_and_ciede2000_equal_scikit_images(photographs):
    torch.manual_seed(0)
    rgb = photographs.double() / 255
    other = (rgb + 0.1 * torch.randn_like(rgb)).clamp(0, 1)
    expected = [peak_signal_noise_ratio(a, b, data_range=1) for a, b in zip(rgb.numpy(), other.numpy())]
    assert metrics.psnr(other, rgb).tolist() == pytest.approx(expected)
    assert metrics.psnr(rgb, rgb).isinf().all()
    lab, lab_hat = rgb_to_lab(rgb), rgb_to_lab(other)
    last = lambda x: x.movedim(-3, -1).numpy()  # noqa: E731
    expected = skcolor.deltaE_ciede2000(last(lab), last(lab_hat))
    ours = metrics.ciede2000(lab_hat, lab)
    assert ours.shape == (8, 128, 128) and np.abs(ours.numpy() - expected).max() < 1e-9
    single = metrics.ciede2000(lab_hat.float(), lab.float())
    assert single.dtype == torch.float32 and (single - ours).abs().max() < 0.01


def test_ciede2000_on_all_of_lab():
    """Colours far apart, greys, opposite hues: where implementations go wrong. Symmetric, and zero to oneself."""
    generator = torch.Generator().manual_seed(0)
    one, two = (torch.rand(3, 100, 100, generator=generator, dtype=torch.float64) for _ in range(2))
    scale, offset = torch.tensor([100.0, 220, 220]).double(), torch.tensor([0, -110.0, -110]).double()
    one, two = (x * scale[:, None, None] + offset[:, None, None] for x in (one, two))
    one[1:, :10] = 0
    two[1:, 5:15] = 0
    ours = metrics.ciede2000(one, two)
    expected = skcolor.deltaE_ciede2000(one.movedim(0, -1).numpy(), two.movedim(0, -1).numpy())
    assert np.abs(ours.numpy() - expected).max() < 1e-9
    assert torch.allclose(ours, metrics.ciede2000(two, one)) and metrics.ciede2000(one, one).abs().max() < 1e-9


# Sharma, Wu & Dalal (2005), table 1: L, a, b of two colours and their difference
SHARMA = """
50 2.6772 -79.7751 50 0 -82.7485 2.0425;        50 3.1571 -77.2803 50 0 -82.7485 2.8615
50 2.8361 -74.02 50 0 -82.7485 3.4412;          50 -1.3802 -84.2814 50 0 -82.7485 1
50 -1.1848 -84.8006 50 0 -82.7485 1;            50 -.9009 -85.5211 50 0 -82.7485 1
50 0 0 50 -1 2 2.3669;                          50 -1 2 50 0 0 2.3669
50 2.49 -.001 50 -2.49 .0009 7.1792;            50 2.49 -.001 50 -2.49 .001 7.1792
50 2.49 -.001 50 -2.49 .0011 7.2195;            50 2.49 -.001 50 -2.49 .0012 7.2195
50 -.001 2.49 50 .0009 -2.49 4.8045;            50 -.001 2.49 50 .001 -2.49 4.8045
50 -.001 2.49 50 .0011 -2.49 4.7461;            50 2.5 0 50 0 -2.5 4.3065
50 2.5 0 73 25 -18 27.1492;                     50 2.5 0 61 -5 29 22.8977
50 2.5 0 56 -27 -3 31.903;                      50 2.5 0 58 24 15 19.4535
50 2.5 0 50 3.1736 .5854 1;                     50 2.5 0 50 3.2972 0 1
50 2.5 0 50 1.8634 .5757 1;                     50 2.5 0 50 3.2592 .335 1
60.2574 -34.0099 36.2677 60.4626 -34.1751 39.4387 1.2644; 63.0109 -31.0961 -5.8663 62.8187 -29.7946 -4.0864 1.263
61.2901 3.7196 -5.3901 61.4292 2.248 -4.962 1.8731;       35.0831 -44.1164 3.7933 35.0232 -40.0716 1.5901 1.8645
22.7233 20.0904 -46.694 23.0331 14.973 -42.5619 2.0373;   36.4612 47.858 18.3852 36.2715 50.5065 21.2231 1.4146
90.8027 -2.0831 1.441 91.1528 -1.6435 .0447 1.4441;       90.9257 -.5406 -.9208 88.6381 -.8985 -.7239 1.5381
6.7747 -.2908 -2.4247 5.8714 -.0985 -2.2286 .6377;        2.0776 .0795 -1.135 .9033 -.0636 -.5514 .9082
"""


def test_ciede2000_on_sharmas_34_pairs():
    rows = [[float(x) for x in row.split()] for row in SHARMA.replace("\n", ";").split(";") if row.strip()]
    table = torch.tensor(rows, dtype=torch.float64)  # (34, 7)
    assert table.shape == (34, 7)
    ours = metrics.ciede2000(table[:, :3].T[:, :, None], table[:, 3:6].T[:, :, None]).squeeze(1)
    assert (ours - table[:, 6]).abs().max() <= 0.5001e-4  # the table has four digits


def test_colorfulness_is_its_formula_and_orders_pictures(photographs):
    rgb = photographs.double() / 255
    R, G, B = 255 * rgb[0].numpy()
    rg, yb = R - G, (R + G) / 2 - B
    expected = math.hypot(rg.std(), yb.std()) + 0.3 * math.hypot(rg.mean(), yb.mean())
    ours = metrics.colorfulness(rgb)
    assert ours.shape == (8,) and ours[0].item() == pytest.approx(expected)
    grey = rgb.mean(1, keepdim=True).expand_as(rgb)
    assert metrics.colorfulness(grey).abs().max() < 1e-9
    assert (metrics.colorfulness((rgb + grey) / 2) < ours).all()
    assert metrics.colorfulness(rgb[2]).item() == pytest.approx(ours[2].item())  # no batch needed


def test_chroma_ratio_and_its_interval(ab):
    assert metrics.chroma_ratio(0.4 * ab, ab) == pytest.approx(0.4) and metrics.chroma_ratio(0 * ab, ab) == 0
    assert math.isnan(metrics.chroma_ratio(ab, 0 * ab))
    assert metrics.mean_chroma(torch.tensor([3.0, 4.0])[:, None, None].expand(2, 5, 6)).item() == 5
    factors = torch.linspace(0.2, 0.6, 8)[:, None, None, None]
    top, bottom = metrics.mean_chroma(factors * ab), metrics.mean_chroma(ab)
    estimate = metrics.bootstrap_ratio(top, bottom)
    assert estimate.mean == pytest.approx(metrics.chroma_ratio(factors * ab, ab), rel=1e-5)
    assert 0.2 < estimate.low < estimate.mean < estimate.high < 0.6
    assert tuple(metrics.bootstrap_ratio(0.4 * bottom, bottom)) == pytest.approx((0.4, 0.4, 0.4))
    seeds = torch.stack((0.9 * top, 1.1 * top))
    of_seeds = metrics.bootstrap_ratio(seeds, bottom)
    assert of_seeds.mean == pytest.approx(estimate.mean, rel=1e-5)
    assert of_seeds.low < estimate.low and of_seeds.high > estimate.high  # the seeds vary, too
    assert all(math.isnan(value) for value in metrics.bootstrap_ratio(0 * bottom, 0 * bottom))  # and warns of nothing
    with pytest.raises(ValueError, match=r"expected \(N,\) or \(S, N\)"):
        metrics.bootstrap_ratio(top, bottom[:3])


@pytest.mark.parametrize("compare", [metrics.psnr, metrics.ciede2000])
def test_pictures_that_cannot_be_compared(compare):
    one = torch.rand(2, 3, 8, 8)
    assert compare(one[0], one).shape[0] == 2  # one for all
    for other in (one[..., :4], torch.rand(3, 3, 8, 8)):
        with pytest.raises(ValueError, match="expected the same for both"):
            compare(one, other)
    with pytest.raises(TypeError, match="expected a torch tensor"):
        compare(one.numpy(), one)


def test_psnr_wants_values_from_0_to_1():
    with pytest.raises(ValueError, match="rgb has values from .* divide by 255"):
        metrics.psnr(torch.rand(3, 8, 8), 255 * torch.rand(3, 8, 8))
