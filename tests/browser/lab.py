"""A real JupyterLab server on a copy of the notebooks, and a real Chromium that looks at it."""

import contextlib
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = ROOT / "build" / "screenshots"
SECONDS = 600  # the longest that one notebook may take at smoke budget
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SIZE = {"width": 1100, "height": 1400}
SETTINGS = {  # every cell is drawn, also those out of sight; nothing is asked of the network
    "notebook-extension/tracker": {"windowingMode": "none"},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}
# What JupyterLab's own notebook model and the page say; run inside the page.
STATE = """() => {
  const panel = jupyterapp.shell.currentWidget;
  const cells = panel.content.widgets.map(w => ({
    type: w.model.type, source: w.model.sharedModel.source, count: w.model.executionCount ?? null,
    outputs: (w.model.outputs?.toJSON() ?? []).map(o => ({type: o.output_type, name: o.name, text: o.text,
      ename: o.ename, evalue: o.evalue, kinds: Object.keys(o.data ?? {})}))}));
  return {status: panel.sessionContext.session?.kernel?.status ?? 'none', cells};
}"""
FAULTS = """() => {
  const root = jupyterapp.shell.currentWidget.node, faults = [];
  for (const image of root.querySelectorAll('img')) {
    if (!image.complete || image.naturalWidth === 0)
      faults.push('a picture that does not load: ' + image.src.slice(0, 80));
    const cell = image.closest('.jp-Cell-outputWrapper, .jp-MarkdownOutput');
    if (cell && image.getBoundingClientRect().right > cell.getBoundingClientRect().right + 1)
      faults.push('a picture wider than its cell: ' + image.naturalWidth + ' pixels');
  }
  for (const text of ['Error displaying widget', 'Javascript Error', 'Error rendering', 'Loading widget...'])
    if (root.innerText.includes(text)) faults.push('the page says "' + text + '"');
  return faults;
}"""
# What the explorer of a cell shows.
SHOWN = """i => {
  const live = jupyterapp.shell.currentWidget.content.widgets[i].node.querySelector('.colorlab-explorer');
  const image = live?.querySelector('img'), words = live?.querySelector('[role=status]');
  return {picture: image?.src ?? '', alt: image?.alt ?? '', words: words?.innerText ?? '', height: live?.getBoundingClientRect().height};
}"""


def chromium() -> str | None:
    """Path of the browser: $CHROMIUM, or the first of NAMES on the PATH; None without one."""
    wanted = os.environ.get("CHROMIUM")
    return next((path for path in map(shutil.which, [wanted] if wanted else NAMES) if path), None)


@contextlib.contextmanager
def server(folder: Path, **environment):
    """JupyterLab on a copy of notebooks/, figures/ and results/ in `folder`; gives its address and token."""
    for name in ("notebooks", "figures", "results"):
        if (ROOT / name).is_dir():
            shutil.copytree(
                ROOT / name, folder / name, ignore=shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__")
            )
    own = folder / ".jupyter"
    for name, values in SETTINGS.items():
        plugin, key = name.split("/")
        file = own / "settings" / "@jupyterlab" / plugin / f"{key}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    environment = {
        **os.environ,
        **environment,
        "JUPYTERLAB_SETTINGS_DIR": str(own / "settings"),
        "IPYTHONDIR": str(own / "ipython"),
        "JUPYTERLAB_WORKSPACES_DIR": str(own / "workspaces"),
        "JUPYTER_CONFIG_DIR": str(own / "config"),
    }
    options = [
        "--no-browser",
        "--allow-root",
        "--expose-app-in-browser",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={token}",
        f"--ServerApp.root_dir={folder}",
    ]
    log = folder / "jupyter.log"
    with log.open("w") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options],
            env=environment,
            stdout=written,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(
            lambda: answers(f"{address}/api/status?token={token}", process, log), 90, "JupyterLab to start"
        )
        yield address, token
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


def answers(address: str, process, log: Path) -> bool:
    if process.poll() is not None:
        raise RuntimeError(f"JupyterLab ended with status {process.returncode}:\n{log.read_text()[-2000:]}")
    try:
        return urllib.request.urlopen(address, timeout=5).status == 200
    except OSError:
        return False


