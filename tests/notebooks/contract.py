"""What every notebook in notebooks/ keeps to. Each `check_...` yields its complaints; none: it is kept.

    python tests/notebooks/contract.py notebooks/03_generator_training.ipynb     what this one breaks

How things are written, so that a test can find them (case does not matter):

opening   The first cell is markdown: `# Title`, then a paragraph whose first sentence says what the
          notebook does (the index page quotes it). Before the second code cell stand three headings, or
          paragraphs that begin in bold: "What you will be able to do" with a list, "What you need to know",
          and one with "minutes" that names CPU and GPU. The final picture is an image in that prose, or one
          of the first three code cells draws it.
closing   In the last five cells: "What you can do now" with as many list items as the opening, "Things to
          try" with 3 to 5 of them, "Sources" with at least one.
figures   The markdown cell before or after a code cell that draws holds a paragraph `*Alt: what one would
          see.*`, one for each such cell. It is visible prose, and web pages use it as the picture's
          alternative text.
sheets    In or before the cell of a live explorer, `name.explore(...)` or `name.play(...)`, stands its static
          contact sheet with a stored picture.
functions A function or class that a notebook defines has the same arguments and body in colorlab/ (its
          module, or textbook.py), docstrings, comments and type annotations apart. What belongs to one
          notebook alone, such as a button's callback, is listed in LOCAL below.
checked   At least CHECKED_CELLS code cells begin with `# NBVAL_CHECK_OUTPUT` and have stored outputs, which
          nbval compares. They must print the same at any budget, on any machine.
"""

import ast
import re
import statistics
import sys
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "notebooks"))
from pages import PROGRESS, WIDGET, figures, noise, pictures

CODE_CELLS = (15, 32)
MEDIAN_LINES, MOST_LINES = 8, 25
WORDS_PER_CODE_CELL = (70, 130)
FILE_BYTES = 400_000
ALT_CHARACTERS = 30
CHECKED_CELLS = 3
LOCAL: dict[str, set[str]] = {  # notebook's name without suffix -> functions that have no home in colorlab/
    "08_kernels": {"doubled", "gradient_of", "in_turns", "measured"}}


# ----------------------------------------------------------------------------------------- reading a notebook
def code_cells(nb) -> list:
    return [cell for cell in nb.cells if cell.cell_type == "code" and cell.source.strip()]


def prose(cells) -> str:
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def words(text: str) -> int:
    """Words that one reads: without code blocks, formulas, addresses and tags."""
    for pattern, instead in (
        (r"```.*?```", " "),
        (r"\$\$.*?\$\$", " "),
        (r"\$[^$\n]+\$", " x "),
        (r"\]\([^)]*\)", "]"),
        (r"<[^>]+>", " "),
        (r"https?://\S+", " "),
    ):
        text = re.sub(pattern, instead, text, flags=re.S)
    return len(re.findall(r"[^\W_]+(?:['’.-][^\W_]+)*", text))


def section(text: str, pattern: str) -> str | None:
    """What stands under the first heading (or bold beginning) that matches, up to the next; else None."""
    parts = re.split(r"^(?=#{1,6} |\*\*)", text, flags=re.M)
    return next(
        (
            part
            for part in parts
            if re.match(r"(#|\*\*)", part) and re.search(pattern, part.splitlines()[0], re.I)
        ),
        None,
    )


def items(text: str) -> int:
    return len(re.findall(r"^(?:[-*+]|\d+[.)])\s", text, re.M))


def opening(nb) -> list:
    """The cells before the second code cell."""
    code = [i for i, cell in enumerate(nb.cells) if cell.cell_type == "code"]
    return nb.cells[: code[1]] if len(code) > 1 else nb.cells


def texts(nb):
    """(place, text) of everything readable: sources and text outputs."""
    for i, cell in enumerate(nb.cells):
        yield f"cell {i}", cell.source
        for output in cell.get("outputs", []):
            yield f"output of cell {i}", output.get("text", "")
            for kind, value in output.get("data", {}).items():
                if kind.startswith("text/"):
                    yield f"output of cell {i}", re.sub(r"data:[\w/+-]+;base64,[\w+/=\s]+", "", str(value))


