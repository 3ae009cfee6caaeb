"""What the labs' sources define: the instructor's solutions, and the stubs that a student starts from."""

import re
from functools import cache
from pathlib import Path

import nbformat

SOURCE = Path(__file__).resolve().parents[2] / "notebooks" / "labs" / "source"
LABS = sorted(path.name for path in SOURCE.iterdir())
INSTEAD = "pass  # YOUR CODE HERE"


def cells(lab: str) -> list:
    return nbformat.read(SOURCE / lab / f"{lab}.ipynb", as_version=4).cells


@cache
def answers(lab: str, solved: bool = True) -> dict:
    """What the instructor's solutions define (or the stubs that a student starts from), with the lab's own imports: name -> answer."""
    defined = {}
    first = next(cell.source for cell in cells(lab) if cell.cell_type == "code")
    exec("\n".join(line for line in first.splitlines() if re.match(r"import|from", line)), defined)
    for cell in cells(lab):
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("solution"):
            source = cell.source if solved else re.sub(r"### BEGIN SOLUTION.*### END SOLUTION", INSTEAD, cell.source, flags=re.S)
            exec(source, defined)
    return defined


@cache
def asked(lab: str) -> dict[str, str]:
    """Question -> the name of the answer that the lab checks."""
    return dict(re.findall(r'^check\("(.+?)", (\w+)\)', "\n".join(cell.source for cell in cells(lab)), re.M))


@cache
def answer(question: str, solved: bool = True):
    """The instructor's answer (or the stub's) to a question; what a cell makes of an answer, such as a network, is made when it is wanted."""
    lab = question.split(".")[0]
    defined, name = answers(lab, solved), asked(lab)[question]
    if name not in defined:
        exec(next(cell.source for cell in cells(lab) if cell.cell_type == "code" and re.search(rf"^{name} = ", cell.source, re.M)), defined)
    return defined[name]


class Later:
    """A wrong answer that takes a while to make: a function that makes it."""

    def __init__(self, make):
        self.make = make
