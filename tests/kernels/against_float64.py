"""The Triton kernels against the textbook in float64: on a GPU, or, without one, in Triton's interpreter on the CPU.

    python -m pytest tests/kernels/against_float64.py                          on a GPU
    COLORLAB_INTERPRET=1 python -m pytest tests/kernels/against_float64.py       anywhere, slowly: shapes are tiny then

Either way the public functions take the kernels.
"""

import os

import pytest
import torch

from colorlab import color, kernels, losses, photos, textbook
from colorlab.bins import AbBins

SLOW = os.environ.get("COLORLAB_INTERPRET") == "1"
DEVICE = "cpu" if SLOW else "cuda"
assert SLOW or torch.cuda.is_available(), "no GPU: set COLORLAB_INTERPRET=1"
SIZES = [(((2, 5, 7), (40, 44, 44))[not SLOW], 10), (((1, 11, 12), (3, 111, 113))[not SLOW], 20),
         (((1, 3, 3), (2, 64, 64))[not SLOW], 5)]  # photographs, height, width; step of the bins
SHAPES = [(3, 4, 5), (2, 3, 7, 3), (1, 2, 3, 2, 2), *([] if SLOW else [(40, 3, 176, 176), (3, 501, 333)])]
CLOSE = {torch.float32: 1e-5, torch.float16: 2e-3, torch.bfloat16: 2e-2}  # the last two: of what is written out


def random(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)).to(DEVICE)


def test_the_kernels_are_what_is_tested():
    assert kernels.fused(random(3)) and not kernels.fused(random(3).double())


def table(step=10):
    return AbBins(step).to(DEVICE)


