"""Scenes: determinism, exactness of the known distribution, and that colour leaves luminance alone."""

import numpy as np
import pytest
import torch

from colorlab import photos, scenes
from colorlab.bins import AbBins
from colorlab.color import in_gamut, lab_to_rgb, rgb_to_lab
from colorlab.palettes import KINDS, MODES, PALETTES, tables
from colorlab.scenery import VISTAS, vista


@pytest.fixture(scope="module")
def twenty():
    """A whole deck: every vista at least once."""
    made = scenes.make(20, size=48, seed=5)
    return [made.scene(i) for i in range(20)]


def kind(name):
    return KINDS.index(name)


# ---------------------------------------------------------------- the same scene, always
def test_same_seed_same_scene_in_any_order():
    a, b = scenes.make(12, 32, seed=3), scenes.make(30, 32, seed=3)
    backwards = {i: b[i] for i in reversed(range(12))}
    assert all(torch.equal(a[i], backwards[i]) for i in range(12))
    assert torch.equal(a[4], a[4])
    assert not torch.equal(a[4], scenes.make(12, 32, seed=4)[4])
    assert len({a[i].sum().item() for i in range(12)}) == 12  # and each is another


@pytest.mark.parametrize("i", range(20))
def test_size_changes_pixels_not_composition(i):
    made = scenes.make(20, 64, seed=1)
    small, large = made.scene(i), made.scene(i, size=256)
    assert torch.equal(small.object_kinds, large.object_kinds)
    averaged = torch.nn.functional.avg_pool2d(large.L, 4)
    assert (small.L - averaged).abs().mean() < 2.5  # a shifted or another picture differs by 8 and more
    assert (small.kinds == large.kinds[1::4, 1::4]).float().mean() > 0.88
    color = torch.nn.functional.avg_pool2d(large.lab[1:], 4)
    assert (small.lab[1:] - color).norm(dim=0).mean() < 5


def test_every_deck_of_twenty_shows_every_vista():
    for seed in (0, 9):
        for start in (0, 20, 40):
            names = [vista(seed, i) for i in range(start, start + 20)]
            assert set(names) == {compose.__name__ for compose in VISTAS}
    assert [vista(0, i) for i in range(20)] != [vista(0, i) for i in range(20, 40)]


def test_pictures_are_not_flat(twenty):
    for scene in twenty:
        assert scene.L.std() > 5, scene
        assert len(scene.kinds.unique()) >= 3, scene
        ab = scene.lab[1:].norm(dim=0)
        assert ab.max() > 25, scene


# ---------------------------------------------------------------- the distribution is exact
def test_shapes_and_types(twenty):
    s = twenty[0]
    assert s.rgb.shape == s.lab.shape == (3, 48, 48) and s.rgb.dtype == torch.float32
    assert s.kinds.shape == (48, 48) and s.kinds.dtype == torch.int64
    assert s.modes.shape == (MODES, 2, 48, 48) and s.probs.shape == (MODES, 48, 48)
    assert s.mean().shape == s.mode().shape == (2, 48, 48)
    assert s.kind_names[s.kinds[0, 0]] in KINDS


def test_palettes_are_probabilities_with_the_likeliest_first():
    for name, palette in PALETTES.items():
        p = [p for p, _ in palette]
        assert sum(p) == pytest.approx(1) and min(p) > 0 and p[0] == max(p), name


def test_probabilities_sum_to_one_and_the_drawn_colour_is_a_mode(twenty):
    for s in twenty:
        assert torch.allclose(s.probs.sum(0), torch.ones(48, 48), atol=1e-6)
        drawn = s.modes.gather(0, s.choice[None, None].expand(1, 2, 48, 48))[0]
        assert torch.equal(drawn, s.lab[1:])
        assert (s.probs.gather(0, s.choice[None]) > 0).all()


def test_modes_depend_on_luminance_and_kind_alone(twenty):
    seen = {}
    for s in twenty:
        keys = zip(s.kinds.flatten().tolist(), (s.L.flatten() * 10).round().long().tolist())
        for key, column in zip(keys, s.modes.flatten(2).permute(2, 0, 1)[:, :, 0].tolist()):
            assert seen.setdefault(key, column) == column


