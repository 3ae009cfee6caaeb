"""The explorer of the ab plane: what it says, held against a textbook; every corner; what sRGB cannot show; its speed."""

import re
import statistics
import time

import numpy as np
import pytest
import torch

pytest.importorskip("ipywidgets")

from skimage.color import lab2rgb, rgb2lab  # noqa: E402

from colorlab import textbook  # noqa: E402
from colorlab.bins import AbBins  # noqa: E402
from colorlab.widgets import ab_plane  # noqa: E402
from colorlab.widgets.explorer import as_pixels  # noqa: E402
from sweep import sweep  # noqa: E402

CENTERS = AbBins().centers.double()
PRIOR = torch.exp(-CENTERS.norm(dim=1) / 12) * (CENTERS[:, 0] > -60)  # rare away from grey, and some never met


def said(L=60, a=40, b=30, neighbors=10, sigma=5, **more) -> str:
    return ab_plane.render(L, a, b, neighbors, sigma, **more).words


@pytest.mark.parametrize("a, b, neighbors, sigma", [(41, 33, 10, 5), (-87, 82, 5, 3), (3, -104, 16, 20), (110, 109, 10, 5), (-22, 8, 2, 1)])
def test_the_words_say_the_textbook_s_code(a, b, neighbors, sigma):
    code = textbook.soft_code(torch.tensor([a, b]).double().view(2, 1, 1), CENTERS, neighbors, sigma).flatten()
    home = code.argmax().item()
    x, y = CENTERS[home].int().tolist()
    off = (code @ CENTERS - torch.tensor([a, b])).norm()
    words = said(60, a, b, neighbors, sigma)
    assert f"Nearest bin {home} at ({x}, {y}), weight {code[home]:.2f};" in words
    assert f"{neighbors} bins share it, the last with {code.topk(neighbors).values[-1]:.2f}." in words
    assert float(re.search(r"it is ([\d.]+) off", words)[1]) == pytest.approx(off.item(), abs=0.051)


def test_one_bin_shares_with_nobody():
    assert "Nearest bin 200 at (40, 40), weight 1.00; no other bin shares it." in said(a=43, b=41, neighbors=1)


def moved(L, a, b) -> float:
    """How far scikit-image's clipping moves a colour: 0 for one that sRGB can show."""
    lab = np.array([[[L, a, b]]], dtype=float)
    return abs(rgb2lab(lab2rgb(lab)) - lab).max()


@pytest.mark.parametrize("L, a, b", [(60, 40, 30), (90, 40, 30), (0, 0, 0), (100, 0, 0), (0, 90, 0), (100, -3, 60), (50, -80, -80), (40, 20, -40)])
def test_it_says_what_cannot_be_shown_and_what_can_instead(L, a, b):
    inside = moved(L, a, b) < 0.05
    words = said(L, a, b)
    assert ("is in gamut" in words) == inside and ("is out of gamut" in words) != inside
    if not inside:
        x, y = map(int, re.search(r"shows at this L is a (-?\d+), b (-?\d+)", words).groups())
        assert moved(L, x, y) < 0.5
        assert (x - a) ** 2 + (y - b) ** 2 <= a**2 + b**2  # grey would do at any L


def test_nothing_shown_is_nearer():
    x, y = ab_plane.nearest_shown(90, 40, 30)
    reach = ((x - 40) ** 2 + (y - 30) ** 2) ** 0.5
    axis = torch.arange(-110.0, 111)
    ab = torch.cartesian_prod(axis, axis)
    near = ab[(ab - torch.tensor([40.0, 30.0])).norm(dim=1) < reach - 1e-6]
    assert len(near) > 10 and all(moved(90, *point) > 1e-3 for point in near[::7].tolist())
    assert ab_plane.nearest_shown(60, 40, 30) == (40, 30)


def test_with_a_prior_it_tells_how_common_and_how_heavy():
    q = 199
    p = PRIOR / PRIOR.sum()
    smooth = textbook.gaussian_smoothing(p, CENTERS)
    weights = 1 / (0.5 * smooth + 0.5 / 313)
    weights = weights / (smooth * weights).sum()
    a, b = CENTERS[q].int().tolist()
    words = ab_plane.explore(PRIOR).render(60, a, b, 10, 5).words
    assert words.endswith(f" Prior {100 * p[q]:.2g} %, class weight {weights[q]:.3g}.") and "Prior" not in said()
    assert "Prior 0 %" in ab_plane.explore(1000 * PRIOR).render(60, -80, 80, 10, 5).words


def test_a_wrong_prior_is_refused_at_once():
    with pytest.raises(ValueError, match=r"prior has shape \(12,\); expected \(313,\)"):
        ab_plane.explore(torch.ones(12))
    with pytest.raises(ValueError, match="prior has negative"):
        ab_plane.sheet(torch.zeros(313))


def test_the_same_controls_draw_the_same_picture():
    one, other = (as_pixels(ab_plane.render(60, 40, 30, 10, 5).picture) for _ in range(2))
    assert (one == other).all()
    for change in ({"L": 61}, {"a": 44}, {"b": 27}, {"neighbors": 9}, {"sigma": 6}):
        state = {"L": 60, "a": 40, "b": 30, "neighbors": 10, "sigma": 5, **change}
        assert (as_pixels(ab_plane.render(**state).picture) != one).any(), change


def test_corners():
    explorer, moves = ab_plane.explore(PRIOR), 0
    for state, _ in sweep(explorer, most=12):
        assert f"Colour L {state['L']}, a {state['a']}, b {state['b']} is " in explorer.shown.words
        assert len(explorer.shown.words) < 300  # three lines
        moves += 1
    assert moves > 30


def test_it_follows_within_half_a_second():
    took = []
    for L in range(40, 90, 8):  # none of them drawn before
        began = time.thread_time()  # of this thread alone, whatever else the machine does
        as_pixels(ab_plane.render(L, 100 - L, 30, 16, 12).picture)
        took.append(time.thread_time() - began)
    assert statistics.median(took) < 0.5


def test_the_sheet_has_its_panels():
    sheet = ab_plane.sheet(PRIOR)
    assert [ax.get_xlabel() for ax in sheet.axes] == list(ab_plane.SETTINGS)
    assert len(sheet.encoded()[1]) < 200_000
