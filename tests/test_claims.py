"""Measures of what galleries make one say, against images with a known answer; correlations against SciPy."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from colorlab.claims import _ranks, hue_variety, is_red, rank_correlation, red_share, sepia
from colorlab.color import rgb_to_lab


def of_hues(*degrees, chroma=40.0):
    """ab (2, 1, W): a stripe for each hue."""
    angle = torch.deg2rad(torch.tensor(degrees, dtype=torch.float64))
    return chroma * torch.stack((angle.cos(), angle.sin()))[:, None]


def ab_of(code):
    rgb = torch.tensor(list(bytes.fromhex(code)), dtype=torch.uint8).view(3, 1, 1)
    return rgb_to_lab(rgb)[1:]


def test_hue_variety_counts_hues():
    assert hue_variety(of_hues(10)).item() == pytest.approx(1)
    assert hue_variety(of_hues(10, 100, 190, 280)).item() == pytest.approx(4)
    assert hue_variety(of_hues(*range(1, 360, 15))).item() == pytest.approx(24)
    assert hue_variety(of_hues(10, 100, 190, chroma=2)).item() == 0  # grey
    unequal = torch.cat((of_hues(10, chroma=90), of_hues(100, chroma=10)), -1)
    assert 1 < hue_variety(unequal).item() < 1.5


def test_sepia_is_one_brown_wash():
    assert sepia(ab_of("704214")).item() == pytest.approx(1, abs=1e-3)
    assert sepia(of_hues(65, 245)).item() == pytest.approx(0, abs=1e-9)  # they balance out
    assert sepia(of_hues(245)).item() == pytest.approx(-1)
    assert sepia(torch.zeros(2, 4, 4)).item() == 0


def test_red_is_red():
    for code in ("d73223", "ff0000", "c0392b"):
        assert red_share(ab_of(code)).item() == 1
    # skin, pink, yellow, grey, green, blue
    for code in ("e0ac8c", "ff69b4", "fac814", "5f5f62", "5a8232", "3060c0"):
        assert not is_red(ab_of(code)).any()
    assert red_share(torch.cat((of_hues(30), of_hues(120, 200, 300)), -1)).item() == 0.25


def test_measures_take_batches():
    ab = 30 * torch.randn(2, 5, 2, 8, 8)
    for measure in (hue_variety, sepia, red_share):
        assert measure(ab).shape == (2, 5)
        assert torch.allclose(measure(ab)[1, 3].double(), measure(ab[1, 3]).double())


FEW = st.integers(-4, 4)


@given(st.lists(st.tuples(FEW, FEW, st.integers(1, 3)), min_size=4, max_size=30))
def test_a_weighted_rank_correlation_is_that_of_the_repeated_values(rows):
    x, y, counts = (np.array(column) for column in zip(*rows))
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return
    from colorlab.claims import _correlation
    ours = _correlation(_ranks(x, counts[None]), _ranks(y, counts[None]), counts[None].astype(float))[0]
    assert ours == pytest.approx(spearmanr(np.repeat(x, counts), np.repeat(y, counts))[0], abs=1e-9)


def test_rank_correlation_and_its_interval():
    rng = np.random.default_rng(0)
    x = rng.normal(size=300)
    y = x + rng.normal(size=300)
    found = rank_correlation(x, y, n=500)
    assert found.mean == pytest.approx(spearmanr(x, y)[0])
    assert found.low < found.mean < found.high and 0.05 < found.high - found.low < 0.2
    assert rank_correlation(x, np.exp(3 * y), n=500) == found  # ranks alone count
    alone = rank_correlation(np.repeat(x, 4), np.repeat(y, 4), n=500)
    together = rank_correlation(np.repeat(x, 4), np.repeat(y, 4), n=500, groups=np.repeat(np.arange(300), 4))
    assert together.high - together.low > 1.6 * (alone.high - alone.low)  # four crops are not four
    noise = rank_correlation(x, rng.normal(size=300), n=500)
    assert noise.low < 0 < noise.high
    assert rank_correlation(torch.tensor(x), torch.tensor(-x), n=100).mean == pytest.approx(-1)


def test_what_is_constant_correlates_with_nothing():
    assert all(np.isnan(rank_correlation([1, 1, 1], [1, 2, 3])))


@pytest.mark.parametrize("x, y", [([1, 2, 3], [1, 2]), ([1, 2, np.nan], [1, 2, 3])])
def test_correlations_that_do_not_exist_are_refused(x, y):
    with pytest.raises(ValueError):
        rank_correlation(x, y)
