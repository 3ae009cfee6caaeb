"""The runner, notebooks/run.py, on small notebooks made here."""

import json
import os
import signal
import subprocess
import sys
import time

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

import contract  # puts notebooks/ on the path
import pages

RUNNER = contract.ROOT / "notebooks" / "run.py"


def make(folder, name, *sources, text="# A title\n\nIt does *this*. And that."):
    folder.mkdir(exist_ok=True)
    nbformat.write(new_notebook(cells=[new_markdown_cell(text), *map(new_code_cell, sources)]), folder / name)


def command(tmp_path, *arguments):
    return [
        sys.executable,
        str(RUNNER),
        "--notebooks",
        str(tmp_path / "notebooks"),
        "--out",
        str(tmp_path / "build"),
        *arguments,
    ]


def run(tmp_path, *arguments, **kwargs):
    return subprocess.run(
        command(tmp_path, *arguments), capture_output=True, text=True, timeout=120, **kwargs
    )


def test_runs_go_on_after_a_failure_and_end_with_status_1(tmp_path):
    make(tmp_path / "notebooks", "00_bad.ipynb", "x = 1", "def f():\n    return 1 / 0\nf()", "print('never')")
    make(tmp_path / "notebooks", "01_good.ipynb", "print(6 * 7)")
    make(tmp_path / "notebooks", "99_later.ipynb", "print('not asked for')")
    done = run(tmp_path, "--budget", "smoke")
    assert done.returncode == 1, done.stderr
    assert "It does this.\n" in done.stdout and "01_good.html" in done.stdout
    assert "code cell 2 of 3" in done.stdout and "ZeroDivisionError: division by zero" in done.stdout
    assert "99_later" not in done.stdout
    index = (tmp_path / "build" / "index.html").read_text()
    assert "failed" in index and 'href="01_good.html"' in index and "http" not in index
    assert nbformat.read(tmp_path / "build" / "01_good.ipynb", 4).cells[1].outputs[0].text == "42\n"
    assert [row["status"] for row in json.loads((tmp_path / "build" / "run.json").read_text())] == [
        "failed",
        "ok",
    ]


def test_inplace_stores_the_same_bytes_each_time_and_other_runs_change_nothing(tmp_path):
    source = (
        "import sys\nfrom tqdm import tqdm\nfor i in tqdm(range(3)):\n    pass\n"
        "open('../figures/made.txt', 'w').write('x')\nprint('a\\rb')"
    )
    (tmp_path / "figures").mkdir()
    make(tmp_path / "notebooks", "00_x.ipynb", source, "import ipywidgets\nipywidgets.IntSlider()")
    path = tmp_path / "notebooks" / "00_x.ipynb"
    before = path.read_bytes()
    assert run(tmp_path, "--all").returncode == 0
    assert path.read_bytes() == before and not (tmp_path / "figures" / "made.txt").exists()
    assert run(tmp_path, "--only", "00", "--inplace").returncode == 0
    first = path.read_bytes()
    nb = nbformat.read(path, 4)
    assert [o.output_type for o in nb.cells[1].outputs] == ["stream"] and nb.cells[1].outputs[0].text == "b\n"
    assert "interactive" in nb.cells[2].outputs[0].data["text/plain"]
    assert nb.metadata.kernelspec.name == "python3" and not list(contract.check_widget_state(nb, path))
    assert (tmp_path / "figures" / "made.txt").exists()
    assert run(tmp_path, "--only", "00", "--inplace").returncode == 0 and path.read_bytes() == first


def test_inplace_refuses_a_cell_that_warns(tmp_path):
    make(tmp_path / "notebooks", "00_x.ipynb", "import warnings\nwarnings.warn('beware')")
    before = (tmp_path / "notebooks" / "00_x.ipynb").read_bytes()
    done = run(tmp_path, "--only", "00", "--inplace")
    assert done.returncode == 1 and "beware" in done.stdout
    assert (tmp_path / "notebooks" / "00_x.ipynb").read_bytes() == before
    assert run(tmp_path, "--only", "00").returncode == 0


def test_settings_reach_the_kernel(tmp_path):
    (tmp_path / "mine").mkdir()
    make(
        tmp_path / "notebooks",
        "00_x.ipynb",
        "import os\nprint(os.environ['COLORLAB_BUDGET'], os.environ['COLORLAB_PHOTOS'])",
    )
    assert run(tmp_path, "--budget", "smoke", "--photos", "mine", cwd=tmp_path).returncode == 0
    printed = nbformat.read(tmp_path / "build" / "00_x.ipynb", 4).cells[1].outputs[0].text
    assert printed.split() == ["smoke", str((tmp_path / "mine").resolve())]


