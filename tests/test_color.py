"""sRGB and CIELAB against scikit-image in float64, and every refusal."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import color as peer

from colorlab import color, photos


def as_channels_last(image):
    return image.movedim(-3, -1).numpy()


@pytest.fixture(scope="module")
def photographs():
    return [(photo * 255).round().to(torch.uint8) for photo in photos.samples().values()]


def test_photographs_as_scikit_image(photographs):
    for photo in photographs:
        wanted = peer.rgb2lab(as_channels_last(photo) / 255.0)
        assert np.abs(as_channels_last(color.rgb_to_lab(photo)) - wanted).max() <= 1e-3


def test_back_as_scikit_image(photographs):
    for photo in photographs:
        lab = peer.rgb2lab(as_channels_last(photo) / 255.0)
        back = color.lab_to_rgb(torch.from_numpy(lab).movedim(-1, -3).float())
        assert np.abs(as_channels_last(back) - peer.lab2rgb(lab)).max() <= 1e-3


@pytest.mark.parametrize("shape", [(3, 1, 1), (3, 0, 5), (0, 3, 4, 4), (2, 2, 3, 7, 5), (3, 363, 365), (70, 3, 50, 51)])
def test_the_fast_way_of_a_processor_is_the_textbooks(shape):
    """Single precision on the CPU goes another way, in pieces; double precision does not."""
    rgb = torch.rand(shape, generator=torch.Generator().manual_seed(0)) ** 3  # many dark ones: both branches
    wanted = color.rgb_to_lab(rgb.double())
    assert torch.allclose(color.rgb_to_lab(rgb).double(), wanted, rtol=0, atol=1e-4)
    turned = rgb.transpose(-1, -2)  # not contiguous
    assert torch.allclose(color.rgb_to_lab(turned).double(), wanted.transpose(-1, -2), rtol=0, atol=1e-4)
    levels = color.to_8_bit(rgb)
    assert torch.allclose(color.rgb_to_lab(levels).double(), color.rgb_to_lab(levels.double() / 255), rtol=0, atol=1e-4)


def test_autocast_does_not_make_lab_coarse():
    rgb = torch.rand(3, 40, 50, generator=torch.Generator().manual_seed(0))
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(color.rgb_to_lab(rgb), color.rgb_to_lab(rgb.clone()))
        inside = color.rgb_to_lab(rgb)
    assert torch.equal(inside, color.rgb_to_lab(rgb))


@pytest.mark.parametrize("dtype, step", [(torch.bfloat16, 2**-8), (torch.float16, 2**-11)])
def test_half_precision_is_that_of_the_result_alone(dtype, step):
    """As on a GPU: what is between is single precision, so that only what goes in and out is rounded."""
    rgb = torch.rand(3, 40, 50, generator=torch.Generator().manual_seed(0)).to(dtype)
    lab = color.rgb_to_lab(rgb.double())
    assert color.rgb_to_lab(rgb).dtype == dtype
    assert ((color.rgb_to_lab(rgb).double() - lab).abs() <= step * lab.abs() + 1e-3).all()
    wanted = color.lab_to_rgb(lab.to(dtype).double(), check=False)
    assert ((color.lab_to_rgb(lab.to(dtype), check=False).double() - wanted).abs() <= step * wanted.abs() + 1e-5).all()


def test_colours_that_are_none_go_on_as_they_were():
    """With check=False nothing is clamped: the fast way agrees with the textbook's outside [0, 1], too."""
    rgb = torch.linspace(-0.5, 1.5, 300).view(3, 10, 10)
    wanted = color.rgb_to_lab(rgb.double(), check=False)
    assert torch.allclose(color.rgb_to_lab(rgb, check=False).double(), wanted, rtol=1e-5, atol=1e-4)


def test_gradients_go_the_textbooks_way():
    rgb = torch.rand(3, 4, 4, requires_grad=True)
    color.rgb_to_lab(rgb).sum().backward()
    assert torch.isfinite(rgb.grad).all() and (rgb.grad != 0).any()
    with torch.no_grad():
        assert torch.allclose(color.rgb_to_lab(rgb), color.rgb_to_lab(rgb.detach()))


