"""The bins' facts, and codes and decoding against the textbook in float64."""

import hashlib

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from colorlab import bins, color, photos, textbook
from colorlab.bins import AbBins

RELEASED = "2a39983ed60d5b52b717842d56d5f766982289e6d5a609582155f437cecc1045"  # sha256 of Zhang et al.'s table, int64


@pytest.fixture(scope="module")
def ab313():
    return AbBins()


def somewhere(n=1000, spread=260.0, seed=0):
    """Uniform points on a square of the plane that is wider than the bins, float64 (1, 2, 1, n)."""
    return (torch.rand(1, 2, 1, n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) - 0.5) * spread


def test_the_released_table():
    assert hashlib.sha256(bins.bin_centers(10).numpy().tobytes()).hexdigest() == RELEASED


@pytest.mark.parametrize("step, count", [(5, 1083), (8, 460), (10, 313), (20, 101), (40, 40)])
def test_how_many_bins(step, count):
    assert len(AbBins(step)) == count


def test_centers_are_sorted_and_stay_out_of_the_state_dict(ab313):
    rows = [tuple(row) for row in ab313.centers.int().tolist()]
    assert rows == sorted(rows) and ab313.centers.dtype == torch.float32 and not ab313.state_dict()


def test_every_colour_of_srgb_is_near_a_bin():
    levels = torch.arange(0, 256, 15, dtype=torch.uint8)
    ab = color.rgb_to_lab(torch.cartesian_prod(levels, levels, levels).T[:, None])[1:]
    _, squared = bins.neighbors_of(10, 1)(ab)
    assert squared.max().sqrt() <= 50**0.5 + 1e-3  # half the diagonal of a bin


@pytest.mark.parametrize("step, neighbors", [(10, 1), (10, 5), (10, 10), (10, 313), (5, 10), (20, 7), (40, 40)])
def test_soft_codes_equal_brute_force(step, neighbors):
    these = AbBins(step)
    ab = torch.cat((somewhere(), these.centers.T.double().view(1, 2, 1, -1),  # centres, and points halfway between them
                    these.centers.T.double().view(1, 2, 1, -1) + step / 2), dim=-1)
    indices, weights = these.soft_encode(ab, neighbors)
    assert indices.dtype == torch.int64 and weights.dtype == torch.float64
    dense, wanted = these.soft_encode_dense(ab, neighbors), textbook.soft_code(ab, these.centers.double(), neighbors)
    # On a tie for the last place either neighbour is right, so compare the sorted weights, and the sum over space.
    assert torch.allclose(dense.sort(-3).values, wanted.sort(-3).values, atol=1e-12)
    same = (dense - wanted).abs().amax(-3) < 1e-12
    squared = (ab.movedim(-3, -1)[..., None, :] - these.centers.double()).square().sum(-1).sort(-1).values
    tied = (squared[..., min(neighbors, len(these) - 1)] - squared[..., neighbors - 1]).abs() < 1e-9
    assert (same | tied).all()


def test_soft_codes_of_photographs(ab313):
    for photo in list(photos.samples().values())[:3]:
        ab = color.rgb_to_lab(photo)[1:, ::7, ::7].double()
        wanted = textbook.soft_code(ab, ab313.centers.double())
        assert torch.allclose(ab313.soft_encode_dense(ab).sort(0).values, wanted.sort(0).values, atol=1e-12)


@pytest.mark.parametrize("distance", [150.0, 1e3, 1e5, 1e6])
def test_soft_codes_far_out_of_gamut(ab313, distance):
    angle = torch.linspace(0, 6.28, 50)
    ab = (distance * torch.stack((angle.cos(), angle.sin())))[:, None]  # (2, 1, 50) float32
    code = ab313.soft_encode_dense(ab)
    wanted = textbook.soft_code(ab.double(), ab313.centers.double())
    assert torch.allclose(code.sum(0), torch.ones(1, 50), atol=1e-5)
    assert (code - wanted).abs().max() < 1e-4


