"""Prior, smoothing, weights: properties that must hold of any, and the mistakes they must catch."""

import json
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from colorlab import photos, rebalance, textbook
from colorlab.bins import AbBins
from colorlab.generators import ECCV16
from colorlab.rebalance import (STORED_PRIOR, class_weights, empirical_prior, is_grey, smooth_prior, stored_prior,
                                take_back)

BINS = AbBins()
shares = hnp.arrays("float64", len(BINS), elements=st.floats(0, 1)).filter(lambda p: p.sum() > 1e-3)


def test_prior_of_photographs_is_grey_heavy():
    prior = empirical_prior([photo[None] for photo in photos.samples().values()], BINS)
    assert prior.shape == (313,) and prior.sum() == pytest.approx(1)
    greyness = BINS.centers.norm(dim=1)
    assert prior[greyness <= 20].sum() > 10 * prior[greyness >= 60].sum()


def test_prior_counts_what_is_there():
    red = torch.zeros(1, 3, 8, 12)
    red[:, 0] = 1
    prior = empirical_prior([red, red], BINS)
    assert prior.max() == 1 and BINS.centers[prior.argmax()].tolist() == [80, 70]


def test_prior_of_nothing_is_refused():
    with pytest.raises(ValueError, match="images is empty"):
        empirical_prior([], BINS)


def test_the_stored_prior_ships_and_is_one():
    prior = stored_prior()
    assert prior.shape == (313,) and prior.dtype == torch.float64 and (prior > 0).all()
    assert prior.sum().item() == pytest.approx(1, abs=1e-12)
    record = json.loads(STORED_PRIOR.read_text(encoding="utf-8"))
    assert record["photographs"] == 13800 and record["sigma"] == 5
    assert record["command"].startswith("python -m colorlab prior ")
    assert STORED_PRIOR.is_relative_to(Path(rebalance.__file__).parent)  # so a wheel contains it


@settings(max_examples=25, deadline=None)
@given(shares, st.floats(1, 40))
def test_smoothing_is_the_textbook_and_keeps_the_sum(prior, sigma):
    prior = torch.from_numpy(prior)
    smooth = smooth_prior(prior, BINS, sigma)
    assert smooth.sum() == pytest.approx(1) and (smooth >= 0).all()
    assert torch.allclose(smooth, textbook.gaussian_smoothing(prior, BINS.centers.double(), sigma))


def test_smoothing_spreads_symmetrically_from_one_bin():
    prior = torch.zeros(313, dtype=torch.float64)
    home = int(BINS.nearest(torch.zeros(2, 1, 1)))
    prior[home] = 1
    smooth = smooth_prior(prior, BINS, 5.0)
    at = {tuple(c): float(p) for c, p in zip(BINS.centers.int().tolist(), smooth)}
    assert smooth.argmax() == home and at[10, 0] == pytest.approx(at[0, -10]) == pytest.approx(at[0, 0] * 2.718281828**-2)


@settings(max_examples=25, deadline=None)
@given(shares, st.floats(0.01, 1))
def test_expected_weight_is_one_and_rare_weighs_more(prior, mix):
    prior = torch.from_numpy(prior) / prior.sum()
    weights = class_weights(prior, mix)
    assert (prior * weights).sum() == pytest.approx(1)
    ordered = weights[prior.argsort()]
    assert (ordered.diff() <= 1e-9 * ordered.max()).all()  # the rarer, the heavier


def test_the_ends_of_lambda():
    prior = smooth_prior(torch.rand(313, generator=torch.Generator().manual_seed(0)), BINS)
    assert torch.allclose(class_weights(prior, 1.0), torch.ones(313))
    assert torch.allclose(class_weights(prior, 0.0) * prior, torch.full((313,), 1 / 313))


def test_order_of_bins_does_not_matter():
    prior = torch.rand(313, generator=torch.Generator().manual_seed(0)).softmax(0)
    shuffle = torch.randperm(313)
    assert torch.allclose(class_weights(prior)[shuffle], class_weights(prior[shuffle]))


def test_which_photographs_are_grey():
    ab = torch.zeros(3, 2, 4, 4)
    ab[1, 0, 0, 0], ab[2, 1, 3, 3] = 5.0, -5.1
    assert is_grey(ab).tolist() == [True, True, False]


@pytest.mark.parametrize("call, words", [
    (lambda: class_weights(torch.ones(313), 1.5), "mix is 1.5"),
    (lambda: class_weights(torch.cat((torch.zeros(1), torch.ones(312))), 0), "empty bins"),
    (lambda: class_weights(torch.zeros(313)), "only zero"),
    (lambda: class_weights(-torch.ones(313)), "negative"),
    (lambda: smooth_prior(torch.ones(100), BINS), r"expected \(313,\)"),
    (lambda: smooth_prior(torch.ones(313), BINS, 0), "sigma is 0"),
])
def test_wrong_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_taking_back_leads_from_the_weighted_to_the_plain_distribution():
    generator = ECCV16(0.0625).eval()
    weights = class_weights(torch.rand(313, generator=torch.Generator().manual_seed(0)))
    L = 100 * torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        before = generator(L).softmax(1)
        take_back(generator, weights, 1.0)
        wanted = before / weights[:, None, None]
        assert torch.allclose(generator(L).softmax(1), wanted / wanted.sum(1, keepdim=True), atol=1e-6)
    with pytest.raises(ValueError, match="share is 2"):
        take_back(generator, weights, 2)
    with pytest.raises(ValueError, match="one weight for each"):
        take_back(generator, weights[:5], 0.5)
