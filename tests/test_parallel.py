"""Two processes, or two parts, of a batch learn what one does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from colorlab import generators, parallel, training
from colorlab.__main__ import main
from colorlab.batches import batch_at

SCRIPT = """
import sys, torch
from colorlab import parallel
from test_parallel import trained
torch.set_num_threads(1)
parallel.start()
found = trained(sys.argv[2], steps=int(sys.argv[3]))
if parallel.rank() == 0:
    torch.save(found, sys.argv[1])
parallel.stop()
"""


def trained(loss, steps=1, **options):
    """Weights, gradients and log of a generator in float64 with BatchNorm frozen; it has no dropout."""
    torch.manual_seed(0)
    network = generators.ECCV16(0.0625, **({"bins": None} if loss == "l2" else {})).double()
    images = torch.randint(0, 256, (10, 3, 32, 32), generator=torch.Generator().manual_seed(1)).byte()
    log = training.train_generator(network, images, loss=loss, steps=steps, batch=4, crop=16, freeze_bn=True, gamma=0.3,
                                   device="cpu", progress=False, **options)
    grads = {name: p.grad for name, p in network.named_parameters() if p.grad is not None}
    return {"grads": grads, "weights": network.state_dict(), "loss": log.series("loss")[1]}


def torchrun(*args, processes=2, **options):
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parent), "OMP_NUM_THREADS": "1"}
    return subprocess.run([sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes),
                           *args], capture_output=True, text=True, env=env, timeout=300, **options)


def near(a, b, tolerance=1e-6):
    scale = max(float(x.double().abs().max()) for x in b.values())
    assert a.keys() == b.keys()
    return max(float((a[name].double() - b[name].double()).abs().max()) for name in b) <= tolerance * scale


@pytest.mark.parametrize("loss", ["rebalanced", "l2"])
def test_two_processes_give_the_gradients_of_one(loss, tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    done = torchrun(str(tmp_path / "script.py"), str(tmp_path / "found.pt"), loss, "3")
    assert done.returncode == 0, done.stderr[-2000:]
    two, one = torch.load(tmp_path / "found.pt"), trained(loss, steps=3)
    assert near(two["grads"], one["grads"]) and near(two["weights"], one["weights"])
    assert two["loss"] == pytest.approx(one["loss"], rel=1e-9)


@pytest.mark.parametrize("loss", ["rebalanced", "classification", "l2"])
def test_two_parts_give_the_gradients_of_the_whole(loss):
    parts, whole = trained(loss, steps=2, accumulate=2), trained(loss, steps=2)
    assert near(parts["grads"], whole["grads"], 1e-12) and near(parts["weights"], whole["weights"], 1e-9)
    assert parts["loss"] == pytest.approx(whole["loss"], rel=1e-12)


def test_a_batch_that_cannot_be_shared_is_refused(monkeypatch):
    with pytest.raises(ValueError, match="batch is 4; expected a multiple of 3"):
        trained("l2", accumulate=3)
    monkeypatch.setattr(parallel, "size", lambda: 2)
    monkeypatch.setattr(parallel, "rank", lambda: 1)
    assert parallel.share(8, 1, 2) == slice(6, 8)
    with pytest.raises(ValueError, match="batch is 5; expected a multiple of 2: 2 processes"):
        parallel.share(5, 0, 1)


def test_each_photograph_once_an_epoch_wherever_it_was_stopped(monkeypatch):
    monkeypatch.setattr(parallel, "size", lambda: 2)
    n, batch, seen = 10, 4, []  # 2 1/2 batches an epoch: the third one spans two
    for step in range(5):  # each step needs nothing of the one before
        for rank in (0, 1):
            monkeypatch.setattr(parallel, "rank", lambda rank=rank: rank)
            for part in (0, 1):
                seen += batch_at(step, n, batch, seed=3)[parallel.share(batch, part, 2)].tolist()
    assert sorted(seen[:n]) == sorted(seen[n:]) == list(range(n)) and seen[:n] != seen[n:]


def test_train_under_torchrun(tmp_path):
    from colorlab import photos, scenes

    some = scenes.make(6, size=64, seed=0)
    (tmp_path / "photos" / "train").mkdir(parents=True)
    for i in range(6):
        photos.save_photo(some[i], tmp_path / "photos" / "train" / f"{i}.png")
    argv = ["train", "--photos", str(tmp_path / "photos"), "--width", "0.04", "--steps", "2", "--batch", "4", "--crop", "16"]
    done = torchrun("-m", "colorlab", *argv, "--out", str(tmp_path / "two"))
    assert done.returncode == 0 and done.stdout.count("trained for 2 steps") == 1, done.stderr[-2000:]
    assert main([*argv, "--out", str(tmp_path / "one"), "--accumulate", "2"]) == 0
    two, one = (torch.load(tmp_path / name / "checkpoint.pt")["network"] for name in ("two", "one"))
    assert near({"w": two["model1.0.weight"]}, {"w": one["model1.0.weight"]}, 1e-2)  # BatchNorm sees parts of two
    again = torchrun("-m", "colorlab", *argv, "--out", str(tmp_path / "two"), "--batch", "3")
    assert again.returncode != 0 and "batch" in again.stderr
