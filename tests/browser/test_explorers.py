"""Every explorer in a real browser: reached by Tab, moved by arrow keys, its picture and its words follow."""

import re

import pytest

import lab
from test_jupyterlab import SCREENSHOTS, SECONDS, chrome, jupyter  # noqa: F401

# What each live explorer of the page shows; run inside the page, with a cell's number.
SHOWN = """i => {
  const cell = jupyterapp.shell.currentWidget.content.widgets[i].node;
  const image = cell.querySelector('img[src^="data:image/png"]'), words = cell.querySelector('[role=status]');
  return {picture: image?.src ?? '', alt: image?.alt ?? '', words: words?.innerText ?? '', height: cell.getBoundingClientRect().height};
}"""
FOCUS = """() => { const e = document.activeElement;
  return [e.tagName, e.labels?.[0]?.innerText || e.getAttribute('aria-label') || e.title || e.innerText].join(': '); }"""
EXPLORERS = ["ab_plane", "rebalancing", "temperature", "generator", "discriminator", "gallery"]


@pytest.fixture(scope="module")
def page(chrome, jupyter):  # noqa: F811
    page = lab.open_notebook(chrome, *jupyter, "explorer.ipynb")
    cells = lab.run_all(page, SECONDS)
    assert [o for cell in cells for o in cell["outputs"] if o["type"] == "error"] == []
    yield page
    lab.screenshots(page, SCREENSHOTS / "explorers", "explorer")
    page.evaluate("jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    page.close()


def cell_of(page, module: str, begins: str = "explore") -> int:
    """The number of the cell that begins its explorer."""
    cells = page.evaluate(lab.STATE)["cells"]
    found = [i for i, cell in enumerate(cells) if cell["type"] == "code" and re.search(rf"^{module}\.{begins}\(", cell["source"], re.M)]
    assert len(found) == 1
    return found[0]


def settled(page, i: int, before: dict) -> dict:
    """What is shown once it differs from `before`."""
    lab.wait_for(lambda: page.evaluate(SHOWN, i)["picture"] != before["picture"], 20, "the picture to change", every=0.05)
    return page.evaluate(SHOWN, i)


@pytest.mark.parametrize("module", EXPLORERS)
def test_arrow_keys_move_the_picture(page, module):
    i = cell_of(page, module)
    cell = page.locator(".jp-NotebookPanel .jp-Cell").nth(i)
    first = cell.get_by_role("slider").first
    first.wait_for(timeout=60_000)
    before = page.evaluate(SHOWN, i)
    assert len(before["words"]) > 20 and before["alt"] == before["words"]
    first.focus()
    page.keyboard.press("ArrowLeft" if first.input_value() == first.get_attribute("max") else "ArrowRight")
    after = settled(page, i, before)
    assert after["words"] != before["words"] and after["height"] == before["height"]
    cell.scroll_into_view_if_needed()
    cell.screenshot(path=SCREENSHOTS / f"explorer-{module}.png")


@pytest.mark.parametrize("module", EXPLORERS)
def test_every_control_has_a_name_and_is_reached_by_tab(page, module):
    """What a screen reader says of the control that has the focus; the last is the view, which changes the picture alone."""
    i = cell_of(page, module)
    cell = page.locator(".jp-NotebookPanel .jp-Cell").nth(i)
    controls = cell.locator(".jp-OutputArea :is(input:not([type=file]), select, button)")
    controls.first.wait_for(timeout=60_000)
    controls.first.focus()
    met = []
    for _ in range(controls.count()):
        met.append(page.evaluate(FOCUS))
        page.keyboard.press("Tab")
    assert len(set(met)) == controls.count() and all(len(name) > len("SELECT: ") for name in met), met
    before = page.evaluate(SHOWN, i)
    cell.get_by_label("seen with").focus()
    page.keyboard.press("ArrowDown")
    after = settled(page, i, before)
    assert after["words"] == before["words"]


def test_the_game_is_played_with_tab_and_enter(page):
    cell = page.locator(".jp-NotebookPanel .jp-Cell").nth(cell_of(page, "amt_game", "play"))
    told = cell.get_by_role("status")
    cell.get_by_label("Your name").focus()
    page.keyboard.type("ann")
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUS).startswith("BUTTON: Begin")
    page.keyboard.press("Enter")
    lab.wait_for(lambda: told.inner_text() == "Look at the cross.", 20, "the game to begin")
    for name in ("left", "right"):
        page.keyboard.press("Tab")
        assert page.evaluate(FOCUS) == f"BUTTON: The photograph was on the {name}"
        before = told.inner_html()
        page.wait_for_timeout(2500)  # an empty frame and the second of the pair
        page.keyboard.press("Enter")
        lab.wait_for(lambda: told.inner_html() != before and told.inner_text().startswith(("Right", "Wrong")), 20, "the verdict", every=0.1)
    assert (SCREENSHOTS.parent.parent / "notebooks" / "explorer_answers.csv").exists() is False  # it is written beside the copy
