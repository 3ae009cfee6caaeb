"""Photographs decoded once: the same rows as decoding them again, also after a kill, and far faster."""

import json
import os
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from colorlab import cache, photos, training
from colorlab.__main__ import main


@pytest.fixture
def folder(tmp_path):
    home = tmp_path / "photographs"
    home.mkdir()
    for i in range(7):
        photos.save_photo(torch.rand(3, 40, 50, generator=torch.Generator().manual_seed(i)), home / f"{i}.png")
    (home / "3.png").write_bytes(b"broken")
    return home


def all_of(folder):
    return photos.Photos(*zip(*photos.sources.whole_folder(folder)))


@pytest.mark.filterwarnings("ignore:.*could not be read")
def test_the_same_as_decoding(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "CHUNK", 2)
    decoded, found, again = all_of(folder), all_of(folder), all_of(folder)
    images = decoded.square(32)
    assert torch.equal(cache.squares(found, tmp_path / "kept", 32, progress=False), images)
    decode, decoded_again = photos.Photos.square, []
    monkeypatch.setattr(photos.Photos, "square", lambda self, size: decoded_again.append(len(self)) or decode(self, size))
    assert torch.equal(cache.squares(again, tmp_path / "kept", 32, progress=False), images)
    assert decoded_again == [1, 1, 1]  # the second time only three, to see whether they are the same
    for some in (found, again):
        assert some.names == decoded.names and some.groups == decoded.groups and some.skipped == decoded.skipped
        assert len(some) == 6


@pytest.mark.filterwarnings("ignore:.*could not be read")
def test_a_call_that_was_killed_is_taken_up(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "CHUNK", 2)
    square, asked = photos.Photos.square, []

    def interrupted(self, *args):
        asked.append(self.names)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return square(self, *args)

    monkeypatch.setattr(photos.Photos, "square", interrupted)
    with pytest.raises(KeyboardInterrupt):
        cache.squares(all_of(folder), tmp_path / "kept", 32, progress=False)
    images = cache.squares(all_of(folder), tmp_path / "kept", 32, progress=False)
    assert asked[3] == asked[2] != asked[0]  # from where it was, not from the beginning
    assert torch.equal(images, square(all_of(folder), 32))


def test_what_is_written_into_it_stays_in_memory(folder, tmp_path):
    (folder / "3.png").unlink()
    images = cache.squares(all_of(folder), tmp_path / "kept", 32, progress=False)
    before = images.clone()
    images.zero_()
    assert torch.equal(cache.squares(all_of(folder), tmp_path / "kept", 32, progress=False), before)


def test_other_photographs_and_other_files_are_refused(folder, tmp_path):
    (folder / "3.png").unlink()
    cache.squares(all_of(folder), tmp_path / "kept", 32, progress=False)
    with pytest.raises(ValueError, match="size differ"):
        cache.squares(all_of(folder), tmp_path / "kept", 40, progress=False)
    (folder / "0.png").unlink()
    with pytest.raises(ValueError, match="photographs, names differ"):
        cache.squares(all_of(folder), tmp_path / "kept", 32, progress=False)
    with pytest.raises(ValueError, match="something other"):
        cache.squares(all_of(folder), folder, 32, progress=False)


def test_far_faster_than_decoding(tmp_path):
    home = tmp_path / "many"
    home.mkdir()
    for i in range(12):
        photos.save_photo(torch.nn.functional.interpolate(torch.rand(1, 3, 40, 50), (768, 1024), mode="bicubic")[0].clamp(0, 1),
                          home / f"{i}.jpg")
    images = cache.squares(all_of(home), tmp_path / "kept", 256, progress=False)

    def seconds(work):
        times = []
        for _ in range(3):
            began = time.perf_counter()
            work()
            times.append(time.perf_counter() - began)
        return min(times)

    order = torch.randperm(12)
    assert seconds(lambda: all_of(home).square(256)) > 20 * seconds(lambda: images.index_select(0, order))  # every byte, copied


@pytest.mark.filterwarnings("ignore:.*could not be read")
def test_a_broken_file_whose_name_occurs_twice(folder, tmp_path):
    """The train and the val split of a folder may both have a 3.png."""
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    photos.save_photo(torch.rand(3, 40, 50), other / "3.png")
    both = all_of(folder) + all_of(other)
    images = cache.squares(both, tmp_path / "kept", 32, progress=False)
    assert len(images) == len(both) == 13 and both.names.count("3.png") == 1
    assert all(torch.equal(images[i], both.subset([i]).square(32)[0]) for i in range(13))


def test_other_photographs_of_the_same_names_are_refused(folder, tmp_path):
    (folder / "3.png").unlink()
    cache.squares(all_of(folder), tmp_path / "kept", 32, progress=False)
    for path in folder.glob("*.png"):
        photos.save_photo(torch.full((3, 40, 50), 0.9), path)
    with pytest.raises(ValueError, match="other photographs under these names"):
        cache.squares(all_of(folder), tmp_path / "kept", 32, progress=False)


def test_a_full_disk_is_said_before(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(1000, 900, 100))
    with pytest.raises(OSError, match="GB in .* are free there"):
        cache.squares(all_of(folder), tmp_path / "kept", 32, progress=False)


def test_what_a_kill_left_unfinished_is_no_hindrance(folder, tmp_path):
    (folder / "3.png").unlink()
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / ".cache.json.abc.part").touch()
    assert len(cache.squares(all_of(folder), tmp_path / "kept", 32, progress=False)) == 6


def test_of_several_processes_one_decodes(folder, tmp_path):
    code = ("from colorlab import cache, photos, sources; import sys; "
            "print(int(cache.squares(photos.Photos(*zip(*sources.whole_folder(sys.argv[1]))), sys.argv[2], 32, False).sum()))")
    (folder / "3.png").unlink()
    others = [subprocess.Popen([sys.executable, "-c", code, folder, tmp_path / "kept"], stdout=subprocess.PIPE, text=True,
                               env={**os.environ, "RANK": str(rank)}) for rank in (1, 0)]
    sums = {int(process.communicate(timeout=100)[0]) for process in others}
    assert sums == {int(all_of(folder).square(32).sum())}


def test_grey_ones_are_noted_as_they_are_decoded(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "CHUNK", 2)
    (folder / "3.png").unlink()
    for name in ("1.png", "5.png"):
        photos.save_photo(torch.linspace(0, 1, 2000).view(1, 40, 50).expand(3, -1, -1), folder / name)
    images = cache.squares(all_of(folder), tmp_path / "kept", 32, progress=False)
    assert cache.grey(tmp_path / "kept") == training.grey_ones(images).nonzero().flatten().tolist() == [1, 4]
    assert torch.equal(training.colored_ones(images, [1, 4]), training.colored_ones(images))


def test_train_from_a_cache(folder, tmp_path):
    (folder / "3.png").unlink()
    shutil.move(folder, tmp_path / "all" / "train")
    argv = ["train", "--photos", str(tmp_path / "all"), "--width", "0.04", "--steps", "1", "--batch", "2", "--crop", "16"]
    assert main([*argv, "--out", str(tmp_path / "a")]) == 0
    for _ in range(2):
        assert main([*argv, "--out", str(tmp_path / "b"), "--cache", str(tmp_path / "kept")]) == 0
    a, b = (json.loads((tmp_path / name / "log.json").read_text())["rows"] for name in "ab")
    assert a == b and np.load(tmp_path / "kept" / "images.npy", mmap_mode="r").shape[1:] == (3, 256, 256)
