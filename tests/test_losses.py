"""The losses equal the dense textbook ones in value and gradient, in little memory."""

import os
import subprocess
import sys

import pytest
import torch

from colorlab import color, losses, photos, textbook
from colorlab.bins import AbBins
from colorlab.losses import euclidean_loss, rebalanced_cross_entropy, weighted_and_plain
from colorlab.rebalance import class_weights

BINS, COARSE = AbBins(), AbBins(40)


def a_batch(bins, shape=(2, 5, 7), seed=0):
    generator = torch.Generator().manual_seed(seed)
    n, h, w = shape
    logits = 3 * torch.randn(n, len(bins), h, w, generator=generator, dtype=torch.float64)
    ab = 60 * torch.randn(n, 2, h, w, generator=generator, dtype=torch.float64)  # some far out of gamut
    weights = class_weights(torch.rand(len(bins), generator=generator, dtype=torch.float64))
    return logits.requires_grad_(), ab, weights


def dense(logits, ab, bins, weights, neighbors=10, sigma=5.0):
    centers = bins.centers.double()
    pixel_weights = weights[textbook.nearest_bin(ab, centers)]
    return textbook.cross_entropy(logits, textbook.soft_code(ab, centers, neighbors, sigma), pixel_weights)


@pytest.mark.parametrize("neighbors, sigma", [(10, 5.0), (5, 5.0), (1, 5.0), (10, 20.0)])
def test_value_and_gradient_equal_the_dense_textbook(neighbors, sigma):
    logits, ab, weights = a_batch(BINS)
    ours = rebalanced_cross_entropy(logits, ab, BINS, weights, neighbors, sigma)
    theirs = dense(logits, ab, BINS, weights, neighbors, sigma)
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-12)
    (ours_grad,), (theirs_grad,) = torch.autograd.grad(ours, logits), torch.autograd.grad(theirs, logits)
    assert torch.allclose(ours_grad, theirs_grad, atol=1e-14)


