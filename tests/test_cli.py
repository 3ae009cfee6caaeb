"""One file in, one file out, or one line and status 2; the other verbs at toy size."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from PIL import Image

from colorlab import checkpoints, colorizing, comparing, estimate, generators, photos, rebalance, training
from colorlab.__main__ import main
from colorlab.bins import AbBins
from colorlab.color import in_gamut, rgb_to_lab
from colorlab.discriminators import Discriminator
from colorlab.discriminators import load as load_discriminator


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A tiny generator on disk; untrained: its colours mean nothing, its sizes do."""
    torch.manual_seed(0)
    return str(checkpoints.save(generators.ECCV16(1 / 32), tmp_path_factory.mktemp("w") / "tiny.safetensors"))


@pytest.fixture(scope="module")
def dull(tmp_path_factory):
    """A generator whose colour is the same everywhere and in gamut for middling L: ab = (6, 12)."""
    generator = generators.ECCV16(1 / 32, bins=None)
    last = generator.model8[-1]
    with torch.no_grad():
        last.weight.zero_()
        last.bias.copy_(torch.tensor([6.0, 12.0]) / 110)
    return str(checkpoints.save(generator, tmp_path_factory.mktemp("w") / "dull.safetensors"))


@pytest.fixture(scope="module")
def judge_weights(tmp_path_factory):
    torch.manual_seed(0)
    return str(checkpoints.save(Discriminator(), tmp_path_factory.mktemp("w") / "judge.safetensors"))


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def noise(path, size=(40, 30), seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    coarse = np.random.default_rng(seed).integers(40, 216, (4, 4, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize(size).save(path)
    return path


def fails(capsys, *argv):
    """Run, expect status 2 and one line on stderr, and return that line."""
    try:
        status = main([str(arg) for arg in argv])
    except SystemExit as stop:  # argparse's way
        status = stop.code
    out, err = capsys.readouterr()
    assert (status, out) == (2, "") and err.startswith("colorlab"), (status, out, err)
    assert err.count("\n") == 1, err
    assert "Traceback" not in err
    return err


# --- colorize ------------------------------------------------------------------------------------

@pytest.mark.parametrize("size", [(1, 1), (1, 9), (17, 400), (400, 17), (8, 8), (255, 257), (300, 700)])
def test_colorize_any_size(tmp_path, weights, size):
    path = noise(tmp_path / "in.png", size)
    assert main(["colorize", str(path), str(tmp_path / "out.png"), "--weights", weights]) == 0
    assert Image.open(tmp_path / "out.png").size == size
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.png", "out.png"]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", ".bmp"])
def test_colorize_keeps_the_luminance_and_adds_the_colour(tmp_path, dull, suffix):
    grey = np.tile(np.linspace(60, 200, 64).round().astype(np.uint8), (48, 1))
    Image.fromarray(grey).save(tmp_path / "in.png")
    out = str(tmp_path / f"out{suffix}")
    assert main(["colorize", str(tmp_path / "in.png"), out, "--weights", dull]) == 0
    lab, before = (rgb_to_lab(photos.open_photo(tmp_path / name)) for name in (f"out{suffix}", "in.png"))
    exact = suffix not in (".jpg", ".webp")
    assert (lab[0] - before[0]).abs().max() < (0.4 if exact else 2.5)  # what rounding to 8 bits leaves
    assert (lab[1:].mean((1, 2)) - torch.tensor([6.0, 12.0])).abs().max() < (0.3 if exact else 2)


def test_strips_make_no_difference(weights, monkeypatch):
    pixels = np.random.default_rng(0).integers(0, 256, (70, 50, 3), dtype=np.uint8)
    generator = generators.load(weights)
    whole = colorizing.colorize_pixels(generator, pixels)
    monkeypatch.setattr(colorizing, "STRIP", 400)
    assert torch.equal(colorizing.colorize_pixels(generator, pixels), whole) and whole.shape == (3, 70, 50)


def test_colorize_is_upright_and_understands_every_mode(tmp_path, weights):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (60, 20), "grey").save(tmp_path / "phone.jpg", exif=exif)
    for name, mode in (("cmyk.tif", "CMYK"), ("palette.gif", "P"), ("alpha.png", "RGBA"), ("grey.jpg", "L"),
                       ("deep.png", "I;16"), ("fax.png", "1")):
        Image.new(mode, (20, 60)).save(tmp_path / name)
    for path in sorted(tmp_path.iterdir()):
        out = tmp_path / f"{path.stem}-out.png"
        assert main(["colorize", str(path), str(out), "--weights", weights]) == 0, path
        assert Image.open(out).size == (20, 60) and Image.open(out).mode == "RGB"


