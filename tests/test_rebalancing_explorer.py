"""The explorer of rebalancing: its numbers, held against equation 4 written out; every corner; lambda 0 and 1; its speed."""

import re
import statistics
import time

import pytest
import torch

pytest.importorskip("ipywidgets")

from colorlab import textbook  # noqa: E402
from colorlab.bins import AbBins  # noqa: E402
from colorlab.widgets import rebalancing  # noqa: E402
from colorlab.widgets.explorer import as_pixels  # noqa: E402
from sweep import sweep  # noqa: E402

BINS = AbBins()
CENTERS = BINS.centers.double()
COUNTS = (1e6 * torch.exp(-CENTERS.norm(dim=1) / 8) * (CENTERS[:, 0] > -40)).floor()  # rare away from grey, and many never met
START = {"mix": 0.5, "sigma": 5, "scale": "log", "show": "weights"}


def said(**change) -> str:
    return rebalancing.explore(COUNTS, BINS).render(**{**START, **change}).words


def by_hand(mix, sigma):
    """Equation 4, written out: smoothed prior and weights (Q,)."""
    smooth = textbook.gaussian_smoothing(COUNTS / COUNTS.sum(), CENTERS, sigma)
    weights = 1 / ((1 - mix) * smooth + mix / len(BINS))
    return smooth, weights / (smooth * weights).sum()


@pytest.mark.parametrize("mix", [0.05, 0.5, 0.95])
@pytest.mark.parametrize("sigma", [2, 5, 15])
def test_the_words_say_equation_4(mix, sigma):
    smooth, weights = by_hand(mix, sigma)
    words = said(mix=mix, sigma=sigma)
    least, x, y, most, ratio = re.search(
        r"from (\S+) at \((-?\d+), (-?\d+)\) to (\S+) at \(-?\d+, -?\d+\), a ratio of (\S+)\. ", words).groups()
    assert float(least) == pytest.approx(weights.min().item(), rel=6e-3) and float(most.replace(",", "")) == pytest.approx(weights.max().item(), rel=6e-3)
    assert float(ratio.replace(",", "")) == pytest.approx((weights.max() / weights.min()).item(), rel=6e-3)
    assert CENTERS[weights.argmin()].tolist() == [int(x), int(y)]
    grey = CENTERS.square().sum(1) <= 100
    assert grey.sum() == 5
    before, after = re.search(r"has ([\d.]+) % of the pixels, and ([\d.]+) %", words).groups()
    assert float(before) == pytest.approx(100 * smooth[grey].sum().item(), abs=0.051)
    assert float(after) == pytest.approx(100 * (smooth * weights)[grey].sum().item(), abs=0.051)
    assert "The sum of prior × weight is 1.000." in words


def test_at_lambda_1_all_bins_weigh_1():
    words = said(mix=1.0)
    before, after = re.search(r"has ([\d.]+) % of the pixels, and ([\d.]+) %", words).groups()
    assert "all bins weigh the same, 1, a ratio of 1." in words and before == after


def test_at_lambda_0_empty_bins_would_weigh_infinitely():
    smooth, _ = by_hand(0.5, 1)
    words = said(mix=0.0, sigma=1)
    assert f"The {(smooth <= rebalancing.EMPTY).sum()} empty bins would weigh infinitely and are left out." in words
    assert "prior × weight is 1.000" in words and (smooth <= rebalancing.EMPTY).sum() > 5
    there = smooth > rebalancing.EMPTY
    weights = rebalancing.weigh(smooth, 0.0)
    assert torch.allclose(weights[there], 1 / (smooth[there] * there.sum())) and weights[~there].isinf().all()
    assert "empty" not in said(mix=0.0, sigma=15)


def test_a_flat_prior_weighs_all_alike():
    words = rebalancing.explore(torch.ones(len(BINS)), BINS).render(0.5, 1, "log", "weights").words
    assert "all bins weigh the same, 1, a ratio of 1." in words


def test_counts_of_any_kind_and_bins_of_any_step():
    assert rebalancing.explore((COUNTS / COUNTS.sum()).float()).shown.words == said()
    assert rebalancing.explore(COUNTS.long()).shown.words == said()
    coarse = AbBins(40)
    assert "prior × weight is 1.000" in rebalancing.explore(torch.arange(len(coarse)), coarse).shown.words
    one = torch.zeros(len(BINS))
    one[150] = 3  # fewer colours met than there are patches
    assert "a ratio of" in rebalancing.explore(one, BINS).render(0.0, 1, "log", "weights").words


def test_wrong_counts_are_refused_at_once():
    with pytest.raises(ValueError, match=r"prior has shape \(12,\); expected \(313,\)"):
        rebalancing.explore(torch.ones(12), BINS)
    with pytest.raises(ValueError, match="prior has negative"):
        rebalancing.sheet(-COUNTS, BINS)


@pytest.mark.parametrize("x, told", [(0.0684, "0.0684"), (2.1372, "2.14"), (999.6, "1,000"), (30412.0, "30,412"), (1.234e9, "1.2 × 10^9"), (1e-5, "1.0 × 10^-5")])
def test_numbers_of_any_size(x, told):
    assert rebalancing.number(x) == told


def test_the_same_controls_draw_the_same_picture():
    render = rebalancing.explore(COUNTS, BINS).render
    one, other = (as_pixels(render(**START).picture) for _ in range(2))
    assert (one == other).all()
    for change in ({"mix": 0.55}, {"sigma": 6}, {"scale": "linear"}, {"show": "prior"}, {"show": "prior × weights"}):
        assert (as_pixels(render(**{**START, **change}).picture) != one).any(), change


def test_corners():
    explorer, moves = rebalancing.explore(COUNTS, BINS), 0
    for _ in sweep(explorer, most=12):
        assert "The sum of prior × weight is 1.000." in explorer.shown.words and len(explorer.shown.words) < 360
        moves += 1
    assert moves > 30


def test_it_follows_within_half_a_second():
    render, took = rebalancing.explore(COUNTS, BINS).render, []
    for sigma in range(2, 15, 2):
        began = time.thread_time()  # of this thread alone, whatever else the machine does
        as_pixels(render(0.3, sigma, "log", "weights").picture)
        took.append(time.thread_time() - began)
    assert statistics.median(took) < 0.5


def test_the_sheet_has_its_panels():
    sheet = rebalancing.sheet(COUNTS, BINS)
    assert [ax.get_xlabel() for ax in sheet.axes] == list(rebalancing.SETTINGS)
    assert len(sheet.encoded()[1]) < 200_000