def of_kind(kind, shape=(2, 4, 5)):
    """ab (N, 2, H, W), float64: of photographs, anywhere on the plane, on bins' centres and between them, far from any colour."""
    generator, (n, h, w) = torch.Generator().manual_seed(1), shape
    if kind == "photographs":
        return color.rgb_to_lab(photos.load("embedded").square(64, limit=n, progress=False).double() / 255)[:, 1:, ::13, ::12][..., :h, :w]
    if kind == "plane":
        return 220 * torch.rand(n, 2, h, w, generator=generator, dtype=torch.float64) - 110
    if kind == "far":
        return 4000 * torch.rand(n, 2, h, w, generator=generator, dtype=torch.float64) - 2000
    chosen = BINS.centers.double()[torch.randint(313, (n, h, w), generator=generator)].movedim(-1, 1)
    return chosen if kind == "centres" else chosen + BINS.step / 2


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("kind", ["photographs", "plane", "far", "centres", "boundaries"])
def test_value_and_gradient_against_float64(kind, dtype):
    ab = of_kind(kind)
    logits = 3 * torch.randn(len(ab), 313, *ab.shape[2:], generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    given = logits.to(dtype).requires_grad_()
    value = rebalanced_cross_entropy(given, ab.to(torch.promote_types(dtype, torch.float32)), BINS)
    value.backward()
    exact = given.detach().double().requires_grad_()
    indices, codes = BINS.soft_encode(ab.to(value.dtype))  # ties are anyone's: take those that were taken
    wanted = textbook.sparse_cross_entropy(exact, indices, codes.double(), torch.ones(len(ab), *ab.shape[2:], dtype=torch.float64))
    wanted.backward()
    step = {torch.float64: 1e-12, torch.float32: 3e-5, torch.float16: 2**-10, torch.bfloat16: 2**-7}[dtype]
    assert value.dtype == torch.promote_types(dtype, torch.float32) and given.grad.dtype == dtype
    assert value.item() == pytest.approx(wanted.item(), rel=min(step, 3e-5))
    assert (given.grad.double() - exact.grad).abs().max() <= step * exact.grad.abs().max()


@pytest.mark.parametrize("chunk", [1, 313 * 40, 313 * 41, 1 << 30])
def test_any_cut_into_pieces_gives_the_same(chunk, monkeypatch):
    """A photograph at a time, two and then the last, all at once."""
    logits, ab, weights = a_batch(BINS, (3, 4, 5))
    wanted = dense(logits, ab, BINS, weights)
    monkeypatch.setattr(losses, "CHUNK", chunk)
    value = rebalanced_cross_entropy(logits, ab, BINS, weights)
    assert value.item() == pytest.approx(wanted.item(), rel=1e-12)
    assert torch.allclose(*(torch.autograd.grad(x, logits)[0] for x in (value, wanted)), atol=1e-14)


def test_gradcheck():
    logits, ab, weights = a_batch(COARSE, (2, 2, 3))
    assert torch.autograd.gradcheck(lambda x: rebalanced_cross_entropy(x, ab, COARSE, weights), logits)


def test_no_weights_is_the_plain_mean_and_the_log_has_both():
    logits, ab, weights = a_batch(BINS)
    plain = rebalanced_cross_entropy(logits, ab, BINS)
    assert plain.item() == pytest.approx(dense(logits, ab, BINS, torch.ones(313, dtype=torch.float64)).item(), rel=1e-12)
    weighted, logged = weighted_and_plain(logits, ab, BINS, weights)
    assert logged.item() == pytest.approx(plain.item()) and weighted.item() != pytest.approx(plain.item(), rel=1e-3)
    assert not logged.requires_grad


def test_a_shift_of_the_logits_changes_nothing_and_huge_ones_stay_finite():
    logits, ab, weights = a_batch(BINS)
    base = rebalanced_cross_entropy(logits, ab, BINS, weights)
    assert rebalanced_cross_entropy(logits + 1000, ab, BINS, weights).item() == pytest.approx(base.item(), rel=1e-9)
    assert torch.isfinite(rebalanced_cross_entropy((1e4 * logits).float(), ab.float(), BINS, weights))


def test_uniform_prediction_costs_log_q():
    assert rebalanced_cross_entropy(torch.zeros(1, 313, 4, 4), torch.zeros(1, 2, 4, 4), BINS).item() == \
        pytest.approx(5.7462, abs=1e-4)


def test_wrong_answers_fail():
    logits, ab, weights = a_batch(BINS)
    right = dense(logits, ab, BINS, weights)
    for wrong in (dense(logits, ab.flip(1), BINS, weights), dense(logits, ab, BINS, weights.flip(0)),
                  dense(logits, ab, BINS, weights, neighbors=5), dense(logits, ab, BINS, weights, sigma=10.0)):
        assert abs(wrong - right) > 1e-6  # so that the comparisons above would see a and b swapped, and the like


@pytest.mark.parametrize("strange", [float("nan"), float("inf")])
def test_logits_that_are_no_numbers_give_nan_in_their_pixel_alone(strange):
    logits, ab, _ = a_batch(BINS)
    index = int(BINS.nearest(ab)[1, 3, 2])
    with torch.no_grad():
        logits[1, (index + 100) % 313, 3, 2] = strange
    per_pixel, derivative = losses.value_and_derivative(logits.detach(), *BINS.soft_encode(ab))
    assert torch.isnan(per_pixel[1, 3, 2]) and torch.isfinite(per_pixel).sum() == per_pixel.numel() - 1
    assert torch.isnan(derivative[1, :, 3, 2]).any() and torch.isfinite(derivative).all(1).sum() == per_pixel.numel() - 1
    assert torch.isnan(rebalanced_cross_entropy(logits, ab, BINS))


def test_a_bin_that_cannot_be_is_no_matter_where_nobody_asks_for_it():
    """A logit of -inf is a probability of 0: free where the code is 0, and infinitely wrong where it is not."""
    logits, ab, _ = a_batch(BINS)
    indices, _ = BINS.soft_encode(ab)
    unasked = next(q for q in range(313) if (indices[1, :, 3, 2] != q).all())
    with torch.no_grad():
        logits[1, unasked, 3, 2] = float("-inf")
    value = rebalanced_cross_entropy(logits, ab, BINS)
    value.backward()
    assert torch.isfinite(value) and torch.isfinite(logits.grad).all() and logits.grad[1, unasked, 3, 2] == 0
    with torch.no_grad():
        logits[1, indices[1, 0, 3, 2], 3, 2] = float("-inf")
    assert rebalanced_cross_entropy(logits, ab, BINS).item() == float("inf")


MEMORY = """
import torch
from colorlab.bins import AbBins
from colorlab.losses import rebalanced_cross_entropy
bins, weights = AbBins(), torch.ones(313)
def peak():  # of this process alone: getrusage's would start from the parent's
    return 1024 * int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
def run(n):
    logits = torch.randn(n, 313, 44, 44, requires_grad=True)
    ab = 30 * torch.randn(n, 2, 44, 44)
    before = peak()
    rebalanced_cross_entropy(logits, ab, bins, weights).backward()
    return (peak() - before) / (logits.numel() * 4)
run(1)
print(run(80))
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="reads Linux' account of the process")
def test_extra_peak_memory_is_about_one_copy_of_the_logits():
    """The gradient itself is one copy; the bar is 1.25. The dense way takes over 3."""
    run = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True,
                         env=os.environ | {"OMP_NUM_THREADS": "2"})
    assert 0.9 < float(run.stdout) <= 1.25


FAULTS = """
import torch
from colorlab import costs
from colorlab.bins import AbBins
from colorlab.losses import rebalanced_cross_entropy
bins, logits = AbBins(), torch.randn(40, 313, 44, 44, requires_grad=True)
ab = 30 * torch.randn(40, 2, 44, 44)
step = lambda: torch.autograd.grad(rebalanced_cross_entropy(logits, ab, bins), logits)
print([costs.page_faults(step) for _ in range(5)][-1], logits.nbytes / 4096)
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="counts Linux' page faults")
def test_a_step_asks_the_system_for_one_buffer():
    """Its pages are the cost of new memory, and need no clock. The dense way asks for four buffers."""
    usual = {key: value for key, value in os.environ.items() if not key.startswith("MALLOC_")}  # which make sets
    told = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True, env=usual).stdout
    faults, pages = map(float, told.split())
    assert faults < 1.25 * pages


