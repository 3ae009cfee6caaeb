"""The notebooks as a book: a static site in build/book/ to read on a phone, offline, or from a web server.

    python notebooks/book.py

It is made of the outputs that are stored in the notebooks: nothing is executed, nothing is loaded from a network, and
there is no script. nbconvert renders prose, code and outputs (pages.py); book.css replaces JupyterLab's look. What a page
links to is a page, too: a notebook, the glossary, the text of a file. A link to anything else becomes plain words.
"""

import html
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import nbformat
from nbformat.v4 import new_markdown_cell, new_notebook

from pages import about, rendered

ROOT = Path(__file__).resolve().parent.parent
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><link rel="stylesheet" href="book.css"></head>
<body><a class="skip" href="#text">Skip to the text</a>
{above}
<main id="text">{body}</main>
{below}
</body></html>
"""


# ------------------------------------------------------------------------------------------------ what is in it
@dataclass
class Chapter:
    source: Path  # links are relative to its folder
    file: str
    nb: nbformat.NotebookNode

    @property
    def title(self) -> str:
        return about(self.nb)[0]

    @property
    def label(self) -> str:
        """Short enough for a line of navigation: the notebook's number and what stands before a colon."""
        number = self.file.split("_")[0]
        return f"{number} " * number.isdigit() + re.split(r"[:?]", self.title)[0]


def chapters(root: Path) -> list[Chapter]:
    """The pages in their order: contents, notebooks, glossary, study, model card."""
    readme = (root / "README.md").read_text(encoding="utf-8")
    notebooks = [Chapter(path, f"{path.stem}.html", nbformat.read(path, as_version=4))
                 for path in sorted((root / "notebooks").glob("*.ipynb"))]
    for cell in (cell for notebook in notebooks for cell in notebook.nb.cells):
        cell.source = cell.source.removeprefix("# NBVAL_CHECK_OUTPUT\n")  # that is for tests, not for readers
    rest = [*notebooks, from_markdown(root / "notebooks" / "glossary.md", "glossary.html"),
            from_markdown(root / "study", "study.html", study_text(readme, root)),  # no file, but a name to link to
            from_markdown(root / "colorlab" / "weights" / "README.md", "model_card.html")]
    front = re.split(r"^## ", readme, maxsplit=1, flags=re.M)[0] + section(readme, "The notebooks")
    paths = {chapter.source.relative_to(root).as_posix(): chapter.title for chapter in rest}
    front += "\n## Besides\n" + "".join(f"\n- [{paths[path]}]({path})" for path in paths if f"({path})" not in front)
    return [from_markdown(root / "README.md", "index.html", front), *rest]


def from_markdown(source: Path, file: str, text: str = "") -> Chapter:
    return Chapter(source, file, new_notebook(cells=[new_markdown_cell(text or source.read_text(encoding="utf-8"))]))


def section(text: str, heading: str) -> str:
    """A section of markdown with its heading, up to the next of the same rank."""
    return re.search(rf"^## {heading}\n.*?(?=^## |\Z)", text, re.M | re.S)[0]


def study_text(readme: str, root: Path) -> str:
    """What the README says of the study, and its results as tables."""
    from colorlab import studies

    found = studies.results(root / "results" / "study.json")
    tables = {"Generators and controls": {name: row for name, row in found["comparison"].items() if name != "itself"}}
    tables |= {f"Fine-tuning, {turn}: {name} held-out photographs": arms
               for turn in ("turn 1", "turn 2") for name, arms in found[turn]["arms"].items()}
    text = section(readme, "The whole study").replace("## ", "# ", 1)
    text += "Estimates with 95 % intervals; the [glossary](notebooks/glossary.md) explains the columns.\n"
    for title, rows in tables.items():
        keys = ("accuracy", "fooling rate", "distance", "plain AuC", "rebalanced AuC", "chroma ratio")
        keys = [key for key in keys if any(key in row for row in rows.values())]
        lines = [["", *map(studies.heading, keys)], ["---"] * (len(keys) + 1)]
        lines += [[name, *(studies.cell(key, row.get(key, [None])) for key in keys)] for name, row in rows.items()]
        text += f"\n## {title}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
    return text


