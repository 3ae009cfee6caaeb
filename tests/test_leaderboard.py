"""The leaderboard of lab 4: what a generator scores, its gain over another, and the file of standings."""

import csv
import re
import subprocess
import sys

import pytest
import torch

from colorlab import metrics
from colorlab.bins import AbBins
from colorlab.checks import leaderboard
from colorlab.color import rgb_to_lab


class Painter(torch.nn.Module):
    """Paints what it is told to, whatever the photograph."""

    def __init__(self, split: str, paint):
        super().__init__()
        self.truth = rgb_to_lab(leaderboard.pictures(split)[0])
        self.paint = paint
        self.register_buffer("mark", paint(self.truth[:2, 1:]).flatten()[:8].clone())  # stands for the weights

    def colorize(self, L, temperature=0.38):
        at = next(i for i in range(len(self.truth)) if torch.equal(self.truth[i, :1], L[0]))
        return self.paint(self.truth[at:at + len(L), 1:])


@pytest.fixture
def small(monkeypatch):
    """A dozen pictures of each split, and nothing remembered of other tests."""
    monkeypatch.setattr(leaderboard, "COUNT", dict.fromkeys(leaderboard.COUNT, 12))
    monkeypatch.setattr(leaderboard, "_measured", {})
    leaderboard._kept.cache_clear()
    yield
    leaderboard._kept.cache_clear()


def test_the_score_is_the_mean_of_both_aucs_and_grey_and_sepia_each_lose_one(small):
    found = {name: leaderboard.measure(Painter("val", paint)) for name, paint in {
        "truth": lambda ab: ab, "grey": torch.zeros_like, "half": lambda ab: ab / 2,
        "sepia": lambda ab: torch.tensor([8.0, 25.0])[:, None, None].expand_as(ab)}.items()}
    assert found["truth"].score == pytest.approx(100) and found["truth"].chroma == pytest.approx(1)
    for one in found.values():
        assert one.score == pytest.approx((one.plain + one.rebalanced) / 2, abs=0.02)
    assert found["grey"].chroma == 0 and found["half"].chroma == pytest.approx(0.5)
    assert found["sepia"].rebalanced > found["grey"].rebalanced and found["sepia"].plain < found["grey"].plain
    assert found["half"].score > max(found["grey"].score, found["sepia"].score)


def test_rare_colours_are_weighed_as_the_rebalanced_auc_weighs_them(small):
    images, _ = leaderboard.pictures("val")
    ab, bins = rgb_to_lab(images)[:, 1:], AbBins()
    wanted = metrics.color_auc(torch.zeros_like(ab), ab, metrics.own_prior_weights(ab, bins), bins)
    assert leaderboard.measure(Painter("val", torch.zeros_like)).rebalanced == pytest.approx(wanted)


def test_a_gain_is_paired_and_turns_its_sign(small):
    half, grey = (Painter("val", paint) for paint in (lambda ab: ab / 2, torch.zeros_like))
    by = leaderboard.gain(half, grey)
    assert by.mean == pytest.approx(leaderboard.measure(half).score - leaderboard.measure(grey).score)
    assert 0 < by.low < by.mean < by.high
    assert leaderboard.gain(grey, half) == pytest.approx((-by.mean, -by.high, -by.low))
    assert leaderboard.gain(half, half) == (0, 0, 0)


def test_a_network_that_paints_otherwise_with_the_same_weights_is_measured_anew(small):
    one, other = (Painter("val", paint) for paint in (lambda ab: ab / 2, lambda ab: ab / 4))
    other.mark = one.mark.clone()
    assert leaderboard.measure(one).chroma == pytest.approx(0.5) and leaderboard.measure(other).chroma == pytest.approx(0.25)


def test_whoever_writes_into_the_pictures_changes_no_score(small):
    before = leaderboard.measure(Painter("val", torch.zeros_like))
    images, groups = leaderboard.pictures("val")
    images.zero_(), groups.clear()
    leaderboard._measured.clear()
    assert leaderboard.measure(Painter("val", torch.zeros_like))[:4] == before[:4]


