"""One JupyterLab with all notebooks open, each with a kernel that has loaded what it imports: what that takes."""

import os
import sys
from pathlib import Path

import pytest

import lab
from test_jupyterlab import NOTEBOOKS

GIGABYTES = 4


def descendants(pid: int) -> set[int]:
    """A process and all that came from it."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(entry.parent.name)] = int(entry.read_text().rpartition(")")[2].split()[1])
        except OSError:  # it ended meanwhile
            continue
    found, more = set(), {pid}
    while more:
        found |= more
        more = {child for child, parent in parents.items() if parent in more} - found
    return found


def proportional_bytes(pids) -> int:
    """Memory of these processes; what several share, such as torch's code, counts once."""
    total = 0
    for pid in pids:
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        total += 1024 * int(rollup.split("\nPss:")[1].split()[0])
    return total


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_all_notebooks_open(chrome, tmp_path):
    before = descendants(os.getpid())
    with lab.server(tmp_path, COLORLAB_BUDGET="smoke") as (address, token):
        server = descendants(os.getpid()) - before
        page = lab.open_notebook(chrome, address, token, NOTEBOOKS[0])
        for name in NOTEBOOKS:
            page.evaluate("async path => { await jupyterapp.commands.execute('docmanager:open', {path}); }", f"notebooks/{name}")
            lab.wait_for(lambda: page.evaluate(lab.STATE)["status"] == "idle", 120, f"the kernel of {name}")
            first = next(i for i, cell in enumerate(page.evaluate(lab.STATE)["cells"]) if cell["type"] == "code")
            page.evaluate("i => { jupyterapp.shell.currentWidget.content.activeCellIndex = i; jupyterapp.commands.execute('notebook:run-cell'); }", first)
            lab.wait_for(lambda: page.evaluate(lab.STATE)["cells"][first]["count"], 120, f"the imports of {name}")
        kernels = set().union(*(descendants(pid) for pid in server))
        assert len(kernels) > len(NOTEBOOKS)
        used = proportional_bytes(kernels) / 2**30
        print(f"{len(NOTEBOOKS)} notebooks open, their imports done: {used:.2f} GiB in {len(kernels)} processes")
        page.close()
    assert used < GIGABYTES