def wait_for(condition, seconds: float, what: str, every: float = 0.5):
    """Ask until the answer is true, and return it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answer := condition():
            return answer
        time.sleep(every)
    raise TimeoutError(f"waited {seconds:g} s for {what}")


@contextlib.contextmanager
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chrome = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield chrome
        chrome.close()


def open_notebook(chrome, address: str, token: str, name: str):
    """A page that shows notebooks/`name` in JupyterLab, its kernel ready, the side bar folded."""
    page = chrome.new_page(viewport=SIZE)
    page.goto(
        f"{address}/lab/workspaces/{Path(name).stem}/tree/notebooks/{name}?token={token}", timeout=120_000
    )
    page.wait_for_selector(".jp-NotebookPanel .jp-Cell", timeout=120_000)
    page.evaluate("jupyterapp.commands.execute('application:toggle-left-area')")
    wait_for(lambda: page.evaluate(STATE)["status"] == "idle", 120, "the kernel")
    return page


def run_all(page, seconds: float) -> list[dict]:
    """Clear the outputs, choose Run > Run All Cells as a reader would, and wait; the code cells after it."""
    page.evaluate("jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    page.locator(".jp-MenuBar, .lm-MenuBar").first.get_by_text("Run", exact=True).click()
    page.locator(".lm-Menu-item", has_text="Run All Cells").first.click()

    def ended():
        state = page.evaluate(STATE)
        code = [cell for cell in state["cells"] if cell["type"] == "code" and cell["source"].strip()]
        failed = any(o["type"] == "error" for cell in code for o in cell["outputs"])
        return code if state["status"] == "idle" and (failed or all(cell["count"] for cell in code)) else None

    wait_for(ended, seconds, "all cells to run")
    time.sleep(1)  # the last outputs are being drawn
    return ended()


def explorers(page) -> dict[str, int]:
    """{module: the number of its cell} of the cells that begin an explorer, such as `ab_plane.explore(...)`."""
    cells = enumerate(page.evaluate(STATE)["cells"])
    return {name: i for i, cell in cells if cell["type"] == "code" for name in re.findall(r"^(\w+)\.explore\(", cell["source"], re.M)}


def move(page, i: int) -> tuple[dict, dict]:
    """Press an arrow key on the first slider of the explorer in cell i; what it showed before, and after."""
    slider = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell").nth(i).get_by_role("slider").first
    slider.wait_for(timeout=60_000)
    before = page.evaluate(SHOWN, i)
    slider.focus()
    page.keyboard.press("ArrowLeft" if slider.input_value() == slider.get_attribute("max") else "ArrowRight")
    return before, settled(page, i, before)


def settled(page, i: int, before: dict) -> dict:
    """What the explorer in cell i shows once it differs from `before`."""
    wait_for(lambda: page.evaluate(SHOWN, i)["picture"] != before["picture"], 20, "the picture to change", every=0.05)
    return page.evaluate(SHOWN, i)


def screenshots(page, folder: Path, stem: str) -> list[Path]:
    """The whole notebook, one window's height after the other: STEM-01.png, STEM-02.png ..."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(f"{stem}-[0-9][0-9].png"):
        old.unlink()
    pane = (
        "[...jupyterapp.shell.currentWidget.node.querySelectorAll('.jp-WindowedPanel-outer, .jp-Notebook')]"
        ".find(e => e.scrollHeight > e.clientHeight + 1)"
    )
    page.evaluate(f"() => {{ const e = {pane}; if (e) e.scrollTop = 0; }}")
    made = []
    while len(made) < 60:
        time.sleep(0.3)
        made.append(folder / f"{stem}-{len(made) + 1:02d}.png")
        page.screenshot(path=made[-1])
        moved = page.evaluate(
            f"() => {{ const e = {pane}; if (!e) return 0; const t = e.scrollTop;"
            " e.scrollTop += e.clientHeight - 60; return e.scrollTop - t; }"
        )
        if moved < 1:
            break
    return made
