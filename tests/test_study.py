"""The study runs to its end, goes on after a kill in any stage with the same numbers, and never mixes two of them."""

import json
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from colorlab import photos, report, scenes, stages, studies, study
from colorlab.__main__ import main

NAMES = ["photographs", "generators", "pairs", "judges",
         *(f"turn-{turn}-{stage}" for turn in (1, 2) for stage in ("rank", "finetune", "verdict"))]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    home = tmp_path_factory.mktemp("photographs")
    for split, n, seed in (("train", 40, 0), ("val", 4, 1), ("test", 24, 2)):
        some = scenes.make(n, size=64, seed=seed)
        for i in range(n):
            (home / split / f"source{i % 2}").mkdir(parents=True, exist_ok=True)
            photos.save_photo(some[i], home / split / f"source{i % 2}" / f"{i}.png")
    return home


def command(folder, out):
    return [sys.executable, "-m", "colorlab", "study", "--photos", str(folder), "--out", str(out), "--budget", "smoke"]


@pytest.fixture(scope="module")
def done(folder, tmp_path_factory):
    """A study that nobody disturbed: its folder, and what it printed."""
    out = tmp_path_factory.mktemp("studies") / "whole"
    told = subprocess.run(command(folder, out), capture_output=True, text=True, check=True)
    return out, told.stdout


def numbers(out):
    found = json.loads((out / "results.json").read_text())
    assert set(found.pop("seconds")) == set(NAMES)
    assert found.pop("command").endswith(f"--out {out} --budget smoke")
    return found


def test_it_says_what_it_does_and_keeps_no_checkpoints(done):
    out, told = done
    assert re.findall(r"^\[(\d+)/10\] ([\w-]+): ", told, re.M) == [(str(i), name) for i, name in enumerate(NAMES, 1)]
    assert f"done: {out / 'index.html'}" in told
    assert not list(out.rglob("checkpoint.pt")) and not list(out.rglob("*.part"))
    assert len(list(out.rglob("generator.safetensors"))) == 3 + 2 * 3 * 2  # losses; turns, arms, seeds


def test_every_row_has_its_intervals(done):
    found = numbers(done[0])
    rows = found["comparison"]
    assert list(rows) == ["l2", "classification", "rebalanced", *study.CONTROLS, "itself"]
    assert rows.pop("itself") == {"same bytes": True}
    for row in rows.values():
        assert set(row) == {"fooling rate", "distance", "plain AuC", "rebalanced AuC", "chroma ratio", "PSNR", "CIEDE2000",
                            "colorfulness", "accuracy"}
        for mean, low, high in row.values():
            assert low <= mean <= high
    assert rows["all grey"]["chroma ratio"][2] < 0.01 and rows["all grey"]["colorfulness"][2] < 1  # 8 bits, made smaller
    assert rows["own colors, blurred"]["CIEDE2000"][2] < rows["random colors"]["CIEDE2000"][1]
    assert rows["best constant"]["plain AuC"][0] >= rows["all grey"]["plain AuC"][0] - 0.2
    assert sorted(found["sources"]) == ["source0", "source1"]
    assert sum(row["photographs"] for row in found["sources"].values()) == found["photographs"]["held out"] == 24
    for turn in ("turn 1", "turn 2"):
        for which in ("random", "most real"):
            assert list(found[turn]["arms"][which]) == ["none", "random", "most real", "largest loss"]
            assert "most real - random" in found[turn]["contrasts"][which]


def test_the_parts_share_no_photograph(done):
    labels = json.loads((done[0] / "photographs" / "done.json").read_text())["found"]
    assert list(labels) == ["generators", "pool", "judges", "held out"]
    assert [len(part["names"]) for part in labels.values()] == [24, 8, 8 + 4, 24]
    images = [np.load(done[0] / "photographs" / name / "images.npy") for name in labels]  # a name occurs in several splits
    rows = {row.tobytes() for part in images for row in part}
    assert len(rows) == sum(map(len, images)) == 40 + 4 + 24


def test_the_second_turn_leaves_out_what_its_generator_learned(done):
    chosen = [json.loads((done[0] / f"turn-{turn}-rank" / "done.json").read_text())["found"]["chosen"] for turn in (1, 2)]
    learned = set(chosen[0]["most real"][0])
    assert learned and not any(learned & set(some) for arm in chosen[1].values() for some in arm)
    assert numbers(done[0])["turn 2"]["ranking"]["photographs"] == 8 - len(learned)
    made = json.loads((done[0] / "turn-2-rank" / "pairs" / "meta.json").read_text())
    assert len(made["names"]) == 8 - len(learned)


def test_a_second_start_does_nothing(done, folder):
    out, _ = done
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    told = subprocess.run(command(folder, out), capture_output=True, text=True, check=True).stdout
    assert "nothing to do" in told and "[" not in told
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before