def test_the_splits_share_no_picture(small):
    groups = [set(map(bytes, leaderboard.pictures(split)[0].numpy())) for split in leaderboard.COUNT]
    assert sum(map(len, groups)) == len(set.union(*groups)) == 36


def test_entries_are_added_and_the_best_of_each_name_stands(small, tmp_path, monkeypatch):
    grey = Painter("val", torch.zeros_like)
    monkeypatch.setattr(leaderboard, "baseline", lambda: grey)
    for name, share in (("anna", 0.5), ("anna", 0.9), ("  ben  b. ", 0.7), ("anna", 0.3), ("anna", 0.9)):
        line = leaderboard.enter(tmp_path / "one.csv", name, Painter("val", lambda ab, share=share: share * ab), 12.3, f"a\nshare of {share}")
    assert line["note"] == "a share of 0.9"
    assert line["seconds"] == "12" and float(line["low"]) <= float(line["gain"]) <= float(line["high"])
    leaderboard.enter(tmp_path / "two.csv", "cleo", grey, seconds=0)
    found = leaderboard.standings([tmp_path / "one.csv", tmp_path / "two.csv"])
    assert [row["name"] for row in found] == ["anna", "ben b.", "cleo"]
    assert float(found[0]["score"]) == pytest.approx(leaderboard.measure(Painter("val", lambda ab: 0.9 * ab)).score, abs=0.01)
    with open(tmp_path / "one.csv", encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 4  # every try is kept, and the one that was run again once
    text = leaderboard.table(found).splitlines()
    assert text[0].startswith("on val ") and [line.split()[0] for line in text[1:]] == ["anna", "ben", "cleo"]
    assert re.search(r"cleo +\d+\.\d\d +\+0\.00 \[\+0\.00, \+0\.00\] +0$", text[3])
    assert text[1].endswith("a share of 0.9")


def test_standings_from_the_command_line(small, tmp_path, monkeypatch):
    grey = Painter("val", torch.zeros_like)
    monkeypatch.setattr(leaderboard, "baseline", lambda: grey)
    leaderboard.enter(tmp_path / "graded.csv", "dora", grey, seconds=3)
    done = subprocess.run([sys.executable, "-m", "colorlab.checks", str(tmp_path / "graded.csv")], capture_output=True, text=True, check=True)
    assert "dora" in done.stdout and done.stderr == ""
    done = subprocess.run([sys.executable, "-m", "colorlab.checks", str(tmp_path / "none.csv")], capture_output=True, text=True)
    assert done.returncode == 2 and re.fullmatch(r"colorlab\.checks: .*none\.csv.*\n", done.stderr)


def test_students_who_kept_the_lab_s_name_are_not_one(small, tmp_path, monkeypatch):
    grey = Painter("val", torch.zeros_like)
    monkeypatch.setattr(leaderboard, "baseline", lambda: grey)
    for student in "ab":
        leaderboard.enter(tmp_path / f"{student}.csv", leaderboard.ANONYMOUS, grey, 1)
    assert len(leaderboard.standings(sorted(tmp_path.glob("*.csv")))) == 2


def test_bad_input_is_named(small, tmp_path):
    with pytest.raises(ValueError, match="name is empty"):
        leaderboard.enter(tmp_path / "x.csv", "  ", leaderboard.start(), 1)
    assert not (tmp_path / "x.csv").exists()
    (tmp_path / "other.csv").write_text("time,player\n1,anna\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"other.csv has columns time, player; expected those of a leaderboard"):
        leaderboard.standings([tmp_path / "other.csv"])


def test_the_baseline_trains_the_start_on_a_fifth(monkeypatch):
    asked = {}
    monkeypatch.setattr(leaderboard.finetuning, "finetune", lambda network, images, prior, **options: (asked.update(n=len(images), **options), None))
    leaderboard.baseline.__wrapped__()
    assert asked == {"n": 20, "steps": 16, "batch": 8, "progress": False}
