"""Attribution against judges whose answer is known by construction."""

import pytest
import torch
from torch import nn

from colorlab.attribution import input_gradient, occlusion_map, similarity, smooth_map
from colorlab.color import rgb_to_lab
from colorlab.controls import grey
from colorlab.discriminators import Discriminator


class Spot(nn.Module):
    """Mean redness of one square: the rest of the image cannot matter to it."""

    def __init__(self, top=20, left=60, side=30):
        super().__init__()
        self.place = (..., slice(top, top + side), slice(left, left + side))

    def forward(self, rgb):
        return 100 * (rgb[:, 0] - rgb[:, 1])[self.place].mean((-2, -1))


@pytest.fixture(scope="module")
def image():
    generator = torch.Generator().manual_seed(0)
    return torch.randint(40, 200, (3, 150, 150), dtype=torch.uint8, generator=generator)


def test_occlusion_finds_the_place(image):
    image = image.clone()
    image[0] = image[1] + 30
    found = occlusion_map(Spot(), image, grey(image[None])[0], window=10, stride=10)
    inside = torch.zeros(150, 150, dtype=torch.bool)
    inside[Spot().place] = True
    assert found.shape == (150, 150) and (found[inside] > 0.5).all() and found[~inside].abs().max() < 1e-4
    whole = Spot()(image[None].float() / 255) - Spot()(grey(image[None]).float() / 255)
    assert abs(found[inside].sum() / 100 - whole.item()) < 1e-2  # nine windows tile it: their parts add up


def test_occlusion_reaches_the_far_edges(image):
    judge = Spot(140, 140, 10)
    found = occlusion_map(judge, image, 255 - image, window=40, stride=25)
    assert found[145, 145] != 0 and torch.isfinite(found).all()
    assert torch.equal(found, found.clone().index_copy(0, torch.arange(110, 150), found[110:]))
    assert found[:109].abs().max() == 0


def test_occlusion_by_the_image_itself_changes_nothing(image):
    torch.manual_seed(0)
    network = Discriminator().train()
    assert occlusion_map(network, image, image, window=75, stride=75).abs().max() < 1e-5
    assert network.training  # and dropout was off meanwhile


def test_the_gradient_is_the_one_of_finite_differences(image):
    judge, bright = Spot().double(), image // 2 + 60  # all inside the gamut
    gradient = input_gradient(judge, bright)
    lab = rgb_to_lab(bright.double() / 255)
    from colorlab.color import lab_to_rgb
    for channel in range(3):
        for y, x in ((25, 65), (100, 20)):
            nudge = torch.zeros_like(lab)
            nudge[channel, y, x] = 1e-4
            up, down = (judge(lab_to_rgb(lab + s * nudge)[None])[0] for s in (1, -1))
            assert abs(gradient[channel, y, x] - (up - down) / 2e-4) < 1e-5
    assert gradient[:, 60:].abs().max() == 0 and gradient[1, 20:50, 60:90].min() > 0  # a is green to red


def test_the_gradient_works_on_the_papers_network_and_leaves_no_trace(image):
    torch.manual_seed(0)
    network = Discriminator().train()
    with torch.no_grad():  # even here
        gradient = input_gradient(network, image)
    assert gradient.shape == (3, 150, 150) and torch.isfinite(gradient).all() and gradient.abs().sum() > 0
    assert network.training and all(p.grad is None for p in network.parameters())
    for extreme in (0, 255):  # at the corners of the gamut the curves are steep, not broken
        assert torch.isfinite(input_gradient(network, torch.full_like(image, extreme))).all()


def test_smoothing_keeps_constants_and_refuses_even_widths():
    assert torch.allclose(smooth_map(torch.full((20, 30), 3.0)), torch.tensor(3.0))
    with pytest.raises(ValueError, match="odd width"):
        smooth_map(torch.zeros(20, 30), 4)


@pytest.mark.parametrize("change, error, said", [
    ({"image": torch.zeros(3, 150, 150)}, TypeError, "image has dtype"),
    ({"instead": torch.zeros(3, 75, 75, dtype=torch.uint8)}, ValueError, "instead has shape"),
    ({"window": 200}, ValueError, "window is 200"), ({"window": 0}, ValueError, "window is 0"),
    ({"stride": 31}, ValueError, "stride is 31"), ({"stride": 0}, ValueError, "stride is 0")])
def test_wrong_arguments_are_named(image, change, error, said):
    with pytest.raises(error, match=said):
        occlusion_map(**{"discriminator": Spot(), "image": image, "instead": image, "window": 30, **change})


def test_similarity_is_the_cosine_of_centered_features():
    maps = torch.randn(3, 7, 4, 5, generator=torch.Generator().manual_seed(1))
    found = similarity(maps, 1, 2, 3)
    assert found.shape == (3, 4, 5) and found.abs().max() <= 1 + 1e-5
    assert found[1, 2, 3].item() == pytest.approx(1, abs=1e-5)
    away = maps - maps.mean((0, 2, 3), keepdim=True)
    expected = torch.cosine_similarity(away[2, :, 0, 4], away[1, :, 2, 3], dim=0)
    assert found[2, 0, 4].item() == pytest.approx(expected.item(), abs=1e-5)
    moved = similarity(maps + torch.arange(7.0)[:, None, None], 1, 2, 3)  # what all places share says nothing
    assert torch.allclose(moved, found, atol=1e-4)
