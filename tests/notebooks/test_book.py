"""The book, notebooks/book.py: made once into a temporary folder, then read as a browser would."""

import re
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pytest
from bs4 import BeautifulSoup

import contract  # puts notebooks/ on the path
import book

NOTEBOOKS = sorted((contract.ROOT / "notebooks").glob("*.ipynb"))
GLOSSARY = contract.ROOT / "notebooks" / "glossary.md"
SCHEME = re.compile(r"[a-z]+:")


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("book")
    (folder / "99_removed.html").write_text("a page of a notebook that is no more")
    book.build(folder)
    return folder


@pytest.fixture(scope="module")
def pages(site) -> dict[str, BeautifulSoup]:
    return {path.name: BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser") for path in site.glob("*.html")}


def of_notebooks(pages) -> dict[str, BeautifulSoup]:
    return {f"{path.stem}.html": pages[f"{path.stem}.html"] for path in NOTEBOOKS}


@pytest.fixture(scope="module")
def ids(pages) -> dict[str, list[str]]:
    return {name: [element["id"] for element in soup.find_all(id=True)] for name, soup in pages.items()}


def test_the_pages_are_those_of_today(pages):
    assert {"index.html", "glossary.html", "model_card.html", "study.html", "colorlab-color.py.html"} <= set(pages)
    assert set(of_notebooks(pages)) <= set(pages) and "99_removed.html" not in pages


def test_every_link_leads_somewhere(pages, ids):
    wrong = []
    for name, soup in pages.items():
        for link in soup.select("a[href]"):
            file, _, anchor = link["href"].partition("#")
            if SCHEME.match(file):
                continue
            there = ids.get(file or name)
            if there is None or anchor and unquote(anchor) not in there:
                wrong.append(f"{name}: {link['href']}")
    assert wrong == []


def test_ids_are_unique(ids):
    assert [name for name, found in ids.items() if len(set(found)) < len(found)] == []


def test_nothing_is_loaded_from_a_network_and_nothing_runs(site, pages):
    for name, soup in pages.items():
        assert not soup.select("script, iframe, object, embed, audio, video, base, style, [srcset], [onclick]"), name
        assert [link["href"] for link in soup.select("link")] == ["book.css"], name
        assert [image["src"][:40] for image in soup.select("img") if not image["src"].startswith("data:image/")] == [], name
        assert {SCHEME.match(a["href"])[0] for a in soup.select("a[href]") if SCHEME.match(a["href"])} <= {"https:"}, name
    assert not re.search(r"@import|url\(", (site / "book.css").read_text(encoding="utf-8"))


def test_every_picture_has_an_alternative_text(pages):
    assert sum(len(soup.select("img")) for soup in pages.values()) > 50
    short = [(name, image.get("alt")) for name, soup in pages.items() for image in soup.select("img")
             if len(image.get("alt", "")) < contract.ALT_CHARACTERS]
    assert short == []


def test_every_page_is_a_page(pages):
    for name, soup in pages.items():
        assert soup.html["lang"] == "en" and soup.title.get_text().endswith("colorlab"), name
        assert "width=device-width" in soup.select_one("meta[name=viewport]")["content"], name
        assert len(soup.select("h1")) == len(soup.select("main")) == 1, name
        assert soup.select_one("a.skip")["href"] == f"#{soup.main['id']}" and len(soup.select("nav")) == 2, name
        labels = [nav["aria-label"] for nav in soup.select("nav")]
        assert len(set(labels)) == 2, name  # a screen reader lists them by these names
    assert len({soup.title.get_text() for soup in pages.values()}) == len(pages)


@pytest.mark.parametrize("place", [0, 1])
def test_navigation_goes_through_all_notebooks_in_order_and_back(pages, place):
    def beside(name, rel):
        found = pages[name].select("nav")[place].select(f"a[rel={rel}]")
        return found[0]["href"] if found else None

    way, name = [], "index.html"
    while name := beside(name, "next"):
        assert beside(name, "prev") == (way[-1] if way else None)
        assert pages[name].select("nav")[place].find("a", href="index.html")
        way.append(name)
    assert way == [f"{path.stem}.html" for path in NOTEBOOKS] + ["glossary.html", "study.html", "model_card.html"]


def test_contents_lists_every_page_with_minutes_and_needs(pages):
    linked = {a["href"] for a in pages["index.html"].main.select("a")}
    assert linked >= {name for name in pages if name.split(".")[0] not in ("index", "LICENSE") and "-" not in name}
    heads = [cell.get_text() for cell in pages["index.html"].select("table th")]
    assert {"minutes", "needs"} <= set(heads)
    assert len(pages["index.html"].select("main img")) >= 1


def test_sections_are_listed(pages):
    for name, soup in of_notebooks(pages).items():
        listed = [a.get_text() for a in soup.select("details a")]
        assert listed == [h.get_text() for h in soup.select("h2")] and len(listed) > 5, name


def test_all_code_and_output_is_there(pages):
    for path in NOTEBOOKS:
        soup, nb = pages[f"{path.stem}.html"], nbformat.read(path, as_version=4)
        code = [cell for cell in nb.cells if cell.cell_type == "code" and cell.source]
        assert len(soup.select("main > .highlight")) == len(code), path.name
        assert len(soup.select("main > .output")) == sum(len(cell.outputs) for cell in code), path.name
        interactive = sum("(interactive: run this cell" in str(cell.outputs) for cell in code)
        assert soup.get_text().count("(interactive: run this cell") == interactive, path.name
        assert "NBVAL_CHECK_OUTPUT" not in soup.get_text(), path.name


def test_formulas_are_drawn(pages):
    assert sum(len(soup.select("math")) for soup in pages.values()) > 50
    for name, soup in of_notebooks(pages).items():
        for code in soup.select("pre, code, annotation"):
            code.extract()
        assert "$$" not in soup.get_text() and not re.search(r"\\(sum|frac|log|hat|tfrac)\b", soup.get_text()), name


def test_wide_things_have_a_box_of_their_own(pages):
    for name, soup in pages.items():
        assert all("table" in table.parent["class"] for table in soup.select("table")), name
        assert all("formula" in math.parent["class"] for math in soup.select("math[display=block]")), name


def test_no_path_of_a_machine(site):
    wrong = re.compile(r"(?<![\w.:/~-])/(?:home|root|work|Users|tmp|var|opt|mnt|srv|private)/\w|site-packages|file://")
    for path in site.iterdir():
        text = re.sub(r"data:image/[\w+]+;base64,[\w+/=]+", "", path.read_text(encoding="utf-8"))
        assert not wrong.search(text), f"{path.name}: {wrong.search(text)}"


def test_the_book_is_light(site):
    assert sum(path.stat().st_size for path in site.iterdir()) < 10_000_000


def entries() -> dict[str, str]:
    """term -> what the glossary says of it."""
    parts = re.split(r"^## ", GLOSSARY.read_text(encoding="utf-8"), flags=re.M)[1:]
    return {term.strip(): text.strip() for term, _, text in (part.partition("\n") for part in parts)}


def test_the_glossary_is_in_alphabetical_order(pages):
    order = [re.sub(r"[^a-z0-9 ]", "", term.lower()) for term in entries()]
    assert order == sorted(set(order)) and len(order) >= 50
    assert [heading.get_text() for heading in pages["glossary.html"].select("h2")] == list(entries())


def test_the_glossary_is_short_and_says_where_each_word_is_taught():
    """Links in the form that JupyterLab and GitHub follow, to a heading that is there."""
    wrong = []
    for term, text in entries().items():
        links = re.findall(r"\]\((\w+\.ipynb)#([^)\s]+)\)", text)
        if not links or not 8 <= contract.words(text) <= 70:
            wrong.append(f"{term}: {contract.words(text)} words, {len(links)} links")
        for file, anchor in links:
            path = GLOSSARY.parent / file
            heads = re.findall(r"^#+ (.+?)\s*$", contract.prose(nbformat.read(path, as_version=4).cells), re.M) if path.exists() else []
            if unquote(anchor) not in [head.replace(" ", "-") for head in heads]:
                wrong.append(f"{term}: {file}#{anchor}")
    assert wrong == []


def test_links_that_have_no_page_become_words(tmp_path):
    text = "# T\n\n[a](gone.md) [b](weights.bin) [c](lab.ipynb) [d](https://example.org/x) [e](code.py#L3) [f](#here)"
    for name in ("weights.bin", "lab.ipynb", "code.py"):
        (tmp_path / name).write_text("")
    chapter = book.from_markdown(tmp_path / "x.md", "x.html", text + "\n\n## Here\n")
    main = book.body(chapter)
    assert book.relink(main, chapter, {}, tmp_path) == {"code.py.html": tmp_path / "code.py"}
    assert [a["href"] for a in main.select("p a")] == ["https://example.org/x", "code.py.html", "#here"]
    assert main.p.get_text() == "a b c d e f"