# ------------------------------------------------------------------------------------------------- the checks
def check_opening(nb, path):
    text = prose(opening(nb))
    if not nb.cells or nb.cells[0].cell_type != "markdown" or not re.match(r"# \S", nb.cells[0].source):
        yield "the first cell is not markdown beginning with `# Title`"
    able = section(text, "able to do")
    if able is None or items(able) < 2:
        yield 'no heading "What you will be able to do" with a list before the second code cell'
    if section(text, "need to know") is None:
        yield 'no heading "What you need to know" before the second code cell'
    if (
        not re.search(r"minutes?", text, re.I)
        or not re.search(r"\bCPU\b", text)
        or not re.search(r"\bGPU\b", text)
    ):
        yield "the opening does not give the minutes on CPU and on GPU"
    drawn = any(pictures(cell) for cell in code_cells(nb)[:3])
    if not drawn and not re.search(r"!\[|<img", text):
        yield "no final picture in the opening: neither in its prose nor drawn by the first three code cells"


def check_closing(nb, path):
    text = prose(nb.cells[-5:])
    now, tries, sources = (
        section(text, "can do now|can now"),
        section(text, r"\btry\b"),
        section(text, r"\bsources\b"),
    )
    able = section(prose(opening(nb)), "able to do")
    if now is None or items(now) != items(able or ""):
        count, wanted = items(now or ""), items(able or "")
        yield f'"What you can do now" in the last cells does not mirror the opening: {count}, not {wanted}'
    if tries is None or not 3 <= items(tries) <= 5:
        yield f'"Things to try" in the last five cells has {items(tries or "")} items, not 3 to 5'
    if sources is None or not items(sources):
        yield '"Sources" in the last five cells has no item'


def check_code_cells(nb, path):
    lines = [len(cell.source.splitlines()) for cell in code_cells(nb)]
    low, high = CODE_CELLS
    if not low <= len(lines) <= high:
        yield f"{len(lines)} code cells, not {low} to {high}"
    if lines and statistics.median(lines) > MEDIAN_LINES:
        yield f"a median of {statistics.median(lines):g} lines in a code cell, more than {MEDIAN_LINES}"
    yield from (
        f"code cell {i} has {n} lines, more than {MOST_LINES}"
        for i, n in enumerate(lines, 1)
        if n > MOST_LINES
    )


def check_prose(nb, path):
    low, high = WORDS_PER_CODE_CELL
    each = words(prose(nb.cells)) / max(1, len(code_cells(nb)))
    if not low <= each <= high:
        yield f"{each:.0f} words of prose to a code cell, not {low} to {high}"


def check_size(nb, path):
    if path.stat().st_size >= FILE_BYTES:
        yield f"{path.stat().st_size:,} bytes; under {FILE_BYTES:,} wanted: fewer or smaller pictures"


def check_executed(nb, path):
    counts = [cell.execution_count for cell in code_cells(nb)]
    if counts != list(range(1, len(counts) + 1)):
        yield f"not executed once from top to bottom: execution counts {counts}"


def check_outputs(nb, path):
    code = code_cells(nb)
    if sum(bool(cell.outputs) for cell in code) * 3 < len(code):
        yield "fewer than a third of the code cells have stored outputs"
    for i, cell in enumerate(code, 1):
        if any(o.output_type == "error" for o in cell.outputs):
            yield f"code cell {i} ends in an error: catch it and print it"
        if noise(cell):
            yield f"code cell {i} wrote to standard error: {noise(cell).splitlines()[0][:100]}"
        if cell.source.rstrip().endswith(";"):
            yield f"code cell {i} ends in `;`, which hides its output from nbval"
        if re.search(r"#\s*(NBVAL_SKIP|NBVAL_RAISES_EXCEPTION|PYTEST_VALIDATE_IGNORE)", cell.source):
            yield f"code cell {i} hides from nbval"
        for output in cell.outputs:
            if output.output_type == "stream" and PROGRESS.search(output.text):
                yield f"code cell {i} keeps a progress bar: store outputs with notebooks/run.py --inplace"


def check_widget_state(nb, path):
    if "widgets" in nb.metadata:
        yield "widget state in the metadata"
    if any(WIDGET in o.get("data", {}) for cell in code_cells(nb) for o in cell.outputs):
        yield "a live widget in the outputs: store outputs with notebooks/run.py --inplace"


def check_kernel(nb, path):
    if nb.metadata.get("kernelspec", {}).get("name") != "python3":
        yield "no kernel named python3 in the metadata: Jupyter would ask the reader for one"


def check_paths(nb, path):
    of_a_machine = re.compile(
        r"(?<![\w.:/~-])/(?:home|root|work|Users|tmp|var|opt|usr|mnt|srv|private)/\S"
        r"|\b[A-Z]:\\\w|site-packages"
    )
    yield from (
        f"{place} shows a path of one machine: {hit[0]}"
        for place, text in texts(nb)
        if (hit := of_a_machine.search(text))
    )


