"""Every explorer in a real browser: reached by Tab, moved by arrow keys, its picture and its words follow."""

import pytest

import lab

FOCUS = """() => { const e = document.activeElement;
  return [e.tagName, e.labels?.[0]?.innerText || e.getAttribute('aria-label') || e.title || e.innerText].join(': '); }"""
EXPLORERS = ["ab_plane", "rebalancing", "temperature", "generator", "discriminator", "gallery"]


@pytest.fixture(scope="module")
def page(chrome, jupyter):
    page = lab.open_notebook(chrome, *jupyter, "explorer.ipynb")
    cells = lab.run_all(page, lab.SECONDS)
    assert [o for cell in cells for o in cell["outputs"] if o["type"] == "error"] == []
    yield page
    lab.screenshots(page, lab.SCREENSHOTS / "explorers", "explorer")
    page.evaluate("jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    page.close()


@pytest.mark.parametrize("module", EXPLORERS)
def test_arrow_keys_move_the_picture(page, module):
    i = lab.explorers(page)[module]
    before, after = lab.move(page, i)
    assert len(before["words"]) > 20 and before["alt"] == before["words"]
    assert after["words"] != before["words"] and after["height"] == before["height"]
    cell = page.locator(".jp-NotebookPanel .jp-Cell").nth(i)
    cell.scroll_into_view_if_needed()
    cell.screenshot(path=lab.SCREENSHOTS / f"explorer-{module}.png")


@pytest.mark.parametrize("module", EXPLORERS)
def test_every_control_has_a_name_and_is_reached_by_tab(page, module):
    """What a screen reader says of the control that has the focus; the last is the view, which changes the picture alone."""
    i = lab.explorers(page)[module]
    cell = page.locator(".jp-NotebookPanel .jp-Cell").nth(i)
    controls = cell.locator(".jp-OutputArea :is(input:not([type=file]), select, button)")
    controls.first.wait_for(timeout=60_000)
    controls.first.focus()
    met = []
    for _ in range(controls.count()):
        met.append(page.evaluate(FOCUS))
        page.keyboard.press("Tab")
    assert len(set(met)) == controls.count() and all(len(name) > len("SELECT: ") for name in met), met
    before = page.evaluate(lab.SHOWN, i)
    cell.get_by_label("seen with").focus()
    page.keyboard.press("ArrowDown")
    after = lab.settled(page, i, before)
    assert after["words"] == before["words"]


def test_the_game_is_played_with_tab_and_enter(page):
    cell = page.locator(".jp-NotebookPanel .jp-Cell").filter(has=page.get_by_label("Your name"))
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