@settings(max_examples=40, deadline=None)
@given(st.floats(-200, 200), st.floats(-200, 200), st.integers(1, 12), st.floats(0.5, 50))
def test_weights_sum_to_one_and_fall_with_distance(a, b, neighbors, sigma):
    _, weights = AbBins().soft_encode(torch.tensor([a, b]).view(2, 1, 1), neighbors, sigma)
    weights = weights.flatten()
    assert abs(weights.sum() - 1) < 1e-5 and (weights.diff() <= 1e-6).all()


def test_nearest_is_the_first_of_the_code(ab313):
    ab = somewhere(500)
    assert torch.equal(ab313.nearest(ab), ab313.soft_encode(ab)[0][:, 0])
    assert torch.equal(ab313.nearest(ab313.centers.T[:, None]).squeeze(), torch.arange(313))
    assert torch.equal(ab313.nearest(ab), textbook.nearest_bin(ab, ab313.centers.double()))


def test_shapes_batches_and_empty(ab313):
    ab = torch.zeros(3, 4, 2, 5, 6)
    indices, weights = ab313.soft_encode(ab)
    assert indices.shape == weights.shape == (3, 4, 10, 5, 6) and ab313.nearest(ab).shape == (3, 4, 5, 6)
    assert ab313.soft_encode_dense(ab).shape == (3, 4, 313, 5, 6)
    assert ab313.nearest(torch.zeros(0, 2, 5, 6)).shape == (0, 5, 6)


def test_annealed_mean_equals_the_textbook_and_its_limits(ab313):
    logits = 5 * torch.randn(2, 313, 3, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    centers = ab313.centers.double()
    for temperature in (0.05, 0.38, 1.0):
        wanted = textbook.annealed_mean(logits, centers, temperature)
        assert torch.allclose(ab313.annealed_mean(logits, temperature), wanted, atol=1e-9)
    mode = centers[logits.argmax(1)].movedim(-1, 1)
    assert torch.allclose(ab313.annealed_mean(logits, 1e-6), mode)
    mean = torch.einsum("nqhw,qc->nchw", logits.softmax(1), centers)
    assert torch.allclose(ab313.annealed_mean(logits, 1.0), mean)
    assert torch.allclose(ab313.annealed_mean(logits + 7), ab313.annealed_mean(logits))  # a shift changes nothing


@pytest.mark.parametrize("dtype, step", [(torch.bfloat16, 2**-8), (torch.float16, 2**-11)])
def test_annealed_mean_in_half_precision_is_rounded_once(ab313, dtype, step):
    logits = (5 * torch.randn(313, 6, 7, generator=torch.Generator().manual_seed(0))).to(dtype)
    wanted = textbook.annealed_mean(logits.double(), ab313.centers.double())
    found = ab313.annealed_mean(logits)
    assert found.dtype == dtype and ((found.double() - wanted).abs() <= step * wanted.abs() + 1e-3).all()


def test_encode_then_decode_comes_close(ab313):
    ab = color.rgb_to_lab(photos.samples()["astronaut"])[1:, ::5, ::5]
    code = ab313.soft_encode_dense(ab)
    assert (ab313.annealed_mean(code.clamp(min=1e-12).log(), 1.0) - ab).norm(dim=0).mean() < 3


@pytest.mark.parametrize("call, words", [
    (lambda q: AbBins(0), "step is 0"),
    (lambda q: AbBins(2.5), "step is 2.5"),
    (lambda q: q.soft_encode(torch.zeros(2, 4, 4), neighbors=0), "neighbors is 0"),
    (lambda q: q.soft_encode(torch.zeros(2, 4, 4), neighbors=314), "313"),
    (lambda q: q.soft_encode(torch.zeros(2, 4, 4), sigma=0.0), "sigma is 0.0"),
    (lambda q: q.nearest(torch.zeros(3, 4, 4)), r"ab has shape \(3, 4, 4\)"),
    (lambda q: q.annealed_mean(torch.zeros(313, 2, 2), 0.0), "temperature is 0.0"),
    (lambda q: q.annealed_mean(torch.zeros(313, 2, 2), 1.5), "temperature is 1.5"),
    (lambda q: q.annealed_mean(torch.zeros(312, 2, 2)), "logits has shape"),
])
def test_wrong_input_is_named(ab313, call, words):
    with pytest.raises(ValueError, match=words):
        call(ab313)
