"""What is kept of a notebook that ran: its stored outputs made tidy, its web page, the index page."""

import base64
import copy
import functools
import hashlib
import html
import io
import mimetypes
import os
import platform
import re
from pathlib import Path

import nbformat

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
PROGRESS = re.compile(r"\d+%\|.*\||\[\d+:\d\d<|\d+(\.\d+)?(it|s|B|img)/(s|it)\b|\bit \[\d+:\d\d")
FORMULA = re.compile(r"(\$\$.+?\$\$|\$[^$\n]+?\$)", re.S)
WIDGET = "application/vnd.jupyter.widget-view+json"


# ----------------------------------------------------------------------------------------- reading a notebook
def about(nb) -> tuple[str, str]:
    """(title, what it does): the first heading, and the first sentence of the first paragraph after it."""
    title, paragraph = "", ""
    text = next((c.source for c in nb.cells if c.cell_type == "markdown"), "")
    for block in re.split(r"\n\s*\n|(?<=\n)(?=#)|(?<=^)(?=#)", text):
        lines = block.strip().splitlines()
        if lines and lines[0].startswith("# ") and not title:
            title, lines = lines[0][2:].strip(), lines[1:]
        if title and lines and not re.match(r"\s*([#>|<!]|[-*+] |\d+\. |\*\*)", lines[0]):
            paragraph = " ".join(line.strip() for line in lines)
            break
    plain = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", paragraph)  # links keep their words
    plain = re.sub(r"[*`_]{1,2}(\S(?:.*?\S)?)[*`_]{1,2}", r"\1", plain)
    return title, re.split(r"(?<=[.!?])\s+(?=[A-Z0-9])", plain)[0]


# ---------------------------------------------------------------------------- what a stored output looks like
def overwrite(text: str) -> str:
    """What a terminal would show after carriage returns: of `10%\\r20%\\r30%` the last."""
    lines = [line.rstrip("\r").rsplit("\r", 1)[-1].rstrip() for line in text.split("\n")]
    return "\n".join(shown for shown, line in zip(lines, text.split("\n")) if shown or "\r" not in line)


def without_progress(text: str) -> str:
    """Standard error without the lines that a progress bar drew."""
    lines = [part for line in ANSI.sub("", text).split("\n") for part in line.split("\r")]
    return "\n".join(line for line in lines if line.strip() and not PROGRESS.search(line))


def is_progress_widget(output) -> bool:
    return WIDGET in output.get("data", {}) and bool(
        PROGRESS.search(str(output["data"].get("text/plain", "")))
    )


def noise(cell) -> str:
    """What the cell wrote to standard error besides progress: warnings that puzzle a reader."""
    written = [o.text for o in cell.get("outputs", []) if o.output_type == "stream" and o.name == "stderr"]
    return without_progress("\n".join(written))


def tidy(nb):
    """The notebook as it is kept: the same run gives the same bytes.

    One kernel name, no widget state, no timings, cell ids made from the source, progress bars left out, a line
    of text where a live widget was (without its state a reader would meet an error message there).
    """
    nb = copy.deepcopy(nb)
    nb.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    nb.nbformat, nb.nbformat_minor = 4, 5
    seen: dict[str, int] = {}
    for cell in nb.cells:
        digest = hashlib.sha1(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:12]
        seen[digest] = seen.get(digest, 0) + 1
        cell.id = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
        cell.metadata = nbformat.from_dict(
            {k: v for k, v in cell.metadata.items() if k in ("tags", "jupyter")}
        )
        if cell.cell_type == "code":
            cell.outputs = tidy_outputs(cell.outputs)
    return nb


def tidy_outputs(outputs) -> list:
    kept: list = []
    for output in outputs:
        if is_progress_widget(output):
            continue
        if output.output_type == "stream":
            output.text = without_progress(output.text) if output.name == "stderr" else overwrite(output.text)
            if not output.text.strip():
                continue
            if kept and kept[-1].output_type == "stream" and kept[-1].name == output.name:
                kept[-1].text += output.text
                continue
        elif WIDGET in output.get("data", {}):
            output.data = nbformat.from_dict(
                {"text/plain": "(interactive: run this cell in Jupyter to move the controls)"}
            )
        kept.append(output)
    return kept


# ----------------------------------------------------------------------------------- web pages of the results
def web_page(nb, path: Path, folder: Path) -> str:
    """One self-contained page: pictures inside, alternative texts from the prose, links between pages."""
    soup = rendered(nb, path, folder)
    for link in soup.select("a[href*='.ipynb']"):
        link["href"] = re.sub(r"^(\w+)\.ipynb(?=#|$)", r"\1.html", link["href"])
    return str(soup)


def rendered(nb, path: Path, folder: Path):
    """The page as a soup whose links still lead where the notebook's do; `folder` is where its paths begin."""
    from bs4 import BeautifulSoup

    page, _ = exporter().from_notebook_node(
        nb, resources={"metadata": {"name": path.stem, "path": str(folder)}}
    )
    soup = BeautifulSoup(page, "html.parser")
    descriptions = {picture: alt for cell, alt in figures(nb) for picture in pictures(cell)}
    for image in soup.select("img[src^='data:image/']"):
        image["alt"] = descriptions.get("".join(image["src"].split(",", 1)[1].split()), image.get("alt", ""))
    for image in soup.select("img[src]"):  # nbconvert embeds what lies below `folder`, but ../figures does not
        file = folder / image["src"]
        if not re.match(r"[a-z]+:", image["src"]) and file.is_file():
            kind = mimetypes.guess_type(file.name)[0]
            image["src"] = f"data:{kind};base64,{base64.b64encode(file.read_bytes()).decode()}"
    for script in soup.select("script[src^='http'], script[type^='text/x-mathjax']"):
        script.decompose()  # the page must read the same without a network
    formulas_as_mathml(soup)
    return soup


