"""The gallery to leaf through: order and filters against plain sorting, the divider, empty pages, at every corner, in time."""

import statistics
import time

import numpy as np
import pytest
import torch

pytest.importorskip("ipywidgets")

from colorlab import controls, galleries, judging, metrics, pairs, scenes  # noqa: E402
from colorlab.color import rgb_to_lab  # noqa: E402
from colorlab.widgets import gallery  # noqa: E402
from sweep import sweep  # noqa: E402

N = 34
FIRST = {"sort": "score of the fake", "order": "highest first", "show": "all pairs", "one": False, "page": 1, "divider": 50}


@pytest.fixture(scope="module")
def made():
    images = scenes.make(N, size=150, seed=3).square(150)
    return pairs.from_images(images, controls.blurred_chroma(images, 10), names=[f"scene {i}" for i in range(N)],
                             groups=[f"group {i // 3}" for i in range(N)])


@pytest.fixture(scope="module")
def scores():
    generator = torch.Generator().manual_seed(0)
    real, fake, loss = torch.randn(3, N, generator=generator)
    real += 0.8
    real[5], fake[5] = 1.0, 1.0  # a tie
    return real, fake, loss.exp()


@pytest.fixture(scope="module")
def table(made, scores):
    return gallery.numbers(made, *scores)


def test_corners(made, scores):
    assert len(list(sweep(gallery.explore(made, *scores)))) > 100


def test_what_can_be_sorted_by(made, scores, table):
    assert list(table) == ["score of the fake", "score of the original", "difference, F − R", "loss", "chroma of the fake",
                           "chroma of the original"]
    assert "loss" not in gallery.numbers(made, *scores[:2])
    wanted = metrics.mean_chroma(rgb_to_lab(made.fake[7])[1:])
    assert table["chroma of the fake"][7] == pytest.approx(wanted.item(), abs=1e-4)


@pytest.mark.parametrize("order", gallery.ORDERS)
def test_order_and_filters_are_those_of_plain_sorting(made, scores, table, order):
    real, fake, _ = (x.tolist() for x in scores)
    masks = {"all pairs": [True] * N, "fooled: fake above its original": [f > r for r, f in zip(real, fake)],
             "not fooled": [f <= r for r, f in zip(real, fake)], "fake called real: above 0": [f > 0 for f in fake],
             "original called fake": [r <= 0 for r in real]}
    assert set(masks) == set(gallery.SHOWN)
    for show, mask in masks.items():
        for sort, column in table.items():
            wanted = sorted((i for i in range(N) if mask[i]), key=lambda i: column[i], reverse=order == "highest first")
            assert gallery.ordered(table, made.groups, sort, order, show, False) == wanted


def test_equals_keep_the_order_of_the_pairs(made):
    same = gallery.numbers(made, torch.zeros(N), torch.zeros(N))
    for order in gallery.ORDERS:
        assert gallery.ordered(same, made.groups, "difference, F − R", order, "not fooled", False) == list(range(N))
    assert gallery.ordered(same, made.groups, "difference, F − R", order, "fooled: fake above its original", False) == []


def test_one_crop_a_photograph_is_its_best(made, table):
    every = gallery.ordered(table, made.groups, "loss", "lowest first", "all pairs", False)
    one = gallery.ordered(table, made.groups, "loss", "lowest first", "all pairs", True)
    assert len(one) == len(set(made.groups)) == len({made.groups[i] for i in one})
    assert one == galleries.one_each(every, made.groups, N)


def test_the_words_count_right(made, scores, table):
    real, fake, _ = scores
    render = gallery.renderer(made, table)
    words = render(**FIRST).words
    assert f"Page 1 of 4: 34 of {N} pairs match" in words
    first = fake.sort(descending=True)
    wanted = [gallery.signed(x) for x in (first.values[0], first.values[9])]
    assert f"from {wanted[0]} to {wanted[1]} on this page" in words
    assert f"{(fake > real)[first.indices[:10]].sum()} of 10 fool" in words
    rate = judging.fooling_rate(real, fake)
    assert f"In all, {rate.fooled} of {N} fakes ({rate.fooled / N:.1%})" in words
    assert "Page 4 of 4" in render(**{**FIRST, "page": 4}).words


