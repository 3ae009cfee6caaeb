"""A small notebook that keeps the contract, made in memory: the tests break it in one way at a time."""

import base64
import io

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

OPENING = """# An example

This notebook counts from one to sixteen. It has no other use.

## What you will be able to do
- count
- keep a contract

## What you need to know
How to read.

**Minutes** 1 on a CPU, 1 on a GPU.
"""
CLOSING = """## What you can do now
- count
- keep a contract

## Things to try
1. Count to twenty.
2. Count backwards.
3. Count in twos.

## Sources
- [The first notebook](00_example.ipynb)
"""
WORDS = "These are words about the number that comes next, and there are enough of them to go with the code. "
ALT = "*Alt: a blue square, and nothing else beside it.*"


def picture() -> str:
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), "blue").save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def build():
    """The notebook: 16 code cells, the first draws a blue square, the next four are checked by nbval."""
    cells = [new_markdown_cell(OPENING)]
    for i in range(1, 17):
        source = f"# NBVAL_CHECK_OUTPUT\nprint({i})" if 2 <= i <= 5 else f"print({i})"
        outputs = [new_output("stream", name="stdout", text=f"{i}\n")]
        if i == 1:
            source = "from PIL import Image\nImage.new('RGB', (8, 8), 'blue')"
            outputs = [
                new_output(
                    "execute_result", {"image/png": picture(), "text/plain": "a picture"}, execution_count=1
                )
            ]
        cells.append(new_code_cell(source, outputs=outputs, execution_count=i))
        cells.append(new_markdown_cell((ALT + "\n\n" if i == 1 else "") + WORDS * 4))
    cells.append(new_markdown_cell(CLOSING))
    nb = new_notebook(cells=cells)
    nb.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return nb


def write(nb, folder, name="00_example.ipynb"):
    nbformat.write(nb, folder / name)
    return folder / name
