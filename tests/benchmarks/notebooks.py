"""Minutes of the notebooks in the last `make run`, from what it wrote down."""

import json
from pathlib import Path

RUN = Path(__file__).resolve().parents[2] / "build" / "run.json"


def measure(goals, rounds: int) -> None:
    rows = [row for row in json.loads(RUN.read_text()) if row["file"] < "07"] if RUN.is_file() else []
    if len(rows) < 7 or any(row["status"] != "ok" or row["budget"] != "laptop" for row in rows):
        return goals.unmeasured("minutes of notebooks 00-06", "`make run` has not run all of them at laptop budget")
    goals.at_most("notebooks 00-06 together, minutes", 15, sum(row["seconds"] for row in rows) / 60)
    goals.at_most("the longest of them, minutes", 5, max(row["seconds"] for row in rows) / 60)