def ab_of(kind, bins, size=SIZES[0][0]):
    """ab (N, 2, H, W): of colours, anywhere in the plane, on the bins' centres and between them, far out of gamut."""
    n, h, w = size
    if kind == "colours":
        return color.rgb_to_lab(random(n, 3, h, w).double())[:, 1:].float()
    if kind == "photographs":
        crops = photos.load("embedded").square(256, limit=n, progress=False)[..., ::256 // h, ::256 // w][..., :h, :w]
        return color.rgb_to_lab(crops.to(DEVICE).double() / 255)[:, 1:].float().contiguous()
    if kind == "plane":
        return 220 * random(n, 2, h, w) - 110
    chosen = bins.centers[(random(n * h * w) * len(bins)).long()]
    if kind == "centres":
        return chosen.view(n, h, w, 2).movedim(-1, 1).contiguous()
    if kind == "boundaries":
        return chosen.view(n, h, w, 2).movedim(-1, 1) + bins.step / 2
    return 4000 * random(n, 2, h, w) - 2000


def dense(indices, codes, bins):
    written_out = torch.zeros(len(codes), len(bins), *codes.shape[2:], dtype=torch.float64, device=DEVICE)
    return written_out.scatter_add_(1, indices, codes.double())


@pytest.mark.parametrize("kind", ["colours", "plane", "centres", "boundaries", "far"])
@pytest.mark.parametrize("step, k", [(10, 10), (10, 5), (20, 1), (5, 10)])
def test_soft_codes(kind, step, k):
    bins = table(step)
    ab = ab_of(kind, bins)
    indices, codes = bins.soft_encode(ab, k)
    distance = (ab.double().movedim(1, -1)[..., None, :] - bins.centers.double()).norm(dim=-1).movedim(-1, 1)  # (N, Q, H, W)
    wanted = distance.sort(dim=1).values[:, :k]
    assert indices.dtype == torch.int64 and (indices.sort(dim=1).values.diff(dim=1) != 0).all()  # no bin twice
    assert torch.allclose(distance.gather(1, indices), wanted, atol=2e-3)  # of equals, any
    weights = torch.softmax(-(wanted.square() - wanted[:, :1].square()) / 50, 1)
    assert torch.allclose(codes.double(), weights, atol=2e-4) and (codes.sum(1) - 1).abs().max() < 1e-5


@pytest.mark.parametrize("dtype, size, step, kind", [
    *((dtype, *some, "plane") for dtype in CLOSE for some in SIZES),
    *((torch.float32, *SIZES[1], kind) for kind in ("photographs", "centres", "boundaries", "far"))])
def test_loss_and_gradient(dtype, size, step, kind):
    bins, (n, h, w) = table(step), size
    ab, weights = ab_of(kind, bins, size), random(len(bins)) + 0.5
    logits = (8 * random(n, len(bins), h, w) - 4).to(dtype).requires_grad_()
    value, plain = losses.weighted_and_plain(logits, ab, bins, weights)
    value.backward()
    exact = logits.detach().double().requires_grad_()
    indices, codes = bins.soft_encode(ab)  # ties are anyone's: take those that were taken
    target = dense(indices, codes, bins)
    wanted = textbook.cross_entropy(exact, target, weights.double()[indices[:, 0]])
    wanted.backward()
    assert abs(value.item() - wanted.item()) < 1e-5 * wanted.item() and logits.grad.dtype == dtype
    assert abs(float(plain) - float(textbook.cross_entropy(exact.detach(), target, torch.ones(n, h, w, device=DEVICE)))) < 1e-4
    error = (logits.grad.double() - exact.grad).abs().max() / exact.grad.abs().max()
    assert error < CLOSE[dtype]


@pytest.mark.parametrize("strange", [float("nan"), float("inf")])
def test_strange_logits_give_nan_in_their_pixel_alone(strange):
    bins = table(20)
    logits = random(1, len(bins), 2, 3)
    logits[0, 7, 1, 2] = strange
    from colorlab.kernels import ops

    indices, codes = ops.soft_encode(ab_of("plane", bins, (1, 2, 3)).flatten(2), 20, 10, 5.0)
    ce, _ = ops.soft_cross_entropy(logits.flatten(2), indices, codes)
    assert torch.isnan(ce[0, 5]) and torch.isfinite(ce[0, :5]).all()
    logits[0, 7, 1, 2] = float("-inf")
    assert torch.isfinite(ops.soft_cross_entropy(logits.flatten(2), indices.fill_(3), codes)[0]).all()


def test_colours_that_are_no_numbers_give_nan():
    from colorlab.kernels import ops

    ab = torch.tensor([[[0.0, float("nan"), float("inf")], [0.0, 0.0, 0.0]]], device=DEVICE)
    indices, codes = ops.soft_encode(ab, 10, 10, 5.0)
    assert ((indices >= 0) & (indices < 313)).all() and torch.isfinite(codes[..., 0]).all() and torch.isnan(codes[..., 1:]).all()


@pytest.mark.parametrize("dtype", list(CLOSE))
@pytest.mark.parametrize("temperature", [1.0, 0.38, 0.01])
def test_annealed_mean(dtype, temperature):
    bins = table()
    logits = (8 * random(2, 313, 3, 5) - 4).to(dtype)
    wanted = textbook.annealed_mean(logits.double(), bins.centers.double(), temperature)
    found = bins.annealed_mean(logits, temperature)
    assert found.dtype == dtype and (found.double() - wanted).abs().max() < 110 * CLOSE[dtype]


@pytest.mark.parametrize("shape", SHAPES)
def test_lab_there_and_back(shape):
    rgb = random(*shape) ** 3
    levels = color.to_8_bit(rgb)
    for given, exact in ((rgb, rgb.double()), (levels, levels.double() / 255)):
        lab = color.rgb_to_lab(given)
        assert lab.dtype == torch.float32 and torch.allclose(lab.double(), color.rgb_to_lab(exact), rtol=0, atol=1e-4)
        assert torch.allclose(color.lab_to_rgb(lab).double(), exact, rtol=0, atol=1e-5)
    turned = rgb.transpose(-1, -2)  # not contiguous
    assert torch.allclose(color.rgb_to_lab(turned), color.rgb_to_lab(turned.contiguous()))


@pytest.mark.parametrize("clip", [True, False])
def test_lab_out_of_gamut(clip):
    lab = torch.cat((100 * random(1, 1, 6, 6), 300 * random(1, 2, 6, 6, seed=1) - 150), 1)
    wanted = color.lab_to_rgb(lab.double(), clip)
    assert torch.allclose(color.lab_to_rgb(lab, clip).double(), wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", list(CLOSE))
@pytest.mark.parametrize("shape", SHAPES)
def test_into_gamut(shape, dtype):
    lab = 240 * random(*shape) - 120
    lab[..., 0, :, :] = 100 * random(*shape[:-3], *shape[-2:], seed=1)
    lab = lab.to(dtype)
    found = color.into_gamut(lab)
    wanted = color.into_gamut(lab.double())
    assert found.dtype == dtype and found.shape == shape
    assert torch.allclose(found.double(), wanted, rtol=CLOSE[dtype], atol=2e-3)
    turned = lab.transpose(-1, -2)  # not contiguous
    assert torch.equal(color.into_gamut(turned), found.transpose(-1, -2))


def test_into_gamut_keeps_what_is_inside_and_what_is_no_number():
    inside = color.rgb_to_lab(random(2, 3, 5, 7))
    assert torch.equal(color.into_gamut(inside), inside)
    ends = torch.tensor([[0.0, 100.0], [80.0, -80.0], [-50.0, 50.0]], device=DEVICE)[:, None]
    assert (color.into_gamut(ends)[1:].abs() < 0.05).all()
    strange = inside.clone()
    strange[0, 1, 2, 3] = float("nan")
    found = color.into_gamut(strange)
    assert torch.isnan(found[0, 1, 2, 3]) and torch.isnan(found).sum() == 1
    assert torch.equal(found[1], inside[1])


def test_twice_is_the_same():
    bins = table()
    logits, ab = random(1, 313, 4, 4).requires_grad_(), ab_of("plane", bins, (1, 4, 4))
    found = [torch.autograd.grad(losses.rebalanced_cross_entropy(logits, ab, bins), logits)[0] for _ in range(2)]
    assert torch.equal(*found)


def test_logits_and_colours_that_are_not_contiguous():
    bins = table(20)
    logits, ab = random(2, 3, 5, len(bins)).movedim(-1, 1), ab_of("plane", bins, (2, 3, 5)).transpose(-1, -2)
    logits = logits.transpose(-1, -2).requires_grad_()
    value = losses.rebalanced_cross_entropy(logits, ab, bins)
    plain = logits.detach().contiguous().requires_grad_()
    wanted = losses.rebalanced_cross_entropy(plain, ab.contiguous(), bins)
    assert torch.equal(value, wanted)
    assert torch.equal(*(torch.autograd.grad(x, y)[0] for x, y in ((value, logits), (wanted, plain))))
    assert torch.equal(bins.annealed_mean(logits.detach()), bins.annealed_mean(plain.detach()))


def test_gradients_of_strange_logits_stay_in_their_pixel():
    bins = table(20)
    logits, ab = random(1, len(bins), 2, 3), ab_of("plane", bins, (1, 2, 3))
    logits[0, 7, 1, 2] = float("nan")
    logits.requires_grad_()
    losses.rebalanced_cross_entropy(logits, ab, bins).backward()
    assert torch.isnan(logits.grad[0, :, 1, 2]).all() and torch.isfinite(logits.grad.flatten(2)[..., :5]).all()


@pytest.mark.parametrize("step, size", [(20, (1, 12, 12)), (5, (1, 2, 3)), (4, (1, 2, 3))])
def test_annealed_mean_of_other_bins(step, size):
    """101, 1083 and 1635 bins; pixels that fill a block and begin another."""
    bins, (n, h, w) = table(step), size
    logits = 8 * random(n, len(bins), h, w) - 4
    wanted = textbook.annealed_mean(logits.double(), bins.centers.double())
    assert (bins.annealed_mean(logits).double() - wanted).abs().max() < 2e-3


def test_empty_batches():
    bins = table()
    assert color.lab_to_rgb(random(0, 3, 4, 4)).shape == (0, 3, 4, 4)
    assert torch.isnan(losses.rebalanced_cross_entropy(random(0, 313, 4, 4), random(0, 2, 4, 4), bins))
    assert bins.soft_encode(random(0, 2, 4, 4))[1].shape == (0, 10, 4, 4)
    assert bins.annealed_mean(random(0, 313, 4, 4)).shape == (0, 2, 4, 4)
    assert color.rgb_to_lab(random(0, 3, 4, 4)).shape == (0, 3, 4, 4)
    assert color.into_gamut(random(0, 3, 4, 4)).shape == (0, 3, 4, 4)