@functools.cache
def exporter():
    """nbconvert's, made once: to compile its templates takes longer than to use them."""
    from nbconvert import HTMLExporter

    return HTMLExporter(embed_images=True, anchor_link_text="")


def formulas_as_mathml(soup) -> None:
    """Write the formulas of the prose as MathML, which browsers draw themselves, instead of TeX for a script."""
    from bs4 import BeautifulSoup
    from latex2mathml.converter import convert

    prose = [text for cell in soup.select(".jp-RenderedMarkdown") for text in cell.find_all(string=True)]
    for text in prose:
        if "$" not in text or text.find_parent(["code", "pre"]):
            continue
        parts = FORMULA.split(str(text))  # prose, TeX, prose, TeX, ..., prose
        if len(parts) > 1:
            drawn = [html.escape(part, quote=False) if i % 2 == 0 else
                     convert(in_pairs(part.strip("$").strip()), display="block" if part.startswith("$$") else "inline")
                     for i, part in enumerate(parts)]
            text.replace_with(BeautifulSoup("".join(drawn), "html.parser"))


def in_pairs(tex: str) -> str:
    r"""\Big( and \Big) as \left( and \right): in MathML a large bracket that has an exponent would shrink."""
    return re.sub(r"\\[bB]igg?(?=[)\]])", r"\\right", re.sub(r"\\[bB]igg?(?=[(\[])", r"\\left", tex))


def pictures(cell) -> list[str]:
    """The pictures that a cell drew: base64 text without line breaks (or the text of an SVG)."""
    kinds = [(kind, data) for o in cell.get("outputs", []) for kind, data in o.get("data", {}).items()]
    return ["".join(data.split()) for kind, data in kinds if kind.startswith("image/")]


def figures(nb) -> list[tuple]:
    """(code cell, description) of each cell that drew; the description is "" where the prose has none.

    A description is a paragraph `*Alt: ...*` in the markdown cell before or after; each serves one cell.
    """
    waiting = {id(cell): alt_texts(cell) for cell in nb.cells}
    found = []
    for before, cell, after in zip([None, *nb.cells], nb.cells, [*nb.cells[1:], None]):
        if pictures(cell):
            near = [waiting[id(c)] for c in (before, after) if c is not None and waiting[id(c)]]
            found.append((cell, near[0].pop(0) if near else ""))
    return found


def alt_texts(cell) -> list[str]:
    """The descriptions of figures in a markdown cell: paragraphs that read `*Alt: ...*`."""
    if cell.cell_type != "markdown":
        return []
    return [" ".join(text.split()) for text in re.findall(r"^\*Alt:\s*(.+?)\*\s*$", cell.source, re.M | re.S)]


def thumbnail(nb) -> str:
    """The notebook's first picture, small, as a data address; "" without one."""
    from PIL import Image

    for cell in nb.cells:
        for data in pictures(cell):
            if data.startswith("<"):  # SVG
                continue
            picture = Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")
            picture.thumbnail((640, 320))
            buffer = io.BytesIO()
            picture.save(buffer, "JPEG", quality=85)
            return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
    return ""


STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; background: #fafafa }
body { max-width: 1080px; margin: 2.5rem auto; padding: 0 1rem }
h1 { margin-bottom: .2rem } .dim { color: #666 } .failed { color: #a30000; font-weight: 600 }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(310px, 1fr)); gap: 1.2rem }
article { background: white; border: 1px solid #ddd; border-radius: 8px; overflow: hidden }
article { display: flex; flex-direction: column }
article img { width: 100%; height: 150px; object-fit: contain; border-bottom: 1px solid #eee }
article div { padding: .8rem 1rem; flex: 1 } article p { margin: .3rem 0 }
article h2 { font-size: 1.1rem; margin: 0 0 .3rem }
pre { font-size: .75rem; white-space: pre-wrap; overflow-wrap: anywhere; background: #fff3f3; padding: .5rem }
"""


def index_page(rows: list[dict]) -> str:
    cards = []
    for row in sorted(rows, key=lambda r: r["file"]):
        name, esc = row["file"], html.escape
        picture = f'<a href="{name}.html"><img src="{row["picture"]}" alt=""></a>' if row["picture"] else ""
        status = "ran" if row["status"] == "ok" else '<span class="failed">failed</span>'
        message = f"<pre>{esc(row['message'])}</pre>" if row["message"] else ""
        cards.append(
            f"<article>{picture}<div>"
            f'<h2><a href="{name}.html">{esc(name.split("_")[0])} · {esc(row["title"])}</a></h2>'
            f"<p>{esc(row['does'])}</p>"
            f'<p class="dim">{status} in {clock(row["seconds"])} · {esc(row["budget"])} budget · '
            f'<a href="{name}.html">page</a> · <a href="{name}.ipynb">notebook</a></p>'
            f"{message}</div></article>"
        )
    total = clock(sum(row["seconds"] for row in rows))
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>colorlab: the notebooks</title><style>{STYLE}</style><h1>colorlab</h1>"
        f'<p class="dim">{len(rows)} notebooks, {total} together, on {html.escape(machine())}</p>'
        f"<main>{''.join(cards)}</main></html>"
    )


def machine() -> str:
    python = platform.python_version()
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {python}"


def clock(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.1f} min"