def test_a_page_beyond_the_last_is_the_last(made, table):
    render = gallery.renderer(made, table)
    last, beyond = (render(**{**FIRST, "one": True, "page": page}) for page in (2, 4))
    assert "Page 2 of 2" in beyond.words and np.array_equal(last.picture, beyond.picture)


def test_the_divider_shows_fakes_left_and_originals_right(made, table):
    side, under = gallery.SIDE, 25  # below the letters
    best = gallery.ordered(table, made.groups, "loss", "highest first", "all pairs", False)[0]
    real, fake = (x[best].movedim(0, -1).numpy()[under:] for x in (made.real, made.fake))
    shown = {at: gallery.renderer(made, table)(**{**FIRST, "sort": "loss", "divider": at}) for at in (0, 40, 100)}
    place = {at: s.picture[under:side, :side] for at, s in shown.items()}
    assert np.array_equal(place[0], real) and np.array_equal(place[100], fake) and not np.array_equal(real, fake)
    assert np.array_equal(place[40][:, :58], fake[:, :58]) and np.array_equal(place[40][:, 62:], real[:, 62:])
    assert "Only originals" in shown[0].words and "Only fakes" in shown[100].words and "divider at 40 %" in shown[40].words


def test_none_that_fools_is_told_and_drawn(made):
    table = gallery.numbers(made, torch.ones(N), torch.zeros(N))
    shown = gallery.renderer(made, table)(**{**FIRST, "show": "fooled: fake above its original"})
    assert shown.words.startswith(f"None of the {N} pairs") and "0 of 34 fakes (0.0%)" in shown.words
    assert shown.picture.shape == gallery.renderer(made, table)(**FIRST).picture.shape and shown.picture.min() < 80
    it = gallery.explore(made, torch.ones(N), torch.zeros(N))
    it.controls["show"].value = "fooled: fake above its original"
    assert it.error == "" and "None of the" in it.screen.value


def test_few_pairs_and_larger_pictures():
    images = scenes.make(2, size=160, seed=4).square(160)
    few = pairs.from_images(images, controls.grey(images), size=160)
    it = gallery.explore(few, [1.0, 2.0], [0.0, 3.0])
    assert "2 of 2 pairs" in it.shown.words
    assert len(list(sweep(it))) > 20


def test_wrong_arguments_are_named(made, scores):
    real, fake, loss = scores
    with pytest.raises(ValueError, match="expected 34, one a pair"):
        gallery.explore(made, real[:5], fake[:5])
    with pytest.raises(ValueError, match="expected 34, one a pair"):
        gallery.explore(made, real, fake, loss[:5])
    with pytest.raises(ValueError, match="NaN"):
        gallery.explore(made, real, fake, loss * float("nan"))


def test_the_sheet_is_of_four_settings(made, scores):
    assert [ax.get_xlabel() for ax in gallery.sheet(made, *scores).axes][-1] == "highest loss"
    assert [ax.get_xlabel() for ax in gallery.sheet(made, *scores[:2]).axes][-1] == "highest chroma of the original"
    own = gallery.sheet(made, *scores, settings={"fakes alone": {"divider": 100}, "the dullest": {"sort": "loss", "order": "lowest first"}})
    assert [ax.get_xlabel() for ax in own.axes] == ["fakes alone", "the dullest"]


def test_no_callback_is_slow():
    """With 240 pairs; the bar is half a second."""
    images = scenes.make(8, size=150, seed=5).square(150).repeat(30, 1, 1, 1)
    real, fake = torch.randn(2, 240, generator=torch.Generator().manual_seed(1))
    it = gallery.explore(pairs.from_images(images, controls.grey(images)), real, fake)
    tries = [[("page", 7), ("divider", 20), ("sort", "chroma of the fake"), ("show", "not fooled"), ("one", True)],
             [("page", 3), ("divider", 70), ("sort", "score of the original"), ("show", "all pairs"), ("one", False)]]
    medians = []
    for moves in tries:  # a second try, should the machine be busy
        seconds = []
        for name, value in moves:
            began = time.perf_counter()
            it.controls[name].value = value
            seconds.append(time.perf_counter() - began)
        medians.append(statistics.median(seconds))
    assert min(medians) < 0.5