def test_euclidean_loss_is_equation_1():
    ab, ab_hat = torch.zeros(2, 2, 3, 4), torch.full((2, 2, 3, 4), 2.0)
    assert euclidean_loss(ab_hat, ab).item() == 0.5 * (2 * 2**2) * 12  # half of the two squares, over 12 pixels


@pytest.mark.parametrize("logits, ab, weights, words", [
    (torch.zeros(1, 312, 4, 4), torch.zeros(1, 2, 4, 4), None, "logits has shape"),
    (torch.zeros(1, 313, 4, 4), torch.zeros(1, 2, 16, 16), None, "the logits' size"),
    (torch.zeros(1, 313, 4, 4), torch.zeros(1, 2, 4, 4), torch.ones(312), "weights has shape"),
])
def test_wrong_shapes_are_named(logits, ab, weights, words):
    with pytest.raises(ValueError, match=words):
        rebalanced_cross_entropy(logits, ab, BINS, weights)


@pytest.mark.parametrize("options, words", [({"sigma": 0.0}, "sigma is 0.0"), ({"sigma": -5.0}, "sigma is -5.0"),
                                            ({"neighbors": 0}, "neighbors is 0"), ({"neighbors": 314}, "neighbors is 314")])
def test_wrong_codes_are_named_also_where_the_loss_is_compiled(options, words, monkeypatch):
    for compiling in (False, True):
        monkeypatch.setattr(torch.compiler, "is_compiling", lambda: compiling)
        with pytest.raises(ValueError, match=words):
            rebalanced_cross_entropy(torch.zeros(1, 313, 2, 2), torch.zeros(1, 2, 2, 2), BINS, **options)


def test_whole_numbers_are_no_colours():
    with pytest.raises(TypeError, match="ab has dtype torch.int64"):
        rebalanced_cross_entropy(torch.zeros(1, 313, 2, 2), torch.zeros(1, 2, 2, 2, dtype=torch.int64), BINS)


def test_euclidean_loss_refuses_to_broadcast():
    with pytest.raises(ValueError, match="ab_hat has shape"):
        euclidean_loss(torch.zeros(1, 2, 4, 4), torch.zeros(2, 2, 4, 4))
