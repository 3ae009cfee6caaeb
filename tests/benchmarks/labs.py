"""Seconds and memory of the course labs, from the command's start to its end: alone, with one thread, and four at the same time."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LABS = sorted((ROOT / "notebooks" / "labs" / "source").glob("*/*.ipynb"))
AT_ONCE = 4
CALLED = """import json, resource, subprocess, sys, time
began = time.perf_counter()
subprocess.run(sys.argv[1:], check=True, stderr=subprocess.DEVNULL)
unit = 1 if sys.platform == "darwin" else 1024
print(json.dumps([time.perf_counter() - began, unit * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6]))"""
KEPT = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "2147483647"}  # as the Makefile has it


def run(lab: Path, **settings: str) -> tuple[float, float]:
    """Seconds of a lab's solution, and MB of the largest process among those that it started."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(lab, folder)
        command = [sys.executable, "-m", "nbconvert", "--to", "notebook", "--execute", "--inplace", lab.name]
        environment = {**os.environ, **KEPT, "PYTHONPATH": str(ROOT), **settings}
        done = subprocess.run([sys.executable, "-c", CALLED, *command], cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return tuple(json.loads(done.stdout.splitlines()[-1]))


def measure(goals, rounds: int) -> None:
    alone = {lab.stem: run(lab) for lab in LABS}
    for name, (seconds, megabytes) in alone.items():
        goals.at_most(f"{name}, seconds", 120, seconds)
        goals.at_most(f"{name}, MB", 1500, megabytes)
    goals.at_most("all labs, seconds", 360, sum(seconds for seconds, _ in alone.values()))
    for lab in LABS:
        goals.known(f"{lab.stem}, seconds with one thread", run(lab, OMP_NUM_THREADS="1")[0])
    judge = next(lab for lab in LABS if lab.stem == "lab3")
    for name, settings in (("a thread for each core", {}), ("one thread", {"OMP_NUM_THREADS": "1"})):
        with ThreadPoolExecutor(AT_ONCE) as pool:
            seconds = [taken for taken, _ in pool.map(lambda _: run(judge, **settings), range(AT_ONCE))]
        goals.known(f"lab3, {AT_ONCE} at once, {name}, seconds", sum(seconds) / AT_ONCE)