def test_temperature_is_used(tmp_path, weights):
    path = noise(tmp_path / "in.png")
    for t in ("0.01", "1"):
        main(["colorize", str(path), str(tmp_path / f"{t}.png"), "--weights", weights, "--temperature", t])
    assert (tmp_path / "0.01.png").read_bytes() != (tmp_path / "1.png").read_bytes()


def test_an_old_output_is_replaced(tmp_path, weights):
    (tmp_path / "out.png").write_text("old")
    path = noise(tmp_path / "in.png")
    assert main(["colorize", str(path), str(tmp_path / "out.png"), "--weights", weights]) == 0
    assert Image.open(tmp_path / "out.png").size == (40, 30)


def test_colorize_refuses_in_one_line(tmp_path, weights, capsys):
    good, out = noise(tmp_path / "in.png"), tmp_path / "out.png"
    (tmp_path / "text.jpg").write_text("hello")
    (tmp_path / "cut.png").write_bytes(noise(tmp_path / "x.png", (300, 300)).read_bytes()[:3000])
    (tmp_path / "empty.png").touch()
    (tmp_path / "link.png").symlink_to(good)
    (tmp_path / "weights.bin").write_bytes(b"nothing")
    before = sorted(tmp_path.iterdir())
    use = ("--weights", weights)
    for argv, reason in (
            ((tmp_path / "none.png", out, *use), "no file"), ((tmp_path, out, *use), "folder"),
            ((tmp_path / "text.jpg", out, *use), "not an image"),
            ((tmp_path / "cut.png", out, *use), "cut off"),
            ((tmp_path / "empty.png", out, *use), "empty"), ((good, tmp_path, *use), "folder"),
            ((good, tmp_path / "no" / "a.png", *use), "no folder"),
            ((good, tmp_path / "a.xcf", *use), "suffix"),
            ((good, good, *use), "IN and OUT"), ((good, tmp_path / "link.png", *use), "IN and OUT"),
            ((good, out, "--weights", tmp_path / "weights.bin"), "weights.bin"),
            ((good, out, "--weights", tmp_path / "none.safetensors"), "none.safetensors"),
            ((good, out, *use, "--temperature", "0"), "outside"),
            ((good, out, *use, "--temperature", "x"), "temperature"),
            ((good,), "OUT"), ((good, out, out), "unrecognized")):
        assert reason in fails(capsys, "colorize", *argv), argv
        assert sorted(tmp_path.iterdir()) == before
    assert "VERB" in fails(capsys) and "invalid choice" in fails(capsys, "colourise", good, out)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), MemoryError(), RuntimeError("two\nlines"),
                                   OSError("disk")], ids=repr)
def test_whatever_happens_is_one_line_and_leaves_nothing(tmp_path, weights, capsys, monkeypatch, error):
    good = noise(tmp_path / "in.png")

    def broken(*args, **more):
        raise error
    monkeypatch.setattr(Image.Image, "save", broken)
    fails(capsys, "colorize", good, tmp_path / "out.png", "--weights", weights)
    assert list(tmp_path.iterdir()) == [good]


def test_a_broken_profile_is_a_note(tmp_path, weights, capsys):
    noise(tmp_path / "x.png")
    Image.open(tmp_path / "x.png").save(tmp_path / "in.png", icc_profile=b"broken")
    assert main(["colorize", str(tmp_path / "in.png"), str(tmp_path / "out.png"), "--weights", weights]) == 0
    assert capsys.readouterr().err.startswith("colorlab: note: 'in.png': its colour profile")


