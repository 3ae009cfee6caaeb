"""Run the notebooks from top to bottom; put executed copies, web pages and an index page into build/.

    python notebooks/run.py                       notebooks 00-06
    python notebooks/run.py --all                 the others too
    python notebooks/run.py --only 03 05          these
    python notebooks/run.py --budget smoke        sizes and steps: smoke, laptop, gpu (colorlab/budget.py)
    python notebooks/run.py --photos FOLDER       on your photographs
    python notebooks/run.py --only 03 --inplace   keep the outputs in notebooks/03_....ipynb, for a commit

Each notebook runs in a fresh kernel. Without --inplace it runs in a copy of notebooks/, figures/ and results/
under build/work/, so that nothing tracked by git changes. Ends with status 1 when a notebook failed, 130 when
interrupted.
"""

import argparse
import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import sys
import time
from pathlib import Path

import nbformat

from pages import ANSI, about, clock, index_page, noise, thumbnail, tidy, web_page

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
CORE = range(0, 7)  # what `make run` runs: 00-06
CELL_SECONDS = {"smoke": 120, "laptop": 900, "gpu": 4 * 3600}  # the longest that one cell may take


# ----------------------------------------------------------------------------------------- running a notebook
class Failed(Exception):
    """A notebook did not run to its end; the message names the cell and says why."""


