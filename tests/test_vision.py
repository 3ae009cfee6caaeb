"""Simulated eyes: greys stay grey, what is kept apart and what is confused."""

import pytest
import torch

from colorlab import color, photos, vision


def patch(*levels):
    return torch.tensor(levels, dtype=torch.uint8).view(3, 1, 1)


@pytest.mark.parametrize("view", vision.VIEWS)
def test_greys_stay_as_they_are(view):
    greys = torch.arange(256, dtype=torch.uint8).expand(3, 1, 256).contiguous()
    assert (vision.as_seen(greys, view).int() - greys.int()).abs().max() <= 1


def test_all_colours_is_the_picture_itself():
    photo = color.to_8_bit(photos.samples()["coffee"])
    assert vision.as_seen(photo, "all colours") is photo


def test_lightness_only_has_no_chroma_and_the_same_luminance():
    photo = color.to_8_bit(photos.samples()["coffee"])[:, ::4, ::4]
    lab, before = color.rgb_to_lab(vision.as_seen(photo, "lightness only")), color.rgb_to_lab(photo)
    assert lab[1:].abs().max() < 0.02 and (lab[0] - before[0]).abs().max() < 0.6  # a step of 8 bits, where they are coarsest


def hue_distance(view, one, other):
    a, b = (color.rgb_to_lab(vision.as_seen(patch(*x), view))[1:].flatten() for x in (one, other))
    return (a - b).norm()


def test_who_confuses_what():
    red, green, blue, yellow = (200, 60, 60), (90, 130, 50), (60, 60, 220), (200, 190, 60)
    for view in ("protanopia", "deuteranopia"):
        assert hue_distance(view, red, green) < 0.5 * hue_distance("all colours", red, green)
        assert hue_distance(view, blue, yellow) > 0.8 * hue_distance("all colours", blue, yellow)
    assert hue_distance("tritanopia", blue, yellow) < 0.7 * hue_distance("all colours", blue, yellow)


def test_shape_is_kept_and_a_wrong_view_is_named():
    assert vision.as_seen(torch.zeros(2, 3, 4, 5, dtype=torch.uint8), "tritanopia").shape == (2, 3, 4, 5)
    with pytest.raises(ValueError, match="view is 'dog'; expected one of all colours"):
        vision.as_seen(patch(0, 0, 0), "dog")
