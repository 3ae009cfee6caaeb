"""What the labs' sources define: the instructor's solutions, and the stubs that a student starts from."""

import re
from pathlib import Path

import nbformat
import torch
import torch.nn.functional as F

from colorlab import color

SOURCE = Path(__file__).resolve().parents[2] / "notebooks" / "labs" / "source"
LABS = sorted(path.name for path in SOURCE.iterdir())
INSTEAD = "pass  # YOUR CODE HERE"


def cells(lab: str) -> list:
    return nbformat.read(SOURCE / lab / f"{lab}.ipynb", as_version=4).cells


def answers(lab: str, solved: bool = True) -> dict:
    """What the instructor's solutions define (or the stubs that a student starts from): name -> function."""
    defined = {"torch": torch, "F": F, "color": color}
    for cell in cells(lab):
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("solution"):
            source = cell.source if solved else re.sub(r"### BEGIN SOLUTION.*### END SOLUTION", INSTEAD, cell.source, flags=re.S)
            exec(source, defined)
    return defined


def asked(lab: str) -> dict[str, str]:
    """Question -> the name of the answer that the lab checks."""
    return dict(re.findall(r'^check\("(.+?)", (\w+)\)', "\n".join(cell.source for cell in cells(lab)), re.M))


def right(lab: str) -> dict:
    """Question -> the instructor's answer."""
    defined = answers(lab)
    return {name: defined[given] for name, given in asked(lab).items()}