def execute(nb, folder: Path, seconds: float, on_cell=lambda done: None):
    """Run the cells in order in `folder`, in the kernel of this Python; Failed at the first that fails."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellControlSignal, CellExecutionError, CellTimeoutError, DeadKernelError

    options = {"coalesce_streams": True} if NotebookClient.class_traits().get("coalesce_streams") else {}
    place = {"index": 0, "interrupted": False}

    def started(cell, cell_index):
        place["index"] = cell_index
        task = asyncio.current_task()

        def interrupt():
            place["interrupted"] = True
            task.cancel()

        with contextlib.suppress(
            NotImplementedError, RuntimeError, ValueError
        ):  # no such handlers on Windows
            asyncio.get_running_loop().add_signal_handler(signal.SIGINT, interrupt)
        on_cell(sum(c.cell_type == "code" for c in nb.cells[: cell_index + 1]))

    client = NotebookClient(
        nb,
        timeout=seconds,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
        store_widget_state=False,
        on_cell_execute=started,
        extra_arguments=["--IPKernelApp.log_level=CRITICAL"],
        **options,
    )  # its log is not the reader's
    try:
        client.execute()
    except (
        CellExecutionError,
        CellTimeoutError,
        DeadKernelError,
        CellControlSignal,
        RuntimeError,
        asyncio.CancelledError,
    ) as error:
        if place["interrupted"]:
            raise KeyboardInterrupt from None
        raise Failed(
            f"{where(nb, place['index'])}\n{indent(reason(nb.cells[place['index']], error, seconds))}"
        ) from error


def where(nb, index: int) -> str:
    code = [i for i, cell in enumerate(nb.cells) if cell.cell_type == "code"]
    ordinal = code.index(index) + 1 if index in code else "?"
    first = next((line for line in nb.cells[index].source.splitlines() if line.strip()), "")
    return f"code cell {ordinal} of {len(code)}, which begins `{first.strip()[:70]}`"


def reason(cell, error, seconds: float) -> str:
    """The last lines of the traceback, as a person would quote them."""
    if "Timeout" in type(error).__name__:
        return f"took longer than {seconds:g} seconds (--timeout changes that)"
    trace = [o for o in cell.get("outputs", []) if o.output_type == "error"]
    if trace:
        lines = ANSI.sub("", "\n".join(trace[-1].traceback)).splitlines() or [
            f"{trace[-1].ename}: {trace[-1].evalue}"
        ]
        return "\n".join(lines[-12:])
    return str(error) or type(error).__name__


def indent(text: str, by: str = "      ") -> str:
    return "\n".join(by + line for line in text.splitlines())


def stage(notebooks: Path, work: Path, fresh: bool) -> Path:
    """Copy what notebooks read by a relative path to `work`; return its notebooks folder."""
    if fresh:
        shutil.rmtree(work, ignore_errors=True)
    for name in ("figures", "results"):
        if (notebooks.parent / name).is_dir():
            shutil.copytree(notebooks.parent / name, work / name, dirs_exist_ok=True)
    shutil.copytree(
        notebooks,
        work / "notebooks",
        dirs_exist_ok=True,
        ignore=shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__", "*.py"),
    )
    return work / "notebooks"


# ------------------------------------------------------------------------------------------------ the command
def number(path: Path) -> int | None:
    """03_generator_training.ipynb -> 3; None for a notebook without a number."""
    found = re.match(r"(\d+)_", path.name)
    return int(found[1]) if found else None


def choose(everything: list[Path], only: list[str] | None, take_all: bool) -> list[Path]:
    if only:
        chosen = [p for p in everything if any(p.name.startswith(o) or p.stem == Path(o).stem for o in only)]
        missing = [
            o for o in only if not any(p.name.startswith(o) or p.stem == Path(o).stem for p in everything)
        ]
        if missing:
            sys.exit(
                f"--only {' '.join(missing)}: no such notebook; "
                f"there are {', '.join(p.stem for p in everything) or 'none'}"
            )
        return chosen
    return everything if take_all else [p for p in everything if number(p) in CORE]


def run_one(path: Path, folder: Path, out: Path, seconds: float, inplace: bool) -> dict:
    """Run one notebook, write its copy and page; return the row of the index."""
    nb = nbformat.read(path, as_version=4)
    title, does = about(nb)
    total = sum(cell.cell_type == "code" for cell in nb.cells)
    print(f"{path.stem[:2]}  {title}\n    {does}", flush=True)
    live = sys.stdout.isatty()
    row = {
        "file": path.stem,
        "title": title,
        "does": does,
        "status": "ok",
        "message": "",
        "budget": os.environ.get("COLORLAB_BUDGET", "default"),
    }
    start = time.monotonic()
    try:
        execute(
            nb,
            folder,
            seconds,
            lambda done: print(f"\r    cell {done} of {total} ", end="", flush=True) if live else None,
        )
        noisy = [(i, noise(cell)) for i, cell in enumerate(nb.cells) if noise(cell)]
        row["message"] = "\n".join(f"{where(nb, i)}: standard error\n{indent(text)}" for i, text in noisy)
        if noisy and inplace:
            raise Failed(row["message"])
    except Failed as error:
        row["status"], row["message"] = "failed", str(error)
    row["seconds"] = time.monotonic() - start
    nb = tidy(nb)
    row["picture"] = thumbnail(nb)
    (out / f"{path.stem}.html").write_text(web_page(nb, path, folder), encoding="utf-8")
    nbformat.write(nb, out / path.name)
    if inplace and row["status"] == "ok":
        partial = path.with_suffix(".partial")
        nbformat.write(nb, partial)
        os.replace(partial, path)
    verdict = "done in" if row["status"] == "ok" else "FAILED after"
    print(
        ("\r" if live else "")
        + f"    {verdict} {clock(row['seconds'])}: {shown(out / path.stem)}.html (and .ipynb)",
        flush=True,
    )
    if row["message"]:
        print(f"    {row['message']}", flush=True)
    return row


def shown(path: Path) -> str:
    """A path as one would type it here."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def record(out: Path, rows: list[dict], keep: bool) -> None:
    """run.json and index.html; `keep` leaves the rows of notebooks that this run did not touch."""
    old = json.loads((out / "run.json").read_text()) if keep and (out / "run.json").exists() else []
    new = {row["file"] for row in rows}
    rows = [row for row in old if row["file"] not in new] + rows
    (out / "run.json").write_text(json.dumps(rows, indent=1))
    (out / "index.html").write_text(index_page(rows), encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", metavar="NN", help="numbers or names of notebooks")
    parser.add_argument("--all", action="store_true", help="every notebook, not 00-06 alone")
    parser.add_argument(
        "--budget", choices=list(CELL_SECONDS), help="default: $COLORLAB_BUDGET, or what the machine suggests"
    )
    parser.add_argument("--photos", metavar="FOLDER", help="sets COLORLAB_PHOTOS")
    parser.add_argument(
        "--inplace",
        action="store_true",
        help="store the outputs in notebooks/; a cell that warns is a failure",
    )
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help="the longest that one cell may take")
    parser.add_argument("--notebooks", type=Path, default=NOTEBOOKS, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, default=ROOT / "build", metavar="FOLDER", help="default: build")
    args = parser.parse_args(arguments)

    photos = args.photos or os.environ.get("COLORLAB_PHOTOS")
    if args.photos and not Path(photos).is_dir():
        sys.exit(f"--photos {args.photos}: no such folder")
    if photos:  # kernels run in another folder: a relative path must not change its meaning
        os.environ["COLORLAB_PHOTOS"] = str(Path(photos).resolve()) if Path(photos).is_dir() else photos
    if args.budget:
        os.environ["COLORLAB_BUDGET"] = args.budget
    seconds = args.timeout or CELL_SECONDS.get(os.environ.get("COLORLAB_BUDGET", ""), CELL_SECONDS["gpu"])
    chosen = choose(sorted(args.notebooks.glob("*.ipynb")), args.only, args.all)
    if not chosen:
        sys.exit(f"no notebook in {args.notebooks}")
    args.out.mkdir(parents=True, exist_ok=True)
    for keep, size in (("MMAP_MAX", 0), ("TRIM_THRESHOLD", 2**31 - 1)):  # as the Makefile does, see there
        os.environ.setdefault(f"MALLOC_{keep}_", str(size))
    if "COLORLAB_RUNS" not in os.environ:  # train anew: a run that is loaded would make the minutes mean nothing
        runs = args.out.resolve() / "work" / "runs"
        shutil.rmtree(runs, ignore_errors=True)
        os.environ["COLORLAB_RUNS"] = str(runs)
    os.environ.pop("COLORLAB_FIGURES", None)
    if args.inplace and not photos and os.environ.get("COLORLAB_BUDGET") == "laptop":  # the opening pictures come along
        os.environ["COLORLAB_FIGURES"] = str(args.notebooks.resolve().parent / "figures")
    folder = args.notebooks if args.inplace else stage(args.notebooks, args.out / "work", fresh=not args.only)

    rows: list[dict] = []
    try:
        for path in chosen:
            rows.append(run_one(path, folder, args.out, seconds, args.inplace))
    except KeyboardInterrupt:
        print(f"\ninterrupted; {len(rows)} of {len(chosen)} notebooks were run")
        return 130
    finally:
        record(args.out, rows, keep=bool(args.only))
    failed = [row["file"] for row in rows if row["status"] != "ok"]
    print(
        f"\n{len(rows) - len(failed)} of {len(rows)} notebooks ran, "
        f"in {clock(sum(row['seconds'] for row in rows))}. "
        f"Open {shown(args.out / 'index.html')}" + (f"\nfailed: {', '.join(failed)}" if failed else "")
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
