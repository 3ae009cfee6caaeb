"""The explorer of the generator: every corner, what is untouched does not differ, what is computed is kept, and its speed."""

import numpy as np
import pytest
import torch

pytest.importorskip("ipywidgets")

from colorlab import photos  # noqa: E402
from colorlab.color import rgb_to_lab  # noqa: E402
from colorlab.generators import ECCV16  # noqa: E402
from colorlab.widgets import generator as explorer  # noqa: E402
from colorlab.widgets.generator import TURNS, UNTOUCHED, Changing, explore, framed, sheet, verdict  # noqa: E402
from sweep import sweep  # noqa: E402
from test_temperature_explorer import IMAGES, network, seconds  # noqa: E402, F401

STATE = {"photo": "pagoda", **UNTOUCHED, "size": 160}


def test_corners(network):  # noqa: F811
    assert len(list(sweep(explore(network, IMAGES), most=24))) > 20


def test_an_untouched_photograph_does_not_differ(network):  # noqa: F811
    it = Changing(network, {**IMAGES, "large": photos.samples()["astronaut"]})
    for name in it.photos.control.options:
        found = it.compare(**{**STATE, "photo": name, "size": it.size})
        assert float(found.difference.max()) == 0
        words = it.words(found)
        assert "They are the same." in words and "0.0 apart" in words and "another in 0 %" in words
        assert torch.equal(found.whole, rgb_to_lab(it.photos[name])[:1])


def test_the_colours_of_the_untouched_photograph_are_kept(network):  # noqa: F811
    it = Changing(network, IMAGES)
    it.render(**STATE)
    before = network.calls
    for brightness in (10, 20, 30):
        it.render(**{**STATE, "brightness": brightness})
    assert network.calls == before + 3


def test_brightness_and_contrast(network):  # noqa: F811
    it = Changing(network, IMAGES)
    L = rgb_to_lab(IMAGES["pagoda"])[:1]
    assert torch.allclose(it.compare(**{**STATE, "brightness": 15}).L, (L + 15).clamp(0, 100), atol=1e-4)
    assert torch.allclose(it.compare(**{**STATE, "contrast": 0.5}).L, 25 + L / 2, atol=1e-4)


def test_geometry():
    image = torch.arange(12.0).view(1, 3, 4)
    assert torch.equal(framed(image, 100, "0°"), image)
    assert torch.equal(framed(image, 100, "mirrored"), image.flip(-1))
    for k, turn in enumerate(TURNS[:4]):
        assert torch.equal(framed(image, 100, turn), image.rot90(k, (1, 2)))
    assert torch.equal(framed(image, 50, "0°"), image[:, 0:2, 1:3])


def test_the_network_sees_what_is_said(network):  # noqa: F811
    network.work_size = 160
    it, seen = Changing(network, {"large": torch.rand(3, 300, 450)}), []
    network.register_forward_pre_hook(lambda _, inputs: seen.append(tuple(inputs[0].shape[2:])))
    state = {**UNTOUCHED, "photo": "large"}
    assert it.compare(**state, size=256).L.shape == (1, 256, 384)
    assert it.compare(**{**state, "rotation": "90°"}, size=64).L.shape == (1, 96, 64)
    assert it.compare(**{**state, "crop": 30}, size=64).L.shape == (1, 19, 29)
    assert seen == [(160, 240), (256, 384), (96, 64), (24, 32)]
    assert network.work_size == 160 and Changing(ECCV16(1 / 16, work_size=96), IMAGES).size == 96


def test_a_network_that_looks_at_single_pixels_holds_its_colours(network, monkeypatch):  # noqa: F811
    """What depends on nothing but the pixel itself is the same wherever the pixel is moved to."""
    monkeypatch.setattr(network, "colorize", lambda L: torch.cat((L / 4, 10 - L / 5), 1))
    it = Changing(network, IMAGES)
    for change in ({"rotation": "180°"}, {"rotation": "mirrored"}, {"crop": 40}, {"rotation": "90°", "crop": 70}):
        assert float(it.compare(**{**STATE, **change}).difference.max()) < 1e-4
    assert float(it.compare(**{**STATE, "brightness": 20}).difference.mean()) > 1


def test_the_same_values_give_the_same_picture_and_others_another(network):  # noqa: F811
    it = Changing(network, IMAGES)
    first = it.render(**STATE)
    for change in ({"brightness": -20}, {"contrast": 1.8}, {"crop": 60}, {"rotation": "270°"}, {"photo": "grey"}):
        other = it.render(**{**STATE, **change})
        assert not np.array_equal(first.picture, other.picture) and other.words != first.words
    again = it.render(**STATE)
    assert np.array_equal(first.picture, again.picture) and first.words == again.words
    assert first.picture.shape == (explorer.HEIGHT, explorer.WIDTH, 3)


def test_verdicts():
    assert [verdict(apart, 10) for apart in (0, 1, 4, 8, 20)] == ["They are the same.", "Nearly.", "In part.", "Hardly.",
                                                                 "No: grey would be nearer."]
    assert verdict(0, 0) == "They are the same." and verdict(1, 0).startswith("No")


def test_a_map_is_as_bright_as_the_difference():
    lightness = [int(explorer.heat(torch.full((1, 1), value)).astype(int).sum()) for value in (0.0, 10.0, 30.0, 40.0, 500.0)]
    assert lightness[0] < lightness[1] < lightness[2] < lightness[3] == lightness[4]


def test_the_sheet(network):  # noqa: F811
    drawn = sheet(network, IMAGES, changes={"untouched": {}, "darker": {"brightness": -20}, "turned": {"rotation": "90°"}})
    assert len(drawn.axes) == 12 and drawn.axes[3].get_xlabel() == "0.0 apart"
    assert "33 × 20" in drawn.axes[0].get_xlabel() and "20 × 33" in drawn.axes[8].get_xlabel()


def test_it_answers_in_half_a_second():
    """With the network that ships, on a photograph of 256 × 384."""
    it = explore(images={"china": photos.samples()["china"]})
    assert min(seconds(it, "brightness", [5, 10, 15, 20, 25, 30]) for _ in range(2)) <= 0.5
