"""The explorer of the temperature: every corner, the network once a photograph, the mean at 1 and the mode near 0, and its speed."""

import re
import statistics
import time

import numpy as np
import pytest
import torch

pytest.importorskip("ipywidgets")

from colorlab import generators, photos  # noqa: E402
from colorlab.color import rgb_to_lab  # noqa: E402
from colorlab.generators import ECCV16  # noqa: E402
from colorlab.vision import VIEWS  # noqa: E402
from colorlab.widgets import temperature  # noqa: E402
from colorlab.widgets.temperature import Annealing, entropy, explore, sheet  # noqa: E402
from sweep import sweep  # noqa: E402

CHINA = photos.resize_short(photos.samples()["china"], 60)
IMAGES = {"pagoda": CHINA[:, 5:25, 20:53], "grey": CHINA[1:2, 28:60, :24].expand(3, -1, -1)}


@pytest.fixture
def network():
    """The one that ships; it counts how often it runs."""
    network = generators.load("pocket")
    network.calls = 0
    network.register_forward_hook(lambda *_: setattr(network, "calls", network.calls + 1))
    return network


def test_corners_and_the_network_runs_once_a_photograph(network):
    assert len(list(sweep(explore(network, IMAGES)))) > 20
    assert network.calls == len(IMAGES)


def test_it_colours_as_colorize_does(network):
    it = Annealing(network, IMAGES)
    for name, rgb in IMAGES.items():
        L = rgb_to_lab(rgb)[None, :1]
        for t in (0.05, 0.38, 1.0):
            assert torch.allclose(it.colors(name, t), network.colorize(L, t)[0], atol=1e-3)


def test_one_is_the_mean_and_a_tiny_one_the_mode(network):
    it = Annealing(network, IMAGES)
    logits = it.answer("pagoda").logits[0]  # (Q, h, w)
    mean = torch.einsum("qhw,qc->chw", logits.double().softmax(0), it.bins.centers.double())
    assert torch.allclose(it.bins.annealed_mean(logits, 1.0).double(), mean, atol=1e-3)
    best = logits.topk(2, 0).values
    clear = best[0] - best[1] > 0.15  # where one bin leads: exp(-15) for the next at T = 0.01
    assert clear.float().mean() > 0.2
    mode = it.bins.centers[logits.argmax(0)].movedim(-1, 0)
    assert (it.bins.annealed_mean(logits, 0.01) - mode).abs().amax(0)[clear].max() < 0.1
    lead = (best[0] - best[1])[:5, :8]  # the cells that lie wholly within the 20 x 33 pixels
    row, column = divmod(int(lead.argmax()), lead.shape[1])  # the one whose mode is clearest
    x, y = 100 * (4 * column + 2) / 33, 100 * (4 * row + 2) / 20
    points = [re.findall(r"\((.*?), (.*?)\)", it.render("pagoda", t, x, y).words)[1:] for t in (1.0, 0.01)]
    assert points[0][0] == points[0][2]  # annealed mean, mode, mean
    assert points[1][0] == points[1][1]


def test_entropy():
    assert entropy(torch.zeros(313)) == pytest.approx(np.log2(313))
    assert entropy(torch.tensor([0.0, -1e4])) == 0 and entropy(torch.tensor([0.0, 0.0])) == pytest.approx(1)


def test_the_words(network):
    it = Annealing(network, IMAGES)
    words = it.render("pagoda", 0.38, 40, 60).words
    for part in ("T = 0.38", "40 % from the left, 60 % from the top", "annealed mean", "mode", "bits", "of the original's"):
        assert part in words
    assert "no colours of its own" in it.render("grey", 0.38, 40, 60).words


def test_the_same_values_give_the_same_picture_and_others_another(network):
    it = Annealing(network, IMAGES)
    state = {"photo": "pagoda", "temperature": 0.38, "x": 20, "y": 70}
    first = it.render(**state)
    other = [it.render(**{**state, **change}) for change in ({"temperature": 0.1}, {"x": 90}, {"y": 10}, {"photo": "grey"})]
    again = it.render(**state)
    assert np.array_equal(first.picture, again.picture) and first.words == again.words
    assert first.picture.shape == (temperature.HEIGHT, temperature.WIDTH, 3) and first.picture.dtype == np.uint8
    assert all(not np.array_equal(first.picture, one.picture) and one.words != first.words for one in other)


def test_the_edges_of_the_photograph(network):
    it = Annealing(network, IMAGES)
    assert it.place("pagoda", 0, 0) == (0, 0) and it.place("pagoda", 100, 100) == (32, 19)


def test_a_network_without_a_distribution_is_refused():
    with pytest.raises(ValueError, match="generator has no bins"):
        explore(ECCV16(width=1 / 16, bins=None), IMAGES)


def test_an_own_photograph(network):
    from test_own_photo import png, upload

    it = explore(network, IMAGES)
    upload(next(widget for widget in it.children[1].children if hasattr(widget, "accept")), mine_png=png())
    assert it.state["photo"] == "mine.png" and it.error == "" and network.calls == 2


def test_the_sheet(network):
    drawn = sheet(network, IMAGES, "grey", temperatures=(0.01, 0.5, 1.0))
    assert len(drawn.axes) == 6 and [ax.get_title() for ax in drawn.axes[:3]] == ["T = 0.01", "T = 0.5", "T = 1"]
    assert "chroma" in drawn.axes[0].get_xlabel() and "T at (" in drawn.axes[3].get_xlabel()


def seconds(explorer, name, values) -> float:
    """Of a callback, its first apart: the median of the time that one processor works, which no other program disturbs."""
    threads, took = torch.get_num_threads(), []
    torch.set_num_threads(1)
    try:
        for value in values:
            began = time.process_time()
            explorer.controls[name].value = value
            took.append(time.process_time() - began)
    finally:
        torch.set_num_threads(threads)
    return statistics.median(took[1:])


@pytest.mark.parametrize("view", [VIEWS[0], "deuteranopia"])
def test_it_follows_a_dragged_slider(view):
    """A tenth of a second at 256 pixels, with the network that ships, on a photograph of 256 × 384."""
    it = explore(images={"china": photos.samples()["china"]})
    it.controls["view"].value = view
    assert min(seconds(it, "temperature", [0.02 + 0.07 * i for i in range(12)]) for _ in range(2)) <= 0.1
