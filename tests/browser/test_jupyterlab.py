"""Every notebook in a real JupyterLab: opened as committed, then run from the menu; looked at both times, and its explorers moved."""

import pytest

import lab

NOTEBOOKS = sorted(path.name for path in (lab.ROOT / "notebooks").glob("*.ipynb"))


def test_there_are_notebooks():
    assert NOTEBOOKS


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook(chrome, jupyter, name):
    page = lab.open_notebook(chrome, *jupyter, name)
    stem = name.removesuffix(".ipynb")
    try:
        lab.screenshots(page, lab.SCREENSHOTS / "committed", stem)
        assert page.evaluate(lab.FAULTS) == []
        cells = lab.run_all(page, lab.SECONDS)
        lab.screenshots(page, lab.SCREENSHOTS / "smoke", stem)
        errors = [
            (cell["source"].splitlines()[0], o["ename"], o["evalue"])
            for cell in cells
            for o in cell["outputs"]
            if o["type"] == "error"
        ]
        assert errors == []
        assert all(cell["count"] for cell in cells)
        for i in lab.explorers(page).values():
            before, after = lab.move(page, i)
            assert len(before["words"]) > 20 and after["words"] != before["words"]
        assert page.evaluate(lab.FAULTS) == []
    finally:
        page.evaluate("jupyterapp.shell.currentWidget.sessionContext.shutdown()")
        page.close()