# ------------------------------------------------------------------------------------------------ what it looks like
def body(chapter: Chapter):
    """<main> with prose, code and outputs, and nothing of JupyterLab around them."""
    from bs4 import BeautifulSoup

    soup = rendered(chapter.nb, chapter.source, chapter.source.parent)
    kinds = {"jp-OutputArea-output": "output", "jp-MarkdownOutput": "prose", "highlight": "highlight"}
    main = BeautifulSoup("<main></main>", "html.parser").main
    for part in soup.main.select(".jp-OutputArea-output, .jp-MarkdownOutput, .jp-CodeCell .highlight"):
        part.attrs = {"class": next(kind for name, kind in kinds.items() if name in part["class"])}
        main.append(part.extract())
    for anchor in main.find_all("a", class_="anchor-link"):
        anchor.decompose()
    for table in main.find_all("table"):
        table.wrap(soup.new_tag("div", attrs={"class": "table"}))
        words_below_each_other(table)
    for formula in main.find_all("math", display="block"):
        formula.wrap(soup.new_tag("span", attrs={"class": "formula"}))
    for paragraph in main.find_all("p"):
        if paragraph.em and paragraph.get_text().startswith("Alt: "):
            paragraph["class"] = "alt"
    for heading in (headings := main.find_all("h2")):
        if chapter.source.suffix != ".ipynb":  # GitHub's names, which links inside a .md file use
            heading["id"] = re.sub(r"[^\w\- ]", "", heading.get_text().strip().lower()).replace(" ", "-")
    main.h1.insert_after(BeautifulSoup(sections(headings), "html.parser"))
    return main


def words_below_each_other(table) -> None:
    """A table of sentences rather than numbers: on a narrow screen its cells become lines, each with its column's name."""
    if any(len(cell.get_text()) > 40 for cell in table.find_all("td")):
        table["class"] = "words"
        names = [head.get_text() for head in table.find_all("th")]
        for row in table.find_all("tr"):
            for name, cell in zip(names[1:], row.find_all("td")[1:]):
                cell["data-column"] = name


def sections(headings) -> str:
    """The list of a page's sections, folded up; that of the glossary runs on like words."""
    links = [f'<li><a href="#{html.escape(h["id"])}">{html.escape(h.get_text())}</a></li>' for h in headings]
    kind = ' class="short"' if len(links) > 25 else ""
    return f"<details{kind}><summary>On this page</summary><ul>{''.join(links)}</ul></details>" if len(links) > 2 else ""


def navigation(book: list[Chapter], place: int | None, where: str) -> str:
    """Contents, glossary, previous and next; a file's text has no place in the order."""
    links = ['<a href="index.html">Contents</a>', '<a href="glossary.html">Glossary</a>']
    for rel, step, arrow in (("prev", -1, "← {}"), ("next", 1, "{} →")):
        if place is not None and 0 < place + step < len(book):
            label = arrow.format(html.escape(book[place + step].label))
            links.append(f'<a rel="{rel}" href="{book[place + step].file}">{label}</a>')
    return f'<nav aria-label="book, {where}">{"".join(links)}</nav>'


def relink(main, chapter: Chapter, pages: dict[Path, str], root: Path) -> dict[str, Path]:
    """Let links lead to pages of the book; return those that must be made for that, each of a file's text."""
    shown: dict[str, Path] = {}
    for link in main.find_all("a", href=re.compile(r"^(?![a-z]+:|#)")):
        target, mark, anchor = link["href"].partition("#")
        path = (chapter.source.parent / unquote(target)).resolve()
        if path in pages:
            link["href"] = pages[path] + mark + anchor
        elif path.is_file() and path.is_relative_to(root) and path.suffix in (".py", ".json", ".md", ".toml"):
            link["href"] = path.relative_to(root).as_posix().replace("/", "-") + ".html"
            shown[link["href"]] = path
        else:
            link.unwrap()
    return shown


# ------------------------------------------------------------------------------------------------ writing it
def build(out: Path, root: Path = ROOT) -> list[Path]:
    """Write the site into `out`; return its pages."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer, TextLexer

    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("*.html"):
        old.unlink()
    colors = HtmlFormatter().get_style_defs(".highlight")
    (out / "book.css").write_text(colors + "\n" + Path(__file__).with_name("book.css").read_text("utf-8"), "utf-8")
    book = chapters(root)
    pages, texts = {chapter.source: chapter.file for chapter in book}, {}
    for place, chapter in enumerate(book):
        texts |= relink(main := body(chapter), chapter, pages, root)
        write(out / chapter.file, chapter.title, main.decode_contents(), book, place)
    for file, path in texts.items():
        name, lexer = path.relative_to(root).as_posix(), PythonLexer() if path.suffix == ".py" else TextLexer()
        code = highlight(path.read_text(encoding="utf-8"), lexer, HtmlFormatter())
        write(out / file, name, f"<h1>{html.escape(name)}</h1>{code}", book)
    return sorted(out.glob("*.html"))


def write(path: Path, title: str, text: str, book: list[Chapter], place: int | None = None) -> None:
    title = html.escape(title if title == "colorlab" else f"{title} · colorlab")
    above, below = (navigation(book, place, where) for where in ("top", "bottom"))
    path.write_text(PAGE.format(title=title, body=text, above=above, below=below), encoding="utf-8")


if __name__ == "__main__":
    made = build(ROOT / "build" / "book")
    print(f"{len(made)} pages, {sum(page.stat().st_size for page in made) / 1e6:.1f} MB: open build/book/index.html")
