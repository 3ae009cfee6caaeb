"""Every notebook keeps the contract (contract.py), and the contract notices when one does not."""

import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_output

import contract
import example

NOTEBOOKS = sorted((contract.ROOT / "notebooks").glob("*.ipynb"))
SERIES = [
    "00_start_here",
    "01_lab_quantization",
    "02_rebalancing",
    "03_generator_training",
    "04_discriminator_and_people",
    "05_galleries",
    "06_fine_tuning",
    "07_adversarial_training",
    "08_kernels",
    "explorer",
]


def test_the_series_is_complete():
    assert [name for name in SERIES if name not in {path.stem for path in NOTEBOOKS}] == []


@pytest.mark.parametrize("check", contract.CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook(path, check):
    assert list(check(nbformat.read(path, as_version=4), path)) == []


# ------------------------------------------------------------- the contract itself: wrong notebooks must fail
def complaints(nb, folder):
    return contract.complaints(example.write(nb, folder))


def test_the_example_keeps_the_contract(tmp_path):
    assert complaints(example.build(), tmp_path) == []


def strip_outputs(nb):
    for cell in contract.code_cells(nb):
        cell.outputs, cell.execution_count = [], None


def test_stripping_the_outputs_is_noticed(tmp_path):
    """Green must mean something: lax nbval passes a notebook without outputs, the guard does not."""
    nb = example.build()
    strip_outputs(nb)
    path = example.write(nb, tmp_path)
    assert re.match("0 cells begin with # NBVAL_CHECK_OUTPUT", *contract.check_checked_cells(nb, path))
    assert any("not executed" in text for text in contract.complaints(path))


def replace(i, old, new):
    def change(nb):
        assert old in nb.cells[i].source
        nb.cells[i].source = nb.cells[i].source.replace(old, new)

    return change


def output(i, *args, **kwargs):
    return lambda nb: nb.cells[i].outputs.append(new_output(*args, **kwargs))


def swap_counts(nb):
    nb.cells[3].execution_count, nb.cells[5].execution_count = 3, 2


def drop_code(nb):
    nb.cells[15:-1] = []


def widgets(nb):
    nb.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {}}


def long_cells(nb):
    for cell in contract.code_cells(nb):
        cell.source = "\n".join(["pass"] * 9)


def big(nb):
    nb.cells[1].outputs[0].data["text/plain"] = "x" * 400_000


def wordless(nb):
    for cell in nb.cells[4:-1:2]:
        cell.source = "Few words."


BROKEN = {
    "no title": (replace(0, "# An example", "An example"), "# Title"),
    "no aims": (replace(0, "be able to", "learn to"), "What you will be able to do"),
    "no prerequisites": (replace(0, "What you need to know", "Before"), "What you need to know"),
    "no minutes": (replace(0, "on a GPU", "elsewhere"), "minutes"),
    "no picture": (lambda nb: nb.cells[1].outputs.clear(), "final picture"),
    "no mirror": (replace(-1, "- count\n", ""), "does not mirror"),
    "two to try": (replace(-1, "3. Count in twos.", ""), "Things to try"),
    "no sources": (replace(-1, "## Sources", "## More"), "Sources"),
    "few cells": (drop_code, "code cells, not 15 to 32"),
    "long cells": (long_cells, "median"),
    "one long cell": (lambda nb: nb.cells[3].update(source="\n".join(["pass"] * 26)), "more than 25"),
    "few words": (wordless, "words of prose"),
    "too big": (big, "bytes"),
    "out of order": (swap_counts, "top to bottom"),
    "error": (output(3, "error", ename="E", evalue="", traceback=[]), "ends in an error"),
    "warning": (output(3, "stream", name="stderr", text="UserWarning: beware\n"), "standard error"),
    "progress bar": (
        output(3, "stream", name="stderr", text=" 10%|#   | 1/9 [00:00<?, ?it/s]"),
        "progress bar",
    ),
    "semicolon": (replace(3, "print(2)", "print(2);"), "ends in `;`"),
    "hidden": (replace(3, "NBVAL_CHECK_OUTPUT", "NBVAL_SKIP"), "hides from nbval"),
    "widget state": (widgets, "widget state"),
    "live widget": (output(3, "display_data", {contract.WIDGET: {}}), "live widget"),
    "no kernel": (lambda nb: nb.metadata.pop("kernelspec"), "kernel named python3"),
    "path in source": (replace(3, "print(2)", "print('/home/me/x.png')"), "path of one machine"),
    "path in output": (
        output(3, "stream", name="stdout", text="saved to /tmp/x.png\n"),
        "path of one machine",
    ),
    "no alt text": (replace(2, "*Alt: ", "*"), "has no `*Alt:"),
    "dead link": (replace(-1, "00_example.ipynb", "99_other.ipynb"), "leads nowhere"),
    "no sheet": (replace(3, "print(2)", "ab_plane.explore()\nprint(2)"), "no picture of its sheet"),
    "homeless function": (replace(3, "print(2)", "def count_to(n):\n    return n"), "no home"),
    "other body": (replace(3, "print(2)", "def rgb_to_lab(rgb):\n    return rgb"), "differs from its home"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_notebook_is_noticed(name, tmp_path):
    change, expected = BROKEN[name]
    nb = example.build()
    change(nb)
    found = complaints(nb, tmp_path)
    assert any(expected in text for text in found), found


def test_a_copied_function_is_at_home(tmp_path):
    """Docstrings, comments and annotations may differ; that is all."""
    nb = example.build()
    source = (contract.ROOT / "colorlab" / "textbook.py").read_text()
    home = source[source.index("def annealed_mean") : source.index("def cross_entropy")]
    nb.cells.insert(
        4, new_code_cell("%matplotlib inline\n" + re.sub(r': Tensor|: float|"""[^"]*"""|-> Tensor', "", home))
    )
    assert list(contract.check_functions(nb, tmp_path)) == []
    nb.cells[4].source = nb.cells[4].source.replace("temperature", "t")
    assert "differs" in next(contract.check_functions(nb, tmp_path))


def test_words_are_counted_as_one_reads():
    assert (
        contract.words("Two words.\n```\nnot these\n```\n[a link](http://x.y/z) $x^2 + y$ <b>bold</b>") == 6
    )


def test_a_figure_is_one_in_any_format(tmp_path):
    for kind in ("image/jpeg", "image/svg+xml"):
        nb = example.build()
        nb.cells[1].outputs[0].data = {kind: nb.cells[1].outputs[0].data["image/png"]}
        assert complaints(nb, tmp_path) == []
        nb.cells[2].source = nb.cells[2].source.replace("*Alt: ", "*")
        assert "has no `*Alt:" in " ".join(complaints(nb, tmp_path))


def test_two_figures_need_two_descriptions():
    nb = example.build()
    nb.cells.insert(2, new_code_cell("again", outputs=nb.cells[1].outputs, execution_count=2))
    assert [alt != "" for _, alt in contract.figures(nb)] == [False, True]