@pytest.mark.parametrize("arguments", [["--only", "07"], ["--photos", "nowhere"], ["--budget", "huge"]])
def test_wrong_arguments_are_refused_in_a_line(tmp_path, arguments):
    make(tmp_path / "notebooks", "00_x.ipynb", "1")
    done = run(tmp_path, *arguments)
    assert done.returncode != 0 and arguments[-1] in done.stderr and "Traceback" not in done.stderr


def test_a_slow_cell_is_stopped(tmp_path):
    make(tmp_path / "notebooks", "00_x.ipynb", "import time\ntime.sleep(60)")
    done = run(tmp_path, "--timeout", "1")
    assert done.returncode == 1 and "longer than 1 seconds" in done.stdout


def test_interrupting_ends_the_kernel_and_keeps_what_was_done(tmp_path):
    make(tmp_path / "notebooks", "00_x.ipynb", "1")
    make(
        tmp_path / "notebooks",
        "01_y.ipynb",
        "import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(60)",
    )
    process = subprocess.Popen(command(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    pid = tmp_path / "build" / "work" / "notebooks" / "pid"
    for _ in range(600):
        if pid.exists() and pid.read_text():
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 130 and "interrupted; 1 of 2" in printed and "Traceback" not in printed
    assert 'href="00_x.html"' in (tmp_path / "build" / "index.html").read_text()
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


@pytest.mark.parametrize(
    "text, left",
    [
        ("\r  0%|          | 0/3 [00:00<?, ?it/s]\r100%|##########| 3/3 [00:00<00:00, 9.1it/s]\n", ""),
        ("loss 0.5:  50%|##   | 1/2 [00:01<00:01, 1.0s/it]", ""),
        ("12it [00:00, 200.00it/s]", ""),
        (
            "100%|#| 3/3\nUserWarning: 5% of the photographs were skipped\n",
            "UserWarning: 5% of the photographs were skipped",
        ),
    ],
)
def test_progress_is_told_from_warnings(text, left):
    assert pages.without_progress(text) == left


def test_about_reads_the_title_and_the_first_sentence():
    cells = [
        new_markdown_cell(
            "![x](y.png)\n\n# 3. Training\n*A lab.* It trains `one` [network](a.md), e.g. ECCV16. Then more."
        ),
    ]
    assert pages.about(new_notebook(cells=cells)) == ("3. Training", "A lab.")
    cells = [new_markdown_cell("# T\n\n> quote\n\n- item\n\nThe **prose**\ngoes on.")]
    assert pages.about(new_notebook(cells=cells)) == ("T", "The prose goes on.")


def test_pages_need_no_network_and_draw_their_formulas(tmp_path):
    text = "# T\n\nThe loss $-\\sum_q z_q \\log \\hat z_q$ costs `$5`, and\n\n$$\\frac{a < b}{c}$$\n"
    nb = new_notebook(cells=[new_markdown_cell(text), new_code_cell("price = '$1 and $2'")])
    page = pages.web_page(nb, tmp_path / "x.ipynb", tmp_path)
    assert page.count("<math") == 2 and 'display="block"' in page and "\\sum" not in page and "\\frac" not in page
    assert "<code>$5</code>" in page and "$1 and $2" in page.replace("&#39;", "'")
    assert "<script src=" not in page


def test_large_brackets_stay_in_pairs():
    """One that has an exponent would be drawn small beside its partner."""
    assert pages.in_pairs(r"\Big((1-x)\Big)^{-1} \bigl(") == r"\left((1-x)\right)^{-1} \bigl("
    text = r"# T" + "\n\n" + r"$w = \Big(\frac{1}{Q}\Big)^{-1}$"
    page = pages.web_page(new_notebook(cells=[new_markdown_cell(text)]), contract.ROOT / "x.ipynb", contract.ROOT)
    assert "minsize" not in page[page.index("<math"):]


def test_pictures_beside_the_notebooks_folder_are_inside_the_page(tmp_path):
    """nbconvert embeds what lies below the notebook's folder, but ../figures does not."""
    for name in ("figures", "notebooks"):
        (tmp_path / name).mkdir()
    (tmp_path / "figures" / "a.png").write_bytes(b"not looked at")
    nb = new_notebook(cells=[new_markdown_cell("# T\n\n![words](../figures/a.png) ![gone](../figures/b.png)")])
    page = pages.web_page(nb, tmp_path / "notebooks" / "x.ipynb", tmp_path / "notebooks")
    assert 'src="data:image/png;base64,bm90' in page and 'alt="words"' in page and 'src="../figures/b.png"' in page


@pytest.mark.parametrize("text, shown", [
    ("10%\r20%\r30%\n", "30%\n"),
    ("training 99%\r            \rdone\n", "done\n"),
    ("training 99%\r            \nnext\n", "next\n"),  # a bar that cleared itself leaves no empty line
    ("one\n\ntwo", "one\n\ntwo"),
])
def test_overwriting(text, shown):
    assert pages.overwrite(text) == shown
