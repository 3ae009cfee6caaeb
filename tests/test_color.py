"""sRGB and CIELAB against scikit-image in float64, and every refusal."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import color as peer

from colorlab import color, controls, generators, photos


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


# --- Into the gamut

@pytest.fixture(scope="module")
def any_lab():
    """Lab (3, 200, 200) float64 from all of the box; about one in seven can be shown."""
    lab = torch.rand(3, 200, 200, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    low, high = torch.tensor([0.0, -110, -110]), torch.tensor([100.0, 110, 110])
    return low.view(3, 1, 1) + (high - low).view(3, 1, 1) * lab


def is_shown(lab):
    """Within the edges that `into_gamut` keeps, by the textbook in float64; bool (..., H, W)."""
    linear = color._lab_to_linear(lab.double())
    return ((linear >= color.EDGES[0]) & (linear <= color.EDGES[1])).all(-3)


def scaled(lab, factor):
    """Chroma times a factor (..., H, W)."""
    return torch.cat((lab[..., :1, :, :], lab[..., 1:, :, :] * factor[..., None, :, :]), -3)


def bisected(lab):
    """The textbook: the whole picture, 40 steps, float64."""
    lab = lab.double()
    low = torch.zeros_like(lab[..., 0, :, :])
    for step in 0.5 ** torch.arange(1, 41, dtype=torch.float64):
        low = torch.where(is_shown(scaled(lab, low + step)), low + step, low)
    return torch.where(is_shown(lab)[..., None, :, :], lab, scaled(lab, low))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_into_gamut_as_bisected_in_float64(any_lab, dtype):
    lab = any_lab.to(dtype)
    found, wanted = color.into_gamut(lab), bisected(lab)
    assert found.dtype == dtype and torch.allclose(found.double(), wanted, rtol=0, atol=5e-3)
    levels = [color.to_8_bit(color.lab_to_rgb(x)).int() for x in (found, wanted)]
    apart = (levels[0] - levels[1]).abs()
    assert apart.max() <= 1 and (apart > 0).float().mean() < 0.01  # of ties


def test_into_gamut_keeps_lightness_and_hue_and_takes_no_chroma_too_much(any_lab):
    lab = any_lab.float()
    found, inside = color.into_gamut(lab), is_shown(lab)
    assert 0.1 < inside.float().mean() < 0.4
    assert torch.equal(found[0], lab[0]) and torch.equal(found[:, inside], lab[:, inside])
    assert color.in_gamut(found).all()
    chroma, before = found[1:].norm(dim=0), lab[1:].norm(dim=0)
    assert (chroma <= before).all()
    hue, hue_before = torch.atan2(found[2], found[1]), torch.atan2(lab[2], lab[1])
    assert (hue - hue_before)[chroma > 1e-3].abs().max() < 1e-5
    more = (chroma + 0.01) / chroma.clamp(min=1e-9)  # a hundredth of a Lab unit
    lowered = ~inside & (chroma > 0.01)
    assert not is_shown(scaled(found, more))[lowered].any()


@settings(max_examples=200, deadline=None)
@given(st.floats(0, 100, width=32), st.floats(-150, 150, width=32), st.floats(-150, 150, width=32))
def test_any_colour_comes_into_the_gamut_with_its_lightness(L, a, b):
    lab = torch.tensor([L, a, b], dtype=torch.float32).view(3, 1, 1)
    found = color.into_gamut(lab)
    assert found[0] == lab[0] and color.in_gamut(found).all()
    assert (found[1:].abs() <= lab[1:].abs()).all() and (found * lab >= 0).all()
    free, clipped = color.lab_to_rgb(found, clip=False), color.lab_to_rgb(found)
    assert (free - clipped).abs().max() < 2e-4  # of an 8-bit step, 4 %


def test_every_colour_of_the_cubes_surface_is_inside():
    """As float32 has it: photographs come back bit for bit."""
    side = torch.arange(256, dtype=torch.uint8)
    u, v = (x.expand(256, 256) for x in (side[:, None], side))
    faces = [torch.stack((u, v, torch.full_like(u, end))).roll(turn, 0)
             for turn in range(3) for end in (0, 255)]
    lab = color.rgb_to_lab(torch.stack(faces))
    assert torch.equal(color.into_gamut(lab), lab)


def test_at_black_and_white_only_gray_is_left():
    lab = torch.tensor([[0.0, 80, -60], [100, 80, -60], [0, -1, 1], [100, -1e4, 1]]).T[:, None]
    found = color.into_gamut(lab)
    assert torch.equal(found[0], lab[0]) and found[1:].abs().max() < 0.05
    levels = color.to_8_bit(color.lab_to_rgb(found))
    assert torch.equal(levels, torch.tensor([0, 255, 0, 255], dtype=torch.uint8).expand(3, 1, 4))


@pytest.mark.parametrize("shape", [(3, 4, 5), (2, 2, 3, 7, 5), (0, 3, 4, 5), (3, 0, 5),
                                   (3, 363, 365), (70, 3, 50, 51)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
def test_into_gamut_takes_any_shape_and_dtype(shape, dtype):
    lab = 100 * torch.rand(shape, generator=torch.Generator().manual_seed(0)).to(dtype)
    found = color.into_gamut(lab)
    assert found.shape == shape and found.dtype == dtype
    wanted = color.into_gamut(lab.double())
    step = {torch.bfloat16: 2**-8, torch.float16: 2**-11}.get(dtype, 0)
    assert ((found.double() - wanted).abs() <= step * wanted.abs() + 5e-3).all()
    if dtype == torch.float32:
        turned = color.into_gamut(lab.transpose(-1, -2))
        assert torch.equal(turned, found.transpose(-1, -2))


def test_the_gradient_of_into_gamut():
    lab = torch.tensor([[60.0, 20, 10], [60, 100, 50]]).double().T[:, None].requires_grad_()
    found = color.into_gamut(lab)
    assert torch.equal(found, color.into_gamut(lab.detach()))
    outward = found[1:] * lab[1:].detach()
    (slope,) = torch.autograd.grad(outward.sum(), lab)
    assert torch.allclose(slope[1:, 0, 0], lab[1:, 0, 0]) and slope[0].abs().max() == 0  # inside
    assert (slope * lab)[1:, 0, 1].sum().abs() < 1e-9  # outside, along its chroma
    gray = torch.zeros(3, 2, 2, requires_grad=True)
    color.into_gamut(gray).sum().backward()
    assert torch.equal(gray.grad, torch.ones(3, 2, 2))


@pytest.mark.parametrize("wrong, error, words", [
    (torch.full((3, 2, 2), 200.0), ValueError, "L of lab has values from 200"),
    (torch.full((3, 2, 2), float("nan")), ValueError, "L of lab holds NaN"),
    (torch.zeros(3, 2, 2, dtype=torch.uint8), TypeError, "lab has dtype torch.uint8"),
    (torch.zeros(2, 2, 3), ValueError, "lab has shape"),
    (np.zeros((3, 2, 2)), TypeError, "lab is a ndarray"),
])
def test_into_gamut_names_wrong_input(wrong, error, words):
    with pytest.raises(error, match=words):
        color.into_gamut(wrong)


def test_into_gamut_without_checks_and_with_nan():
    beyond = torch.tensor([120.0, 50, 50]).view(3, 1, 1)
    assert torch.isfinite(color.into_gamut(beyond, check=False)).all()
    lab = torch.full((3, 2, 2), 20.0)
    lab[1, 0, 0] = lab[0, 1, 1] = float("nan")
    found = color.into_gamut(lab, check=False)
    assert torch.equal(torch.isnan(found), torch.isnan(lab))
    assert torch.equal(found[:, 0, 1], lab[:, 0, 1])


@pytest.mark.parametrize("recolor", [
    lambda images: controls.random_color(images),
    lambda images: controls.constant(images, (60.0, 60.0)),
    lambda images: controls.blurred_chroma(images, 16),
    lambda images: colorized(images, "pocket"),
], ids=["random color", "constant", "blurred", "pocket"])
def test_a_fake_differs_from_its_photograph_in_ab_alone(recolor):
    images = torch.stack([color.to_8_bit(photos.to_square(photo, 256))
                          for photo in photos.samples().values()])
    fakes = recolor(images)
    L, L_of_fakes = (color.rgb_to_lab(x)[:, 0] for x in (images, fakes))
    assert not torch.equal(fakes, images)
    assert ((L - L_of_fakes).abs() <= 1).float().mean() >= 0.999


def colorized(images, name):
    lab = color.rgb_to_lab(images)
    ab = generators.load(name).colorize(lab[:, :1])
    return color.to_8_bit(color.lab_to_rgb(torch.cat((lab[:, :1], ab), 1)))