def check_alt_text(nb, path):
    for cell, alt in figures(nb):
        if len(alt) < ALT_CHARACTERS:
            first = cell.source.strip().splitlines()[0][:60]
            wanted = f"`*Alt: ...*` of {ALT_CHARACTERS} characters in the prose beside it"
            yield f"the figure of the cell that begins `{first}` has no {wanted}"


def check_links(nb, path):
    for target in re.findall(r"\]\(([^)\s]+)[^)]*\)|(?:src|href)=\"([^\"]+)\"", prose(nb.cells)):
        target = (target[0] or target[1]).split("#")[0]
        if target and not re.match(r"[a-z]+:", target) and not (path.parent / target).exists():
            yield f"the link {target} leads nowhere"


def check_functions(nb, path):
    homes = defined_in_library()
    for cell in code_cells(nb):
        for node in definitions(plain_python(cell.source)):
            if node.name in LOCAL.get(path.stem, ()):
                continue
            if node.name not in homes:
                yield f"`{node.name}` has no home in colorlab/ (and is not in contract.LOCAL)"
            elif normal(node) not in homes[node.name].values():
                yield f"`{node.name}` differs from its home in {', '.join(homes[node.name])}"


def check_checked_cells(nb, path):
    checked = [
        cell
        for cell in code_cells(nb)
        if re.match(r"\s*#\s*NBVAL_CHECK_OUTPUT\b", cell.source) and cell.outputs
    ]
    if len(checked) < CHECKED_CELLS:
        done = "begin with # NBVAL_CHECK_OUTPUT and have stored outputs"
        yield f"{len(checked)} cells {done}, fewer than {CHECKED_CELLS}"


def check_sheets(nb, path):
    """Whoever reads without a kernel loses nothing: a sheet with a stored picture stands in or before each live explorer's cell."""
    drawn: set[str] = set()
    for cell in code_cells(nb):
        if pictures(cell):
            drawn |= set(re.findall(r"\b(\w+)\.(?:contact_)?sheet\(", cell.source))
        for name in re.findall(r"^(\w+)\.(?:explore|play)\(", cell.source, re.M):
            if name not in drawn:
                yield f"`{name}` is explored, and no picture of its sheet is stored in or before that cell"


CHECKS = [value for name, value in list(globals().items()) if name.startswith("check_")]


# -------------------------------------------------------------------------------------- comparing definitions
def plain_python(source: str) -> ast.Module:
    """The cell without IPython's own lines (%magic, !command)."""
    return ast.parse("\n".join("" if re.match(r"\s*[%!]", line) else line for line in source.splitlines()))


def definitions(tree: ast.Module) -> list:
    return [
        node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
    ]


def normal(node) -> str:
    """Arguments and body as text, without docstrings, annotations and decorators: what is compared."""
    node = ast.parse(ast.unparse(node)).body[0]
    for part in ast.walk(node):
        for name in ("annotation", "returns"):
            if hasattr(part, name) and not isinstance(part, ast.AnnAssign):
                setattr(part, name, None)
        if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            part.decorator_list = []
            if ast.get_docstring(part) is not None:
                part.body = part.body[1:] or [ast.Pass()]
    return ast.unparse(ast.fix_missing_locations(node))


def defined_in_library() -> dict[str, dict[str, str]]:
    """name -> {file: what it looks like} of every function and class at the top of a module of colorlab/."""
    found: dict[str, dict[str, str]] = {}
    for file in sorted((ROOT / "colorlab").rglob("*.py")):
        for node in definitions(ast.parse(file.read_text(encoding="utf-8"))):
            found.setdefault(node.name, {})[str(file.relative_to(ROOT))] = normal(node)
    return found


def complaints(path: Path) -> list[str]:
    nb = nbformat.read(path, as_version=4)
    return [complaint for check in CHECKS for complaint in check(nb, path)]


if __name__ == "__main__":
    total = 0
    for path in map(Path, sys.argv[1:] or sorted((ROOT / "notebooks").glob("*.ipynb"))):
        nb, found = nbformat.read(path, as_version=4), complaints(path)
        lines = [len(cell.source.splitlines()) for cell in code_cells(nb)] or [0]
        print(
            f"{path.name}: {len(lines)} code cells, median {statistics.median(lines):g} "
            f"and at most {max(lines)} lines, {words(prose(nb.cells)) / len(lines):.0f} words each, "
            f"{path.stat().st_size / 1000:.0f} kB, {len(figures(nb))} figures"
        )
        print(*(f"   {complaint}" for complaint in found), sep="\n", end="\n" if found else "")
        total += len(found)
    sys.exit(bool(total))