def test_round_trip(photographs):
    for photo in photographs:
        assert (color.lab_to_rgb(color.rgb_to_lab(photo)) - photo / 255).abs().max() <= 1e-5


@pytest.mark.filterwarnings("ignore:Conversion from CIE-LAB")
def test_any_lab_as_scikit_image_also_out_of_gamut():
    low, high = torch.tensor([0.0, -110, -110]), torch.tensor([100.0, 110, 110])
    generator = torch.Generator().manual_seed(0)
    lab = low.view(3, 1, 1) + (high - low).view(3, 1, 1) * torch.rand(3, 64, 64, generator=generator, dtype=torch.float64)
    assert np.abs(as_channels_last(color.lab_to_rgb(lab)) - peer.lab2rgb(as_channels_last(lab))).max() < 1e-12


def test_landmarks():
    rgb = torch.tensor([[0.0, 0, 0], [1, 1, 1], [1, 0, 0]]).T[:, None]  # black, white, red: (3, 1, 3)
    lab = color.rgb_to_lab(rgb)[:, 0].T
    assert torch.allclose(lab[0], torch.zeros(3), atol=1e-4) and lab[0, 0] >= 0
    assert torch.allclose(lab[1], torch.tensor([100.0, 0, 0]), atol=0.02)
    assert torch.allclose(lab[2], torch.tensor([53.24, 80.09, 67.20]), atol=0.02)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 255), min_size=3, max_size=3))
def test_every_srgb_colour_is_in_gamut_and_comes_back(levels):
    rgb = torch.tensor(levels, dtype=torch.uint8).view(3, 1, 1)
    lab = color.rgb_to_lab(rgb)
    assert color.in_gamut(lab).all()
    assert torch.equal((color.lab_to_rgb(lab) * 255).round().to(torch.uint8), rgb)


def test_out_of_gamut_is_seen_and_clipped():
    lab = torch.tensor([50.0, 100, -100]).view(3, 1, 1)
    assert not color.in_gamut(lab).any()
    clipped, free = color.lab_to_rgb(lab), color.lab_to_rgb(lab, clip=False)
    assert 0 <= clipped.min() and clipped.max() <= 1 and (free.min() < 0 or free.max() > 1)


@pytest.mark.parametrize("shape", [(3, 4, 5), (2, 3, 4, 5), (2, 6, 3, 4, 5), (0, 3, 4, 5)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_shape_and_dtype_are_kept(shape, dtype):
    rgb = torch.full(shape, 0.5, dtype=dtype)
    lab = color.rgb_to_lab(rgb)
    assert lab.shape == shape and lab.dtype == dtype
    assert color.lab_to_rgb(lab).shape == shape and color.lab_to_rgb(lab).dtype == dtype
    assert color.in_gamut(lab).shape == shape[:-3] + shape[-2:]


def test_gradients_are_finite_at_black_and_beyond_the_gamut():
    rgb = torch.zeros(3, 2, 2, dtype=torch.float64, requires_grad=True)
    color.rgb_to_lab(rgb).sum().backward()
    lab = torch.tensor([0.0, 60, -90]).view(3, 1, 1).double().requires_grad_()
    color.lab_to_rgb(lab).sum().backward()
    assert torch.isfinite(rgb.grad).all() and torch.isfinite(lab.grad).all()


@pytest.mark.parametrize("wrong, error, words", [
    (torch.full((3, 2, 2), 200.0), ValueError, "divide by 255"),
    (torch.full((3, 2, 2), -0.5), ValueError, r"rgb has values from -0.5"),
    (torch.full((3, 2, 2), float("nan")), ValueError, "NaN"),
    (torch.zeros(3, 2, 2, dtype=torch.int64), TypeError, "rgb has dtype torch.int64"),
    (torch.zeros(2, 2, 3), ValueError, "channels first"),
    (np.zeros((3, 2, 2)), TypeError, "rgb is a ndarray"),
])
def test_wrong_input_is_named(wrong, error, words):
    with pytest.raises(error, match=words):
        color.rgb_to_lab(wrong)


def test_check_can_be_left_out_and_tolerates_rounding():
    color.rgb_to_lab(torch.full((3, 2, 2), 1.0005))
    assert torch.isfinite(color.rgb_to_lab(torch.full((3, 2, 2), 200.0), check=False)).all()
