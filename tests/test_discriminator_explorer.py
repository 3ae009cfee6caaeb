"""The discriminator's explorer: what it edits and what it says of it, at every corner of its controls, in time."""

import statistics
import time

import numpy as np
import pytest
import torch

pytest.importorskip("ipywidgets")

from colorlab import controls, discriminators, judging, photos  # noqa: E402
from colorlab.color import rgb_to_lab, to_8_bit  # noqa: E402
from colorlab.metrics import mean_chroma  # noqa: E402
from colorlab.pairs import shrink  # noqa: E402
from colorlab.widgets import discriminator as explorers  # noqa: E402
from colorlab.widgets.explorer import as_pixels  # noqa: E402
from sweep import sweep  # noqa: E402

AS_IT_IS = {"saturation": 1.0, "hue": 0, "blur": 0.0, "occlusion": False}


def redness(rgb):
    """A judge that one can foretell: logits (n,), mean red less mean green, times 10."""
    return 10 * (rgb[:, 0] - rgb[:, 1]).mean((1, 2))


@pytest.fixture(scope="module")
def images() -> dict:
    samples = photos.samples()
    names = ("china", "coffee", "flower")
    square = torch.stack([to_8_bit(photos.to_square(samples[name], 256)) for name in names])
    return dict(zip(names, shrink(square, 150)))


@pytest.fixture(scope="module")
def pocket():
    return discriminators.load("pocket")


def logit_told(shown) -> tuple[float, float]:
    """The two logits in the words: of the edited one, of the original."""
    after, before = shown.words.split("logit ")[1], shown.words.split("it was ")[1]
    return tuple(float(text.split(" ")[0].replace("−", "-")) for text in (after, before))


def edited(image, **settings):
    return explorers.shown(explorers.edit(rgb_to_lab(image), **settings))


def test_corners(images):
    it = explorers.explore(redness, torch.stack([images["china"], images["flower"]]), ["china", "flower"])
    assert len(list(sweep(it, most=20))) > 60


def test_an_unedited_photograph_has_the_judges_logit(images, pocket):
    render = explorers.renderer(pocket, images)
    for name, image in images.items():
        assert torch.equal(edited(image), image)
        after, before = logit_told(render(name, **AS_IT_IS))
        assert after == before == round(judging.score(pocket, image[None]).item(), 2)
    assert "The verdict stays" in render("china", **AS_IT_IS).words and "0.0% of the pixels" in render("china", **AS_IT_IS).words


def test_without_saturation_it_is_grey(images, pocket):
    image = images["coffee"]
    assert torch.equal(edited(image, saturation=0.0), controls.grey(image[None])[0])
    shown = explorers.renderer(pocket, images)("coffee", **{**AS_IT_IS, "saturation": 0.0, "hue": 90, "blur": 3.0})
    assert logit_told(shown)[0] == round(judging.score(pocket, controls.grey(image[None])).item(), 2)


def test_hue_goes_round_and_keeps_chroma_and_lightness(images):
    lab = rgb_to_lab(images["flower"])
    torch.testing.assert_close(explorers.edit(lab, hue=180), explorers.edit(lab, hue=-180), atol=1e-4, rtol=0)
    torch.testing.assert_close(explorers.edit(lab, hue=360), lab, atol=1e-4, rtol=0)
    quarter = explorers.edit(lab, hue=90)
    torch.testing.assert_close(quarter[1:], torch.stack((-lab[2], lab[1])), atol=1e-4, rtol=0)  # +a turns to +b
    assert torch.equal(quarter[0], lab[0])


def test_blur_keeps_lightness_and_the_mean_colour(images):
    lab = rgb_to_lab(images["china"])
    soft = explorers.edit(lab, blur=6.0)
    assert torch.equal(soft[0], lab[0])
    assert (soft[1:].var((1, 2)) < lab[1:].var((1, 2))).all()
    torch.testing.assert_close(soft[1:].mean((1, 2)), lab[1:].mean((1, 2)), atol=1.0, rtol=0)
    torch.testing.assert_close(mean_chroma(explorers.edit(lab, saturation=0.5)[1:]), mean_chroma(lab[1:]) / 2)


def test_a_quarter_of_the_resolution_is_a_blur_of_about_1_2_pixels():
    """As the module says: of 256 pixels, averaged by fours, and shrunk to 150."""
    large = torch.stack([to_8_bit(photos.to_square(x, 256)) for x in photos.samples().values()])
    small, quarter = (rgb_to_lab(shrink(x, 150)) for x in (large, controls.blurred_chroma(large)))
    widths = np.arange(0.4, 2.4, 0.1)
    far = [sum((explorers.edit(one, blur=width)[1:] - two[1:]).square().mean().item() for one, two in zip(small, quarter))
           for width in widths.tolist()]
    assert 1.0 < widths[int(np.argmin(far))] < 1.4


