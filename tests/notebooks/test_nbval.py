"""nbval runs every notebook at smoke budget: no cell fails, and the checked cells print what is stored.

Two run at a time, each with one thread: most of what they do then is imports and figures, which take one.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import nbformat
import pytest

import contract
import example

NOTEBOOKS = sorted((contract.ROOT / "notebooks").glob("*.ipynb"))
NOWHERE = "http://127.0.0.1:9"  # a proxy that is not there: whatever wants to download fails at once


def nbval(path, *options) -> tuple[int, int, str]:
    """(exit status, cells that passed, what pytest printed) of nbval on one notebook, in its own folder."""
    environment = {
        **os.environ,
        "COLORLAB_BUDGET": "smoke",
        "OMP_NUM_THREADS": "1",
        "COLORLAB_RUNS": str(path.parent.parent / "runs" / path.stem),  # so that notebooks train, and load no earlier run
        "http_proxy": NOWHERE,
        "https_proxy": NOWHERE,
        "no_proxy": "localhost,127.0.0.1",
    }
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "--nbval-lax",
            "--nbval-cell-timeout=120",
            "-q",
            "--tb=short",
            "-p",
            "no:cacheprovider",
            "-c",
            os.devnull,
            "--rootdir",
            str(path.parent),
            *options,
            path.name,
        ],
        cwd=path.parent,
        env=environment,
        capture_output=True,
        text=True,
        timeout=1200,
    )
    passed = re.search(r"(\d+) passed", done.stdout)
    return done.returncode, int(passed[1]) if passed else 0, done.stdout[-6000:] + done.stderr[-2000:]


@pytest.fixture(scope="session")
def stage(tmp_path_factory):
    """A copy of what notebooks read by a relative path, so that a test run changes no file of the project."""
    folder = tmp_path_factory.mktemp("stage")
    for name in ("notebooks", "figures", "results"):
        if (contract.ROOT / name).is_dir():
            shutil.copytree(
                contract.ROOT / name,
                folder / name,
                ignore=shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__"),
            )
    return folder / "notebooks"


@pytest.fixture(scope="module")
def runs(request, stage):
    """Name -> what nbval says of a notebook, for those that are to be tested; it may still go on."""
    here = [item for item in request.session.items if item.path == request.path and item.originalname == "test_notebook"]
    chosen = [item.callspec.params["name"] for item in here]
    with ThreadPoolExecutor(2) as pool:
        yield {name: pool.submit(nbval, stage / name) for name in chosen if runs_here(name)}


def runs_here(name: str) -> bool:
    """Triton, which notebook 08 is about, is for Linux only."""
    return not name.startswith("08") or importlib.util.find_spec("triton") is not None


@pytest.mark.notebooks
@pytest.mark.parametrize("name", [path.name for path in NOTEBOOKS])
def test_notebook(stage, runs, name):
    if not runs_here(name):
        pytest.skip("Triton is for Linux only")
    status, passed, printed = runs[name].result()
    assert status == 0, printed
    assert passed == len(contract.code_cells(nbformat.read(stage / name, as_version=4))), printed


def test_nbval_notices_another_output_and_an_error(tmp_path):
    """What stands above can fail: in a checked cell by another output, in any cell by an error."""
    nb = example.build()
    path = example.write(nb, tmp_path)
    assert nbval(path)[:2] == (0, 16)
    nb.cells[3].outputs[0].text = "3\n"  # the cell prints 2
    nb.cells[-3].source = "1 / 0"
    status, passed, printed = nbval(example.write(nb, tmp_path))
    assert (status, passed) == (1, 14), printed
