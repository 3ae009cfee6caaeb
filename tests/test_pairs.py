"""Real and fake walk the same path; a folder holds whole pairs or none; the controls do what they say."""

import json
import os

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import color as skcolor

from colorlab import controls, pairs
from colorlab.color import rgb_to_lab
from colorlab.generators import ECCV16
from colorlab.photos import load as load_photos


class Fixed:
    """A generator of one colour, which remembers how it was called."""

    def __init__(self, a=20.0, b=-10.0):
        self.color, self.calls = torch.tensor([a, b]), []

    def colorize(self, L, temperature=0.38):
        assert L.ndim == 4 and L.shape[1] == 1 and 0 <= L.min() and L.max() <= 100.001
        self.calls.append((len(L), temperature))
        return self.color[:, None, None].expand(len(L), 2, *L.shape[-2:])


class Failing(Fixed):
    def colorize(self, L, temperature=0.38):
        if self.calls:
            raise KeyboardInterrupt
        return super().colorize(L, temperature)


@pytest.fixture(scope="module")
def images():
    return load_photos("embedded").square(256, limit=6)


@pytest.fixture(scope="module")
def small(images):
    return images[:, :, ::4, ::4].contiguous()


def make(generator, images, folder=None, **options):
    return pairs.make(generator, images, folder, **{"size": 40, "batch": 4, "progress": False, **options})


def test_the_real_one_is_the_photograph_shrunk_once(images):
    made = make(Fixed(), images, size=150)
    assert made.real.shape == made.fake.shape == (6, 3, 150, 150) and made.real.dtype == torch.uint8
    assert torch.equal(made.real, pairs.shrink(images, 150))  # Lab and back is the identity on 8 bits
    peer = Image.fromarray(images[0].permute(1, 2, 0).numpy()).resize((150, 150), Image.Resampling.BILINEAR)
    assert np.abs(made.real[0].permute(1, 2, 0).numpy() - np.asarray(peer, int)).max() <= 1  # Pillow antialiases too


def test_the_fake_has_the_originals_lightness_and_the_generators_colours(images):
    flat = torch.full((1, 3, 256, 256), 128, dtype=torch.uint8)
    made = make(Fixed(20, -10), flat, size=150)
    lab = rgb_to_lab(torch.cat((made.real, made.fake)))
    assert lab[:, 0].std() < 0.3 and lab[1, 1:].mean((1, 2)).tolist() == pytest.approx([20, -10], abs=0.5)
    expected = skcolor.lab2rgb(np.array([[[float(lab[0, 0].mean()), 20, -10]]]))
    assert made.fake[0, :, 70, 70].tolist() == pytest.approx((expected.ravel() * 255).tolist(), abs=1.01)


def test_a_generator_that_knows_the_truth_leaves_no_trace(images):
    """With the true ab put back, fake and real agree to the last bit: nothing else on the path differs."""
    class Truth:
        def colorize(self, L, temperature=0.38):
            i = next(i for i in range(len(images)) if torch.allclose(rgb_to_lab(images[i:i + 1])[:, :1], L))
            return rgb_to_lab(images[i:i + 1])[:, 1:]

    made = make(Truth(), images, batch=1, size=150)
    assert torch.equal(made.real, made.fake)


def test_a_network_is_run_in_evaluation_mode_and_left_as_it_was(small):
    torch.manual_seed(0)
    network = ECCV16(width=1 / 16).train()
    network.model1.eval()  # frozen by its owner
    before = {key: value.clone() for key, value in network.state_dict().items()}
    made = make(network, small)
    assert network.training and network.model2.training and not network.model1.training
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    assert torch.equal(made.fake, make(network.eval(), small).fake)
    assert not torch.equal(made.fake, made.real) and len(made) == 6


def test_a_folder_is_made_once_and_then_loaded(small, tmp_path):
    generator, folder = Fixed(), tmp_path / "deep" / "pairs"
    made = make(generator, small, folder, names="abcdef", groups="aabbcc", temperature=0.5)
    assert generator.calls == [(4, 0.5), (2, 0.5)]
    again = make(generator, small, folder, temperature=0.5)
    assert len(generator.calls) == 2  # not asked again
    loaded, memory = pairs.load(folder), make(generator, small, temperature=0.5)
    for other in (again, loaded, memory):
        assert torch.equal(other.real, made.real) and torch.equal(other.fake, made.fake)
    assert loaded.names == list("abcdef") and again.groups == list("aabbcc")
    assert loaded.settings == made.settings == memory.settings and loaded.settings["generator"] == "Fixed"
    assert sorted(os.listdir(folder)) == ["fake.npy", "meta.json", "real.npy"]
    assert os.listdir(folder.parent) == ["pairs"]

    loaded.real[:] = 0  # a tensor over the file: writing to it must not reach the disk
    assert torch.equal(pairs.load(folder).real, made.real)


def test_other_settings_are_refused_by_name(small, tmp_path):
    torch.manual_seed(0)
    network = ECCV16(width=1 / 16)
    make(network, small, tmp_path / "p")
    with torch.no_grad():
        network.model8[0].bias[0] += 1e-6
    for change, said in (({}, "weights '"), ({"temperature": 1.0}, "temperature 0.38, now 1.0"),
                         ({"size": 50}, "size 40"), ({"images": small.flip(-1)}, "images '"), ({"images": small[:3]}, "count 6, now 3"),
                         ({"generator": Fixed()}, "generator 'ECCV16', now 'Fixed'"), ({"names": "uvwxyz"}, "names")):
        arguments = {"generator": network, "images": small, "folder": tmp_path / "p", **change}
        with pytest.raises(ValueError, match="other settings .*" + said + ".*give another folder, or delete"):
            make(**arguments)