def test_every_colour_at_every_luminance_is_in_gamut_and_round_trips(twenty):
    colors, _ = tables()
    L = torch.arange(colors.shape[2]) / 10
    lab = torch.cat([L.expand(*colors.shape[:3])[..., None], torch.from_numpy(colors)], -1).movedim(-1, 0)
    lab = lab.flatten(1, 2)[..., 20:981]  # (3, kinds K, steps): the luminances that are painted
    assert in_gamut(lab, 1e-4).all()
    assert (rgb_to_lab(lab_to_rgb(lab)) - lab).abs().max() < 2e-3
    for s in twenty:  # pixels lie between the table's steps
        for mode in s.modes:
            assert in_gamut(torch.cat([s.L, mode]), 1e-3).all()
        assert (rgb_to_lab(s.rgb) - s.lab).abs().max() < 1e-2
        assert s.L.min() >= 2 and s.L.max() <= 98


def test_frequencies_of_balloon_colours_match_their_probabilities():
    from scipy.stats import chisquare

    made = scenes.make(400, 16, seed=11)
    counts = np.zeros(MODES)
    chosen = [i for i, name in enumerate(made.names) if name.endswith(("balloons", "party"))]
    for i in chosen:
        s = made.scene(i)
        counts += np.bincount(s._object_choice[s.object_kinds == kind("balloon")], minlength=MODES)
    p = tables()[1][kind("balloon")].astype(float)
    assert counts.sum() > 300
    assert chisquare(counts, counts.sum() * p / p.sum()).pvalue > 1e-3


def test_recolouring_follows_the_probabilities_too():
    scene = scenes.make(20, 16, seed=2).scene(0)
    target = int(scene.object_kinds.argmax())
    assert scene.probs.shape[0] == MODES
    counts = np.zeros(MODES)
    for seed in range(400):
        counts[scene.recolor(seed)._object_choice[target]] += 1
    p = tables()[1][scene.object_kinds[target]]
    assert np.abs(counts / 400 - p).max() < 4 * np.sqrt(0.25 / 400)


# ---------------------------------------------------------------- luminance knows nothing of the colour
def test_recolour_keeps_luminance_and_truth(twenty):
    changed = 0
    for s in twenty:
        other = s.recolor(1)
        assert torch.equal(other.L, s.L) and torch.equal(other.kinds, s.kinds)
        assert torch.equal(other.modes, s.modes) and torch.equal(other.probs, s.probs)
        assert torch.equal(other.lab, s.recolor(1).lab)
        assert (rgb_to_lab(other.rgb)[0] - rgb_to_lab(s.rgb)[0]).abs().max() < 1e-2
        changed += (other.lab[1:] - s.lab[1:]).abs().max().item() > 10
    assert changed > 15


def test_mean_of_a_balloon_is_far_from_every_likely_colour(twenty):
    s = next(s for s in twenty if (s.kinds == kind("balloon")).sum() > 100)
    where = (s.kinds == kind("balloon")) & (s.L[0] > 35) & (s.L[0] < 75)  # the highlight is white
    distance = (s.modes - s.mean()).norm(dim=1)[:, where]  # (K, pixels)
    assert distance[:3].min() > 15 and distance[:3].mean() > 25
    assert s.mean().norm(dim=0)[where].mean() < 0.6 * s.mode().norm(dim=0)[where].mean()
    grass = s.kinds == kind("grass")
    assert torch.allclose(s.mean()[:, grass], s.lab[1:][:, grass], atol=1e-4)  # all sure


def test_mode_is_the_likeliest(twenty):
    for s in twenty:
        assert torch.equal(s.mode(), s.modes[0])


def test_vivid_colours_are_rare(twenty):
    chroma = torch.stack([s.lab[1:].norm(dim=0) for s in twenty])
    assert 15 < chroma.mean() < 40
    assert (chroma > 60).float().mean() < 0.06


