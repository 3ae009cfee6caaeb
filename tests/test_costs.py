"""Costs: what is counted is what was moved and kept, and variants take turns."""

import ast
import json
import mmap
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from colorlab import costs, losses
from colorlab.bins import AbBins
from colorlab.costs import MovedBytes

BENCHMARKS = Path(__file__).parent / "benchmarks"


def test_variants_take_turns():
    calls, clock = [], {"slow": 6.0, "fast": 2.0}
    variants = {name: lambda name=name: calls.append(name) or name for name in clock}
    times = costs.interleaved(variants, rounds=5, warmups=2, clock=lambda work: clock[work()])
    assert calls[:4] == ["slow", "slow", "fast", "fast"]
    assert all(set(calls[i:i + 2]) == {"slow", "fast"} for i in range(4, 14, 2)) and len(calls) == 14
    assert times.ratio("slow", "fast") == (3.0, 3.0, 3.0) and times.median("fast") == 2.0


def test_nothing_to_time_is_refused():
    with pytest.raises(ValueError, match="variants has 0 functions"):
        costs.interleaved({})
    with pytest.raises(ValueError, match="rounds is 0"):
        costs.interleaved({"a": lambda: None}, rounds=0)


def moved(work):
    with MovedBytes() as counted:
        work()
    return counted.total


def test_operations_count_what_they_read_and_write():
    x, y = torch.rand(10, 30), torch.rand(10, 30)
    assert moved(lambda: x + y) == 3 * x.nbytes
    assert moved(lambda: x.T[:5]) == 0  # a view
    assert moved(lambda: x.exp_()) == 2 * x.nbytes
    assert moved(lambda: torch.sub(x, y, out=torch.empty_like(x))) == 3 * x.nbytes
    assert moved(lambda: x[:, :1].expand(10, 30) + y) == 2 * y.nbytes + x.nbytes  # the storage of what is expanded, once
    index = torch.zeros(2, 30, dtype=torch.int64)
    assert moved(lambda: x.gather(0, index)) == index.nbytes + 2 * 60 * 4  # not all of x
    assert moved(lambda: x.scatter_add_(0, index, y[:2])) == index.nbytes + 3 * 60 * 4


def test_the_backward_pass_is_counted_too():
    x = torch.rand(100, requires_grad=True)
    forward = moved(lambda: x.exp().sum())
    assert moved(lambda: x.exp().sum().backward()) >= forward + 2 * x.nbytes  # the gradient is read and written


def test_kept_is_each_piece_of_memory_once():
    x = torch.rand(1000, requires_grad=True)
    assert costs.kept_bytes(lambda: (x * x).sum()) == x.nbytes
    assert costs.kept_bytes(lambda: (x.exp() * x).sum()) == 2 * x.nbytes


def test_what_a_function_keeps_for_itself_counts():
    """Our loss keeps the logits, which are there anyhow, its derivative, and codes of ten bins in 313."""
    bins, logits = AbBins(), torch.rand(2, 313, 8, 8, requires_grad=True)
    ab = 50 * torch.rand(2, 2, 8, 8)
    ours = costs.kept_bytes(lambda: losses.rebalanced_cross_entropy(logits, ab, bins))
    assert 2 * logits.nbytes < ours < 2.15 * logits.nbytes


def test_copying_reads_one_and_writes_one():
    x, y = torch.rand(10, 30), torch.rand(10, 30)
    assert moved(lambda: x.copy_(y)) == 2 * x.nbytes and moved(lambda: x.zero_()) == x.nbytes
    assert moved(lambda: x.new_empty(5)) == 0
    rows = torch.tensor([3, 3])
    assert moved(lambda: x[rows]) == rows.nbytes + 2 * 2 * 30 * 4 == moved(lambda: x.index_select(0, rows))


def test_a_copy_has_a_speed():
    assert 1e8 < costs.bandwidth(megabytes=8) < 1e13


def test_new_memory_costs_page_faults():
    def touch():
        with mmap.mmap(-1, 64 << 20) as memory:
            memory.write(bytes(64 << 20))

    faults = costs.page_faults(touch)
    assert faults is None or faults >= 32  # of 4 kB, or of 2 MB where the system gives huge ones


def faults_of_a_large_tensor(keep: bool) -> tuple[bool, int | None]:
    """Whether the C library took the setting, and the least page faults of some calls, in a process of its own."""
    script = (f"import torch; from colorlab import allocator, costs; took = allocator.keep_freed_memory({keep})\n"
              "work = lambda: torch.zeros(20_000_000) + 1\n"
              "print([took, min(costs.page_faults(work) for _ in range(12))])")
    usual = {key: value for key, value in os.environ.items() if not key.startswith("MALLOC_")}  # which make sets
    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=usual).stdout
    return ast.literal_eval(printed)


def test_kept_memory_is_not_asked_for_again():
    took, kept = faults_of_a_large_tensor(True)
    if not took:
        pytest.skip("the C library is not glibc")
    usual = faults_of_a_large_tensor(False)[1]
    assert kept < 10 and usual >= 64  # 39,000 pages of 4 kB, or 76 of 2 MB where the system gives huge ones


def test_the_benchmark_says_what_it_measured(tmp_path):
    told = subprocess.run([sys.executable, BENCHMARKS, "--only", "encoding", "notebooks", "--rounds", "1", "--json", tmp_path / "bench.json"],
                          capture_output=True, text=True, check=True).stdout
    record = json.loads((tmp_path / "bench.json").read_text())
    row = next(value for name, value in record["numbers"].items() if "10 neighbours: scikit-learn" in name)
    assert row["goal"] == ">= 12" and row["value"] > 0 and row["least"] <= row["value"] <= row["greatest"]
    assert record["versions"]["torch"] == torch.__version__.split("+")[0] and record["threads"] >= 1
    assert "2 goals, " in told or "4 goals, " in told  # with those of notebooks, if `make run` was called here


def test_goals_tell_reached_from_missed(capsys, monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from goals import Goals

    goals = Goals()
    goals.at_least("faster", 2, (3.0, 2.5, 4.0))
    goals.at_most("smaller", 1.5, 1.6)
    goals.known("beside", 7)
    assert [row.get("reached") for row in goals.found.values()] == [True, False, None]
    assert capsys.readouterr().out.count("MISSED") == 1