def run(*argv, code=None):
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    start = ["-c", code] if code else ["-m", "colorlab"]
    return subprocess.Popen([sys.executable, *start, *map(str, argv)], env=env, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


SLOW = """
import runpy, time
from colorlab import decoding
save = decoding.Image.Image.save
def slow(self, file, **options):
    save(self, file, **options)  # the temporary file is there, and not yet renamed
    print("ready", flush=True)
    time.sleep(60)
decoding.Image.Image.save = slow
runpy.run_module("colorlab", run_name="__main__", alter_sys=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_real_process_is_interrupted_cleanly(tmp_path, weights, name):
    argv = ("colorize", noise(tmp_path / "in.png"), tmp_path / "out.png", "--weights", weights)
    process = run(*argv, code=SLOW)
    assert process.stdout.readline() == "ready\n" and len(list(tmp_path.iterdir())) == 2
    process.send_signal(getattr(signal, name))
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (2, "", "colorlab colorize: interrupted\n")
    assert [p.name for p in tmp_path.iterdir()] == ["in.png"]


def test_a_real_process_answers(tmp_path):
    process = run("colorize", tmp_path / "none.png", tmp_path / "out.png")
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (2, "") and err.count("\n") == 1 and "no file" in err
    out, err = run("--help").communicate(timeout=60)
    assert "colorize" in out and err == ""


MEMORY = """
import sys
from colorlab import colorizing, generators
def peak():
    return 1024 * int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
colorizing.colorize_file(sys.argv[1], sys.argv[3], sys.argv[4])  # warm: what is loaded stays loaded
before = peak()
colorizing.colorize_file(sys.argv[2], sys.argv[3], sys.argv[4])
print(peak() - before)
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="reads the peak from Linux's /proc")
def test_twelve_million_pixels_need_half_a_gigabyte(tmp_path, weights):
    small, large = noise(tmp_path / "small.png"), noise(tmp_path / "large.jpg", (4000, 3000))
    ran = subprocess.run([sys.executable, "-c", MEMORY, small, large, tmp_path / "out.jpg", weights],
                         capture_output=True, text=True, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    assert Image.open(tmp_path / "out.jpg").size == (4000, 3000)
    assert 36e6 < int(ran.stdout) < 550e6  # the pixels alone are 36 MB, Lab of them all at once 144 MB a copy


# --- train, finetune, judge ----------------------------------------------------------------------

@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    where = tmp_path_factory.mktemp("photographs")
    for split, count in (("train", 6), ("val", 1), ("test", 5)):
        for i in range(count):
            noise(where / split / f"{i}.png", (64 + i, 60), seed=i)
    (where / "train" / "broken.png").write_text("x")
    return where


def test_train_resume_and_use(tmp_path, folder, capsys):
    argv = ["train", "--photos", str(folder), "--out", str(tmp_path / "run"), "--width", "0.04",
            "--steps", "2", "--batch", "2", "--crop", "16", "--seed", "3"]
    assert main(argv) == 0
    out, err = capsys.readouterr()
    assert "2 steps on 6 photographs" in out and "broken.png" in err and "Traceback" not in err
    saved = tmp_path / "run" / "generator.safetensors"
    assert checkpoints.notes(saved)["seed"] == 3 and generators.load(saved).width == 0.04
    first = saved.read_bytes()
    assert main(argv) == 0 and saved.read_bytes() == first  # done already: loaded, not trained again
    argv = ["colorize", str(folder / "test" / "0.png"), str(tmp_path / "o.png"), "--weights", str(saved)]
    assert main(argv) == 0


@pytest.mark.parametrize("loss", ["l2", "classification"])
def test_train_other_losses(tmp_path, folder, loss):
    argv = ["train", "--photos", str(folder), "--out", str(tmp_path), "--width", "0.04", "--steps", "1",
            "--batch", "2", "--crop", "16", "--loss", loss]
    assert main(argv) == 0
    assert (generators.load(tmp_path / "generator.safetensors").bins is None) == (loss == "l2")


def test_train_a_pretrained_generator_on_the_whole_folder(tmp_path, folder, capsys):
    argv = ["train", "--photos", str(folder), "--out", str(tmp_path), "--generator", "pretrained", "--split", "all",
            "--size", "64", "--steps", "1", "--batch", "2", "--crop", "64", "--half"]
    assert main(argv) == 0
    assert "1 steps on 12 photographs" in capsys.readouterr().out
    saved = tmp_path / "generator.safetensors"
    assert isinstance(generators.load(saved), generators.Pretrained)
    assert {"split": "all", "size": 64, "encoder": "tf_efficientnet_lite0"}.items() <= checkpoints.notes(saved).items()


def test_a_training_that_diverges_ends_in_one_line(tmp_path, folder, capsys):
    argv = ["train", "--photos", str(folder), "--out", str(tmp_path / "out"), "--width", "0.04", "--steps", "9",
            "--batch", "2", "--crop", "16"]
    assert main([*argv, "--lr", "1e38"]) == 2
    broken, diverged = capsys.readouterr().err.splitlines()
    assert "broken.png" in broken
    assert "the loss is nan at step 2 of 9, the training diverged: try a learning rate of 3e+37" in diverged
    assert not (tmp_path / "out" / "generator.safetensors").exists()


def test_nothing_to_take_back_without_class_weights(tmp_path, folder, capsys):
    argv = ["train", "--photos", str(folder), "--out", str(tmp_path / "out"), "--loss", "classification"]
    assert "--take-back" in fails(capsys, *argv, "--take-back", "0.5")
    assert not (tmp_path / "out").exists()


def test_train_goes_on_from_a_start(tmp_path, folder, weights, dull, capsys):
    argv = ["train", "--photos", str(folder), "--out", str(tmp_path), "--start", weights, "--steps", "1", "--batch", "2",
            "--crop", "16", "--lr", "1e-6", "--weight-decay", "0"]
    assert main(argv) == 0
    capsys.readouterr()
    saved = tmp_path / "generator.safetensors"
    before, after = generators.load(weights), generators.load(saved)
    moved = (before.model5[0].weight - after.model5[0].weight).abs().max()
    assert after.width == before.width and 0 < moved < 1e-5
    assert checkpoints.notes(saved)["start"] == "tiny.safetensors"
    assert "made for l2" in fails(capsys, *argv[:5], "--start", dull)


@pytest.mark.parametrize("how", ["all", "random", "most-real", "largest-loss"])
def test_finetune(tmp_path, folder, weights, how, capsys):
    argv = ["finetune", "--photos", str(folder), "--out", str(tmp_path), "--weights", weights, "--steps", "1",
            "--batch", "2", "--crop", "16", "--lr", "1e-3", "--choose", how, "--share", "0.4", "--epochs", "1"]
    assert main(argv) == 0
    assert f"on {6 if how == 'all' else 2} photographs" in capsys.readouterr().out
    before, after = generators.load(weights), generators.load(tmp_path / "generator.safetensors")
    assert not torch.equal(before.model1[0].weight, after.model1[0].weight)
    assert torch.equal(before.model1[4].running_mean, after.model1[4].running_mean)  # BatchNorm frozen


def test_train_estimates(capsys, tmp_path):
    """A rate, and what follows from it; no photographs are needed, and it is written where one asks."""
    argv = ["train", "--estimate", "--width", "0.04", "--batch", "4", "--crop", "32", "--steps"]
    assert main([*argv, "1000000"]) == 0
    told = capsys.readouterr().out
    rate, days = re.match(r"([\d,.]+) images/s \(crops of 32, 4 a step; .*\): 1,000,000 steps take ([\d.]+) (?:days|hours|minutes)", told).groups()
    assert float(rate.replace(",", "")) > 0 and float(days) > 0
    images, began = torch.randint(0, 256, (64, 3, 64, 64), dtype=torch.uint8), time.perf_counter()
    training.train_generator(generators.ECCV16(0.25), images, loss="classification", steps=20, batch=8, crop=64, progress=False)
    timed = 160 / (time.perf_counter() - began)  # with what happens once
    assert timed / 3 < estimate.images_a_second("eccv16", 0.25, "classification", 8, 64, timed=20) < 6 * timed
    assert estimate.report(10, 40, 176, 450_000).endswith("450,000 steps take 20.8 days")
    assert estimate.report(1000, 40, 176, 450_000).endswith("450,000 steps take 5.0 hours")
    assert "or --estimate" in fails(capsys, "train", "--photos", tmp_path)
    assert main([*argv, "100", "--json", str(tmp_path / "rate.json")]) == 0
    kept, _ = json.loads((tmp_path / "rate.json").read_text()), capsys.readouterr()
    assert kept["command"].startswith("python -m colorlab train --estimate") and kept["numbers"]["images a second"] > 0
    assert "--json keeps what" in fails(capsys, "train", "--photos", tmp_path, "--out", tmp_path, "--json", tmp_path / "x.json")


def test_finetune_on_too_few_to_choose_from(tmp_path, folder, weights, capsys):
    few = tmp_path / "few" / "train"
    few.mkdir(parents=True)
    for source in sorted((folder / "train").iterdir())[:3]:
        (few / source.name).write_bytes(source.read_bytes())
    argv = ("finetune", "--photos", few.parent, "--out", tmp_path / "o", "--weights", weights, "--steps", "1")
    assert "too few to choose from" in fails(capsys, *argv, "--choose", "most-real")


def test_finetune_with_the_wrong_loss(tmp_path, folder, weights, dull, capsys):
    argv = ("finetune", "--photos", folder, "--out", tmp_path / "o", "--steps", "1")
    assert "classification or rebalanced" in fails(capsys, *argv, "--weights", weights, "--loss", "l2")
    assert "made for l2" in fails(capsys, *argv, "--weights", dull)


def test_prior_is_what_the_library_counts(tmp_path, folder, capsys):
    argv = ["prior", str(tmp_path / "prior.json"), "--photos", str(folder), "--split", "test", "--size", "32"]
    assert main(argv) == 0
    assert "313 bins, counted over 5 photographs" in capsys.readouterr().out
    images, bins = photos.load(str(folder), "test").square(32), AbBins()
    wanted = rebalance.smooth_prior(rebalance.empirical_prior([images], bins), bins)
    assert torch.equal(rebalance.stored_prior(tmp_path / "prior.json"), wanted)
    record = json.loads((tmp_path / "prior.json").read_text())
    assert record["command"] == shlex.join(["python", "-m", "colorlab", *argv]) and record["machine"]
    assert record["photographs"] == 5
    assert main([*argv, "--cache", str(tmp_path / "cache")]) == 0
    assert torch.equal(rebalance.stored_prior(tmp_path / "prior.json"), wanted)


@pytest.mark.parametrize("judge", ["file", "fresh"])
def test_judge_photos(tmp_path, folder, dull, judge_weights, judge, capsys):
    argv = ["judge", "--photos", str(folder), "--weights", dull, "--json", str(tmp_path / "n.json"),
            "--limit", "4", "--epochs", "1", "--discriminator", judge_weights if judge == "file" else "fresh"]
    assert main(argv) == 0
    out = capsys.readouterr().out
    assert "4 photographs" in out and "fooling rate" in out
    record = json.loads((tmp_path / "n.json").read_text())
    assert record["command"] == shlex.join(["python", "-m", "colorlab", *argv]) and record["machine"] and record["photographs"] == 4
    numbers = record["numbers"]
    assert numbers["fooling rate"]["pairs"] == 4 and 0 <= numbers["accuracy"]["rate"] <= 1
    for kind in ("plain AuC", "rebalanced AuC", "rebalanced AuC by Zhang et al.'s definition"):
        rows = {name: numbers[f"{kind}, {name}"] for name in ("generator", "all gray", "best constant")}
        for row in rows.values():
            assert 0 <= row["mean"] <= 100
            if "Zhang" in kind:  # no interval would cover
                assert row["low"] is None and row["high"] is None
            else:
                assert row["low"] <= row["mean"] <= row["high"]
        for name in ("all gray", "best constant"):
            less = numbers[f"{kind}, generator less {name}"]
            assert less["mean"] == pytest.approx(rows["generator"]["mean"] - rows[name]["mean"])
            assert less["low"] <= less["mean"] <= less["high"]
        if kind != "plain AuC":
            assert rows["best constant"]["mean"] >= rows["all gray"]["mean"] - 0.1
            assert 1 <= numbers[f"{kind}, effective number of photographs"]["mean"] <= 4
    assert numbers["plain AuC, best constant"]["mean"] >= min(
        numbers[f"plain AuC, {row}"]["mean"] for row in ("generator", "all gray")) - 0.1
    ours, gray = (numbers[f"mean ab distance, {name}"]["mean"] for name in ("generator", "all gray"))
    less = numbers["mean ab distance, all gray less generator"]
    assert less["mean"] == pytest.approx(gray - ours) and less["low"] <= less["mean"] <= less["high"]
    assert numbers["chroma ratio"]["mean"] > 0
    assert 0 <= numbers["ROC area"]["mean"] <= 1
    assert {"single-image d'", "paired d'"} <= set(numbers)


def test_judge_by_source(tmp_path, dull, judge_weights, capsys):
    lines = ["file,source"]
    for i in range(9):
        noise(tmp_path / "photographs" / "test" / f"{i}.png", (40, 40), seed=i)
        lines.append(f"test/{i}.png,{'houses' if i < 6 else 'birds' if i < 8 else 'pets'}")
    manifest = tmp_path / "sources.csv"
    manifest.write_text("\n".join(lines))
    argv = ["judge", "--photos", str(tmp_path / "photographs"), "--weights", dull, "--discriminator", judge_weights,
            "--by-source", str(manifest), "--json", str(tmp_path / "n.json")]
    assert main(argv) == 0
    out = capsys.readouterr().out
    assert "houses: 6 photographs" in out and "fewer than 5 each: birds, pets: 3 photographs" in out
    record = json.loads((tmp_path / "n.json").read_text(), parse_constant=pytest.fail)
    assert list(record["sources"]) == ["houses", "fewer than 5 each: birds, pets"]
    for rows in record["sources"].values():
        assert set(rows) == {"photographs", "plain AuC, generator less all gray",
                             "rebalanced AuC, generator less best constant",
                             "rebalanced AuC by Zhang et al.'s definition, generator less best constant",
                             "mean ab distance, all gray less generator", "chroma ratio"}
    mean = sum(rows["photographs"] * rows["mean ab distance, all gray less generator"]["mean"]
               for rows in record["sources"].values()) / 9
    assert mean == pytest.approx(record["numbers"]["mean ab distance, all gray less generator"]["mean"])
    manifest.write_text("\n".join(lines[:-1]))
    assert "lacks 1 of 9 photographs (the first: 8.png)" in refuses(capsys, *argv)
    manifest.write_text("name,source\n")
    assert "expected file and source" in refuses(capsys, *argv)


def refuses(capsys, *argv):
    """The line on stderr of a command that had already begun to print."""
    assert main(list(argv)) == 2
    return capsys.readouterr().err


def test_two_generators_side_by_side_without_a_judge(tmp_path, folder, dull, weights, capsys):
    record = tmp_path / "n.json"
    argv = ["judge", "--photos", str(folder), "--weights", dull, "--discriminator", "none", "--json", str(record)]
    assert main([*argv, "--beside", dull, weights]) == 0
    capsys.readouterr()
    kept = json.loads(record.read_text())
    assert kept["photographs"] == 5 and "fooling rate" not in kept["numbers"]
    for kind in ("plain AuC", "rebalanced AuC", "rebalanced AuC by Zhang et al.'s definition"):
        assert kept["numbers"][f"{kind}, generator less {dull}"] == {"mean": 0, "low": 0, "high": 0}
        own, other = (kept["numbers"][f"{kind}, {name}"]["mean"] for name in ("generator", weights))
        assert kept["numbers"][f"{kind}, generator less {weights}"]["mean"] == pytest.approx(own - other)
    assert kept["numbers"][f"mean ab distance, {dull} less generator"]["mean"] == 0
    assert kept["numbers"][f"chroma ratio, {dull}"] == kept["numbers"]["chroma ratio"]
    assert "--beside needs --photos" in fails(capsys, "judge", folder, folder, "--beside", weights)
    assert "needs --photos" in fails(capsys, "judge", folder, folder, "--discriminator", "none")


def test_judges_of_other_splits(tmp_path, folder, dull, monkeypatch, capsys):
    seen = []

    def watch(made, k, *rest, **options):
        seen.append((made, k, options))
        return cross_fit(made, k, *rest, **options)

    cross_fit = comparing.galleries.cross_fit
    monkeypatch.setattr(comparing.galleries, "cross_fit", watch)
    argv = ["judge", "--photos", str(folder), "--weights", dull, "--epochs", "1", "--judge-splits", "train,val",
            "--json", str(tmp_path / "n.json"), "--save-judge", str(tmp_path / "judge.safetensors")]
    assert main(argv) == 0
    assert checkpoints.notes(tmp_path / "judge.safetensors")["pairs"] == 7
    assert isinstance(load_discriminator(tmp_path / "judge.safetensors"), Discriminator)
    assert "3 judges, each trained on two thirds of 7 other photographs (train, val)" in capsys.readouterr().out
    (learned, k, options), = seen
    assert k == 3 and len(learned) == 7
    assert set(learned.groups) == {f"train/{i}.png" for i in range(6)} | {"val/0.png"}
    assert options["schedule"] is training.falling_rate and options["average"] == 0.99
    numbers = json.loads((tmp_path / "n.json").read_text())["numbers"]
    assert numbers["fooling rate"]["pairs"] == 5
    assert "has test, which is judged" in fails(capsys, *argv[:5], "--judge-splits", "train,test")
    assert "'pool' is none of" in fails(capsys, *argv[:5], "--judge-splits", "pool")
    assert "--save-judge keeps a judge" in fails(capsys, *argv[:5], "--save-judge", tmp_path / "j")
    assert "leave one out" in fails(capsys, *argv[:5], "--judge-splits", "train", "--discriminator", "pocket")
    assert "--by-source needs --photos" in fails(capsys, "judge", folder, folder, "--by-source", folder)


def test_judge_two_folders(tmp_path, folder, judge_weights, capsys):
    for i in range(5):
        grey = Image.open(folder / "test" / f"{i}.png").convert("L")
        grey.save(tmp_path / f"{i}.jpg")  # another suffix: the same name
    argv = ["judge", str(folder / "test"), str(tmp_path), "--discriminator", judge_weights]
    assert main(argv) == 0
    out, err = capsys.readouterr()
    assert "5 pairs" in out and "0% of the photographs are JPEG files, and 100% of the fakes" in err
    (tmp_path / "3.jpg").write_text("broken")
    assert main(argv) == 0
    out, err = capsys.readouterr()
    assert "4 pairs" in out and "3.png" in err
    with pytest.warns(UserWarning, match="JPEG"), pytest.warns(UserWarning, match="3.png"):
        made = comparing.read_pairs(folder / "test", tmp_path)
    assert made.names == ["0.png", "1.png", "2.png", "4.png"]
    for real, fake in zip(made.real, made.fake):  # each with its own: the fake is the original's grey
        grey = torch.tensor([0.299, 0.587, 0.114]) @ real.float().flatten(1)
        assert (fake.float().mean(0).flatten() - grey).abs().mean() < 3
    (tmp_path / "0.png").write_bytes((folder / "test" / "0.png").read_bytes())
    assert "several files called '0'" in fails(capsys, *argv)


def test_judge_grey_photographs(tmp_path, dull, judge_weights):
    for i in range(4):
        noise(tmp_path / "test" / f"{i}.png", (40, 40), seed=i)
        Image.open(tmp_path / "test" / f"{i}.png").convert("L").save(tmp_path / "test" / f"{i}.png")
    argv = ["judge", "--photos", str(tmp_path), "--weights", dull, "--discriminator", judge_weights, "--json",
            str(tmp_path / "n.json")]
    assert main(argv) == 0
    numbers = json.loads((tmp_path / "n.json").read_text(), parse_constant=pytest.fail)["numbers"]  # no NaN in JSON
    assert numbers["plain AuC, all gray"]["low"] > 99


def test_judge_refuses(tmp_path, folder, judge_weights, capsys):
    assert "either" in fails(capsys, "judge") and "either" in fails(capsys, "judge", folder)
    assert "either" in fails(capsys, "judge", folder, folder, "--photos", folder)
    assert "no photograph" in fails(capsys, "judge", folder / "test", tmp_path)
    noise(tmp_path / "7.png")
    assert "have no fake" in fails(capsys, "judge", folder / "test", tmp_path)
    assert "does not exist" in fails(capsys, "judge", "--photos", tmp_path / "nowhere")


def test_the_dull_colour_is_in_gamut():  # what the luminance test above relies on
    L = torch.linspace(25, 80, 50)[None, :, None]
    assert in_gamut(torch.cat([L, torch.full_like(L, 6), torch.full_like(L, 12)])).all()