def test_lowered_chroma_and_a_verdict_that_turns_are_told(images):
    render = explorers.renderer(redness, images)
    words = render("flower", **{**AS_IT_IS, "saturation": 2.0}).words
    share = float(words.split("chroma was lowered in ")[1].split("%")[0])
    assert share > 1
    image = images["coffee"]
    assert redness(image[None] / 255) > 0 and "has turned" in render("coffee", **{**AS_IT_IS, "hue": 180}).words


def test_occlusion_is_computed_when_switched_on_and_once(images, monkeypatch):
    asked = []
    real = explorers.occlusion_map
    monkeypatch.setattr(explorers, "occlusion_map", lambda *args: asked.append(args) or real(*args))
    it = explorers.explore(redness, torch.stack([*images.values()]), list(images))
    it.controls["hue"].value = 45
    assert asked == []
    it.controls["occlusion"].value = True
    assert len(asked) == 1 and "one place add" in it.shown.words
    it.controls["occlusion"].value = False
    it.controls["view"].value = "lightness only"
    it.controls["occlusion"].value = True
    assert len(asked) == 1
    it.controls["saturation"].value = 0.5
    assert len(asked) == 2


def test_its_own_slider_computes_no_curve_anew(images):
    seen = []
    render = explorers.renderer(lambda rgb: seen.append(len(rgb)) or redness(rgb), images)
    render("china", **AS_IT_IS)
    seen.clear()
    render("china", **{**AS_IT_IS, "hue": 30})
    assert sum(seen) == 1 + 7 + 7  # the photograph, and along saturation and blur; not along hue
    seen.clear()
    render("china", **{**AS_IT_IS, "hue": 30})
    assert seen == []


def test_the_same_state_gives_the_same_picture(images):
    first, second = (explorers.renderer(redness, images)("china", 0.7, -30, 2.0, True) for _ in range(2))
    assert first.words == second.words and np.array_equal(as_pixels(first.picture), as_pixels(second.picture))


def test_a_photograph_without_colour_has_an_empty_map(images):
    grey = controls.grey(images["china"][None])[0]
    words = explorers.renderer(redness, {"grey": grey})("grey", **{**AS_IT_IS, "occlusion": True}).words
    assert "from +0.00 to +0.00" in words


def test_wrong_arguments_are_named(images):
    stack = torch.stack([*images.values()])
    with pytest.raises(ValueError, match="names holds 2"):
        explorers.explore(redness, stack, ["a", "b"])
    with pytest.raises(ValueError, match="names holds 3, 2 of them different"):
        explorers.explore(redness, stack, ["a", "b", "a"])
    with pytest.raises(ValueError, match="images is torch.float32"):
        explorers.explore(redness, stack / 255)


def test_the_sheet_is_of_four_settings(images):
    figure = explorers.sheet(redness, torch.stack([*images.values()]), list(images))
    assert [ax.get_xlabel() for ax in figure.axes] == ["as it is", "without colour", "opposite hues", "its own colours, blurred"]


def test_no_callback_is_slow(pocket, images):
    """With the map on, on one core; `time.thread_time` is of this thread alone, whatever else the machine does."""
    it = explorers.explore(pocket, torch.stack([*images.values()]), list(images))
    it.controls["occlusion"].value = True
    threads, seconds = torch.get_num_threads(), []
    torch.set_num_threads(1)
    try:
        for name, value in (("saturation", 0.3), ("hue", -50), ("blur", 1.5), ("saturation", 0.6), ("hue", 70)):
            began = time.thread_time()
            it.controls[name].value = value
            seconds.append(time.thread_time() - began)
    finally:
        torch.set_num_threads(threads)
    assert statistics.median(seconds) < 0.75  # a second core makes it less than half a second


def test_the_sheet_takes_the_picture_whose_verdict_turns(images):
    decided = {name: explorers._decided(redness, rgb_to_lab(image)) for name, image in images.items()}
    red, green = redness(images["coffee"][None] / 255).item(), redness(edited(images["coffee"], hue=180)[None] / 255).item()
    assert red > 0 > green and decided["coffee"] == pytest.approx(min(red, -green), abs=1e-4)
    assert decided["coffee"] == max(decided.values())
