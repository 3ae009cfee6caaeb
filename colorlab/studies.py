"""What a study that ran to its end left behind: its numbers, as text where a notebook wants them, and its networks.

    found = studies.results()                                       # of COLORLAB_STUDY, or those that came with colorlab
    print(studies.table(found["comparison"], ("fooling rate", "plain AuC")))
"""

import json
import os
from collections import defaultdict
from pathlib import Path

from . import generators

COMMITTED = Path(__file__).parents[1] / "results" / "study.json"
PERCENT = ("fooling rate", "accuracy")  # shares; all other columns are in their own unit


def results(source: str | Path | None = None) -> dict:
    """The results of a study, as `study.run` returns them.

    Args:
        source: a study's folder, or its results.json; None: the folder in COLORLAB_STUDY, or the study whose results came
            with this checkout.
    Raises:
        ValueError: there are none, because it has not run to its end.
    """
    path = Path(source or os.environ.get("COLORLAB_STUDY") or COMMITTED)
    path = path / "results.json" if path.is_dir() else path
    if not path.is_file():
        raise ValueError(f"there are no results at {path}: run `python -m colorlab study` to its end, or let COLORLAB_STUDY "
                         "name the folder of one that did")
    return json.loads(path.read_text(encoding="utf-8"))


def judged(name: str = "pocket") -> dict:
    """What ``python -m colorlab judge --json`` wrote of a shipped network, results/NAME-test.json.

    Returns:
        the record: "photographs", "command", and "numbers": {row: [value, low, high]}, where a row that the file lacks
        is [None], which `table` writes as a dash.
    Raises:
        ValueError: there is no such file.
    """
    path = COMMITTED.parent / f"{name}-test.json"
    if not path.is_file():
        raise ValueError(f"there are no results at {path}: python -m colorlab judge --json writes them")
    record = json.loads(path.read_text(encoding="utf-8"))
    rows = {row: list(value.values())[:3] for row, value in record["numbers"].items()}
    return record | {"numbers": defaultdict(lambda: [None], rows)}


def networks(folder: str | Path | None = None) -> dict[str, generators.ECCV16]:
    """The generators that a study trained: "L2", "classification", "rebalanced".

    Args:
        folder: of the study; None: the one in COLORLAB_STUDY, or no networks at all if that is not set.
    """
    folder = folder or os.environ.get("COLORLAB_STUDY")
    names = {"L2": "l2", "classification": "classification", "rebalanced": "rebalanced"} if folder else {}
    return {name: generators.load(Path(folder) / "generators" / loss / "generator.safetensors") for name, loss in names.items()}


def table(rows: dict[str, dict], columns: tuple[str, ...]) -> str:
    """Rows of the results as text: {name: {column: [value, low, high]}}; what a row lacks is a dash."""
    cells = [["", *map(heading, columns)],
             *([name, *(cell(key, row.get(key, [None])) for key in columns)] for name, row in rows.items())]
    widths = [max(map(len, column)) for column in zip(*cells)]
    return "\n".join("  ".join([row[0].ljust(widths[0]), *(x.rjust(w) for x, w in zip(row[1:], widths[1:]))]) for row in cells)


def heading(key: str) -> str:
    """A column's name with its unit, if that is per cent."""
    return f"{key} (%)" if key in PERCENT else key


def cell(key: str, value) -> str:
    """[value, low, high] of a column as text; a dash where one is missing."""
    if None in value:
        return "–"
    mean, low, high = (100 * x if key in PERCENT else x for x in value)
    digits = 1 if key in PERCENT or "AuC" in key or key in ("PSNR", "colorfulness") else 2
    return f"{mean:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"
