"""The frame of the explorers: it draws what its controls say, in any view, and tells what it cannot draw."""

import numpy as np
import pytest

pytest.importorskip("ipywidgets")

from colorlab import plots  # noqa: E402
from colorlab.widgets.explorer import Explorer, Shown, as_pixels, choice, contact_sheet, slider, switch  # noqa: E402
from sweep import sweep  # noqa: E402

CALLS = []


def render(level, name, inverse):
    CALLS.append(level)
    if name == "broken":
        raise ValueError("name is broken; expected a whole one")
    pixels = np.full((20, 30, 3), (level, 0, 255 - level), np.uint8)
    return Shown(255 - pixels if inverse else pixels, f"All pixels of {name} have a red of {level}.")


def explorer(options=("one", "two")):
    return Explorer(render, {"level": slider("level", 0, 255, 100), "name": choice("name", options), "inverse": switch("inverse")},
                    height=80, title="A test")


def test_it_draws_at_once_and_after_each_change():
    it = explorer()
    before = it.screen.value
    assert "a red of 100" in before and 'role="status"' in before and "height:80px" in before
    it.controls["level"].value = 7
    assert "a red of 7" in it.screen.value and it.screen.value != before
    assert it.state == {"level": 7, "name": "one", "inverse": False, "view": "all colours"}
    assert it.screen.layout.height == "144px" and "run this cell in Jupyter to move level" in repr(it)


def test_another_view_draws_the_same_picture_and_renders_nothing():
    it = explorer()
    CALLS.clear()
    before = it.screen.value
    it.controls["view"].value = "lightness only"
    assert CALLS == [] and it.screen.value != before
    assert it.screen.value.split("<p")[1] == before.split("<p")[1]


def test_corners():
    assert len(list(sweep(explorer()))) > 10


def test_what_cannot_be_drawn_is_told_and_forgotten():
    it = explorer(("one", "broken"))
    it.controls["name"].value = "broken"
    assert it.error == "name is broken; expected a whole one" and it.error in it.screen.value and "<img" not in it.screen.value
    it.controls["name"].value = "one"
    assert it.error == "" and "<img" in it.screen.value


def test_a_fault_in_a_render_is_no_message():
    it = explorer()
    it.render = lambda **state: 1 / 0
    with pytest.raises(ZeroDivisionError):
        it.controls["level"].value = 3


def test_figures_become_pixels():
    fig, ax = plots.panels(1, 1, height=2, width=3)
    ax.plot([0, 1], [0, 1])
    pixels = as_pixels(fig)
    assert pixels.dtype == np.uint8 and pixels.shape[2] == 3 and pixels.std() > 0


def test_the_contact_sheet_has_a_picture_for_each_setting():
    sheet = contact_sheet(render, {f"red {n}": {"level": n, "name": "one", "inverse": False} for n in (0, 100, 200)})
    assert len(sheet.axes) == 3 and [ax.get_xlabel() for ax in sheet.axes] == ["red 0", "red 100", "red 200"]