def test_an_interruption_leaves_nothing_behind(small, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        make(Failing(), small, tmp_path / "pairs")
    assert os.listdir(tmp_path) == []
    make(Fixed(), small, tmp_path / "pairs")
    assert os.listdir(tmp_path) == ["pairs"]


def test_a_folder_of_other_things_is_not_touched(small, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    for folder in (tmp_path, tmp_path / "thesis.txt"):
        with pytest.raises(ValueError, match="something other than pairs"):
            make(Fixed(), small, folder)
    assert os.listdir(tmp_path) == ["thesis.txt"]
    with pytest.raises(FileNotFoundError, match="holds no pairs"):
        pairs.load(tmp_path)
    (tmp_path / "empty").mkdir()
    assert len(make(Fixed(), small, tmp_path / "empty")) == 6
    assert json.loads((tmp_path / "empty" / "meta.json").read_text())["names"][0] == "00000"


@pytest.mark.parametrize("images, error", [
    (torch.zeros(2, 3, 64, 64), TypeError), (torch.zeros(2, 3, 64, 48, dtype=torch.uint8), ValueError),
    (torch.zeros(3, 64, 64, dtype=torch.uint8), ValueError),
    (torch.zeros(0, 3, 64, 64, dtype=torch.uint8), ValueError)])
def test_wrong_images_are_refused(images, error):
    with pytest.raises(error, match="images has"):
        make(Fixed(), images)


def test_subset_folds_and_split_keep_photographs_together(small):
    many = small.repeat(5, 1, 1, 1)
    groups = [f"g{i % 12}" for i in range(30)]
    made = make(Fixed(), many, groups=groups)
    part = made.subset([3, 1])
    assert part.names == ["00003", "00001"] and part.groups == ["g3", "g1"]
    assert torch.equal(part.real, made.real[[3, 1]])
    assert made.subset(torch.arange(30) < 2).names == ["00000", "00001"]
    folds = made.folds(4, seed=1)
    assert sorted(torch.cat(folds).tolist()) == list(range(30)) and {len(fold) for fold in folds} <= {6, 7, 8, 9}
    train, test = made.split(0.8, seed=2)
    assert len(train) + len(test) == 30 and 20 <= len(train) <= 27
    for parts in ([{groups[i] for i in fold.tolist()} for fold in folds], [set(train.groups), set(test.groups)]):
        assert sum(map(len, parts)) == len(set.union(*parts)) == 12
    assert made.split(0.8, seed=2)[1].names == test.names != made.split(0.8, seed=3)[1].names
    with pytest.raises(ValueError, match="k is 13; expected 2 to 12"):
        made.folds(13)
    with pytest.raises(ValueError, match="share is 1"):
        made.split(1)


def test_swapped_roles_are_the_same_pairs(small):
    made = make(Fixed(), small.repeat(20, 1, 1, 1))
    swapped = pairs.swap(made, seed=0)
    kept = (swapped.real == made.real).flatten(1).all(1) & (swapped.fake == made.fake).flatten(1).all(1)
    turned = (swapped.real == made.fake).flatten(1).all(1) & (swapped.fake == made.real).flatten(1).all(1)
    assert (kept ^ turned).all() and 40 <= turned.sum() <= 80 and swapped.names == made.names


def test_grey_and_blurred_keep_lightness_and_what_they_promise(images):
    true = rgb_to_lab(images)
    ab = rgb_to_lab(controls.grey(images))[:, 1:].abs()
    assert ab.mean() < 0.01 and ab.max() < 1  # 1: one channel rounded the other way
    assert (rgb_to_lab(controls.grey(images))[:, 0] - true[:, 0]).abs().max() < 0.5
    blurred = rgb_to_lab(pairs.blurred_chroma(images))
    same = (blurred[:, 0] - true[:, 0]).abs() < 0.5  # elsewhere 8 bits round L further
    assert same.float().mean() > 0.999
    pool = torch.nn.functional.avg_pool2d
    assert (pool(blurred[:, 1:], 16) - pool(true[:, 1:], 16)).abs().mean() < 0.5  # the same colours ...
    sharp = lambda lab: lab[:, 1:].diff(dim=-1).abs().mean()  # noqa: E731
    assert sharp(blurred) < 0.6 * sharp(true)  # ... less sharp
    assert torch.equal(controls.blurred_chroma(images, factor=1), images)
    with pytest.raises(ValueError, match="factor is 3"):
        controls.blurred_chroma(images, factor=3)


def test_random_colors_come_from_one_other_photograph(images):
    other = rgb_to_lab(controls.random_color(images, seed=4))
    true = rgb_to_lab(images)
    distance = torch.stack([(other[:, 1:] - true[i, 1:]).abs().flatten(1).mean(1) for i in range(6)])  # (from, to)
    donors = distance.argmin(0)
    assert sorted(donors.tolist()) == list(range(6)) and (donors != torch.arange(6)).all()
    assert torch.equal(controls.random_color(images, seed=4), controls.random_color(images, seed=4))
    with pytest.raises(ValueError, match="images has 1 photograph"):
        controls.random_color(images[:1])


def test_controls_become_pairs(images):
    made = pairs.from_images(images, pairs.grey(images), names="uvwxyz", made_by="grey")
    assert torch.equal(made.real, make(Fixed(), images, size=150).real)
    assert torch.equal(made.fake, make(Fixed(0, 0), images, size=150).fake)  # the same path
    assert made.groups == list("uvwxyz") and "grey" in repr(made)
    with pytest.raises(ValueError, match="names has 2 and groups 2 entries; expected 6"):
        pairs.from_images(images, images, names="ab")
    with pytest.raises(ValueError, match="expected uint8"):
        pairs.Pairs(made.real, made.fake[:3], None, None)