# ---------------------------------------------------------------- over bins
@pytest.mark.parametrize("soft", [False, True])
def test_code_sums_to_one_and_keeps_the_mean(soft):
    bins = AbBins()
    s = scenes.make(20, 24, seed=5).scene(7)
    code = s.code(bins, soft=soft)
    assert code.shape == (len(bins), 24, 24)
    assert torch.allclose(code.sum(0), torch.ones(24, 24), atol=1e-5) and code.min() >= 0
    mean = torch.einsum("qhw,qc->chw", code, bins.centers)
    assert (mean - s.mean()).norm(dim=0).max() < 5 * 2**0.5 + 2  # half a bin's diagonal, and the hull


def test_code_of_a_sure_pixel_is_one_bin():
    bins = AbBins()
    made = scenes.make(20, 24, seed=5)
    s = made.scene(next(i for i, name in enumerate(made.names) if name.endswith("countryside")))
    sky = s.kinds == kind("sky")
    assert (s.code(bins)[:, sky].max(0).values > 1 - 1e-6).all()
    assert torch.equal(s.code(bins)[:, sky].argmax(0), bins.nearest(s.lab[1:])[sky])


# ---------------------------------------------------------------- as a set of photographs
def test_stands_for_photographs():
    made = scenes.make(5, 40, seed=0)
    assert len(made) == 5 and made[2].shape == (3, 40, 40) and made[2].dtype == torch.float32
    assert 0 <= made[2].min() and made[2].max() <= 1
    assert len(set(made.names)) == len(set(made.groups)) == 5 and made.skipped == []
    with pytest.raises(IndexError):
        made[5]
    assert torch.equal(made[-1], made[4])


def test_square_paints_at_the_size_asked_for():
    made = scenes.make(4, 40, seed=0)
    same, large = made.square(40), made.square(96, limit=2)
    assert same.shape == (4, 3, 40, 40) and same.dtype == torch.uint8
    assert large.shape == (2, 3, 96, 96)
    assert (same[1].float() / 255 - made[1]).abs().max() <= 0.5 / 255 + 1e-6
    assert (large[1].float() / 255 - made.scene(1, size=96).rgb).abs().max() <= 0.5 / 255 + 1e-6


def test_subset_and_sum_keep_names_and_pictures_aligned():
    made = scenes.make(6, 32, seed=0)
    part = made.subset([4, 1])
    assert part.names == [made.names[4], made.names[1]] and torch.equal(part[0], made[4])
    assert torch.equal(part.scene(1).L, made.scene(1).L)
    both = made + scenes.make(2, 32, seed=1)
    assert len(both) == 8 and torch.equal(both[7], scenes.make(2, 32, seed=1)[1])
    assert both.names[:6] == made.names and len(set(both.groups)) == 8


def test_adds_to_photographs_on_either_side():
    crops, made = photos.load("embedded", "val").subset([0, 1]), scenes.make(2, 32)
    for both, at in ((crops + made, 2), (made + crops, 0)):
        assert len(both) == 4 and torch.equal(both[at], made[0])
        assert both.square(32).shape == (4, 3, 32, 32)


@pytest.mark.parametrize("arguments, error, word", [
    (dict(n=0), ValueError, "n is 0"), (dict(n=-1), ValueError, "n is -1"),
    (dict(n=2.5), TypeError, "n is 2.5"),
    (dict(n=True), TypeError, "n is True"), (dict(n=2, size=15), ValueError, "size is 15"),
    (dict(n=2, size="big"), TypeError, "size is 'big'"), (dict(n=2, seed=-1), ValueError, "seed is -1"),
    (dict(n=2, seed=None), TypeError, "seed is None"),
])
def test_bad_arguments_are_named(arguments, error, word):
    with pytest.raises(error, match=word):
        scenes.make(**arguments)


def test_bad_arguments_of_methods():
    made = scenes.make(2, 16)
    with pytest.raises(ValueError, match="size is 8"):
        made.square(8)
    with pytest.raises(ValueError, match="seed is -3"):
        made.scene(0).recolor(-3)
    with pytest.raises(IndexError):
        made.scene(2)


def test_smallest_size_paints_every_vista():
    pictures = scenes.make(20, 16, seed=8).square(16)
    assert pictures.float().flatten(1).std(1).min() > 5