def test_killed_in_each_stage_it_ends_with_the_same_numbers(done, folder, tmp_path):
    out = tmp_path / "killed"
    for i, name in enumerate(NAMES):
        process = subprocess.Popen(command(folder, out), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        while not (out / name).is_dir() and process.poll() is None:
            time.sleep(0.01)
        time.sleep(0.15 * (i % 3))  # at its very beginning, and some way into it
        process.send_signal(signal.SIGKILL)
        assert process.wait() in (-signal.SIGKILL, 0), process.stderr.read()
        process.stderr.close()
    subprocess.run(command(folder, out), capture_output=True, check=True)
    assert numbers(out) == numbers(done[0])


def test_the_page_holds_the_numbers(done):
    out, _ = done
    page, found = (out / "index.html").read_text(encoding="utf-8"), numbers(out)
    mean, low, high = found["comparison"]["rebalanced"]["plain AuC"]
    assert f"{mean:.1f} [{low:.1f}, {high:.1f}]" in page
    assert report.answer(found).split(":")[0] in page and "32.3 ± 2.2" in page
    for name in re.findall(r'<img src="([^"]+)"', page):
        assert (out / name).stat().st_size > 1000


@pytest.mark.parametrize("low, high, said", [(0.1, 0.3, "worse than on random"), (-0.3, -0.1, "beat fine-tuning on random"),
                                             (-0.1, 0.3, "undecided")])
def test_the_answer_follows_from_the_interval(low, high, said):
    contrast = {"most real - random": {"distance": [(low + high) / 2, low, high]}}
    assert said in report.answer({"turn 1": {"contrasts": {"random": contrast}}})


def test_what_it_left_behind_can_be_read(done, monkeypatch, tmp_path):
    out, _ = done
    monkeypatch.delenv("COLORLAB_STUDY", raising=False)
    assert studies.networks() == {}
    monkeypatch.setenv("COLORLAB_STUDY", str(out))
    found = studies.results()
    assert found == studies.results(out / "results.json")
    assert [net.bins is None for net in studies.networks().values()] == [True, False, False]
    lines = studies.table(found["comparison"], ("accuracy", "plain AuC")).splitlines()
    assert len(lines) == 1 + len(found["comparison"]) and len({len(line) for line in lines}) == 1
    mean, low, high = found["comparison"]["l2"]["accuracy"]
    assert f"{100 * mean:.1f} [{100 * low:.1f}, {100 * high:.1f}]" in lines[1] and lines[-1].split() == ["itself", "–", "–"]
    with pytest.raises(ValueError, match="no results at"):
        studies.results(tmp_path)


def test_the_order_of_losses_is_set_beside_theirs():
    """Zhang et al., Table 1: plain AuC 89.5, 91.6, 91.2; rebalanced 67.3, 65.1, 64.4; people 32.3, 25.2, 21.2."""
    above, below, unsure = [1, 0.5, 2], [-1, -2, -0.5], [0.1, -1, 1]
    names = ("rebalanced - classification", "rebalanced - l2", "classification - l2")
    rows = {"plain AuC": (below, below, below), "rebalanced AuC": (above, above, above), "fooling rate": (unsure, above, unsure)}
    plain, weighted, fooled = report.orders({"differences": {
        name: {key: values[i] for key, values in rows.items()} for i, name in enumerate(names)}})
    assert plain == "plain AuC: turned round: classification above l2."
    assert weighted == "rebalanced AuC: their order, each difference beyond its interval."
    assert fooled.endswith("undecided here: rebalanced above classification, classification above l2.")


def test_other_settings_or_other_files_are_refused(done, folder, tmp_path, capsys):
    argv = ["study", "--photos", str(folder), "--budget", "smoke", "--out"]
    assert main([*argv, str(done[0]), "--seed", "1"]) == 2
    assert "seed was 0, is now 1" in capsys.readouterr().err
    (tmp_path / "mine.txt").write_text("precious")
    assert main([*argv, str(tmp_path)]) == 2
    assert "something other than a study" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_too_few_photographs(tmp_path, capsys):
    for split in ("train", "val", "test"):
        (tmp_path / "few" / split).mkdir(parents=True)
        photos.save_photo(torch.rand(3, 32, 32), tmp_path / "few" / split / "one.png")
    assert main(["study", "--photos", str(tmp_path / "few"), "--out", str(tmp_path / "out"), "--budget", "smoke"]) == 2
    assert "too few" in capsys.readouterr().err


def test_a_stage_is_done_once_and_its_failure_is_not_kept(tmp_path):
    said, calls = [], []

    def work(folder):
        calls.append(folder)
        (folder / "checkpoint.pt").touch()
        if len(calls) == 1:
            raise RuntimeError("power cut")
        return {"n": 1}

    kept = stages.Stages(tmp_path / "run", {"seed": 0}, 1, said.append)
    with pytest.raises(RuntimeError):
        kept.once("a", "working", work)
    assert kept.once("a", "working", work) == {"n": 1} == kept.once("a", "working", work)
    assert len(calls) == 2 and said[0] == "[1/1] a: working" and not (tmp_path / "run" / "a" / "checkpoint.pt").exists()
    with pytest.raises(ValueError, match="seed was 0, is now 2; choose another folder"):
        stages.Stages(tmp_path / "run", {"seed": 2})


def test_numbers_that_cannot_be_said_are_null():
    assert stages.as_json({"ratio": (float("nan"), 0.0, 1.0)}) == {"ratio": [None, 0.0, 1.0]}


def test_what_was_judged_can_be_read(monkeypatch, tmp_path):
    monkeypatch.setattr(studies, "COMMITTED", tmp_path / "study.json")
    rows = {"plain AuC, generator": {"mean": 88.0, "low": 87.0, "high": 89.0}, "level": {"mean": 1.0, "low": None, "high": None},
            "fooling rate": {"rate": 0.1, "low": 0.0, "high": 0.2, "fooled": 1, "ties": 0, "pairs": 10}}
    (tmp_path / "pocket-test.json").write_text(json.dumps({"photographs": 10, "numbers": rows}))
    found = studies.judged("pocket")
    assert found["photographs"] == 10 and found["numbers"]["fooling rate"] == [0.1, 0.0, 0.2]
    assert studies.cell("plain AuC", found["numbers"]["plain AuC, generator"]) == "88.0 [87.0, 89.0]"
    assert studies.cell("plain AuC", found["numbers"]["level"]) == studies.cell("plain AuC", found["numbers"]["other"]) == "–"
    with pytest.raises(ValueError, match="no results at"):
        studies.judged("nothing")
