"""A reader's hands: JupyterLab in a real browser, its buttons and sliders.

Needs Chromium; without it these tests are skipped, unless GPTLIB_NEED_BROWSER is
set, as it is in CI. GPTLIB_SCREENSHOT=path keeps the picture of the lab.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOKEN = "browser-test"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
MOST_SCREENSHOT_BYTES = 300_000
WHOLE_NOTEBOOK_MS = 600_000


def chromium() -> str:
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    found = os.environ.get("CHROMIUM") or next(
        filter(None, map(shutil.which, names)), ""
    )
    if found:
        return found
    message = (
        "no Chromium here: install it (Debian: apt-get install chromium), or set "
        "CHROMIUM to the program, and run make browser-test again"
    )
    if os.environ.get("GPTLIB_NEED_BROWSER"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    program = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory, browser):
    """JupyterLab on a copy of the notebooks, so that saving touches nothing."""
    folder = tmp_path_factory.mktemp("project")
    for part in ("notebooks", "models"):
        shutil.copytree(
            ROOT / part, folder / part, ignore=shutil.ignore_patterns("my_*")
        )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root"]
    command += [f"--port={port}", f"--IdentityProvider.token={TOKEN}"]
    command += ["--LabApp.expose_app_in_browser=True", f"--ServerApp.root_dir={folder}"]
    with open(folder / "server.log", "w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for_server(address, folder / "server.log")
        yield address
    finally:
        process.terminate()
        process.wait(20)


def _wait_for_server(address: str, log: Path) -> None:
    for _ in range(120):
        try:
            urllib.request.urlopen(f"{address}/api?token={TOKEN}", timeout=5)
            return
        except OSError:
            time.sleep(0.5)
    pytest.fail("JupyterLab did not start:\n" + log.read_text()[-2000:])


class Notebook:
    """One notebook, open in JupyterLab with a kernel that answers."""

    def __init__(self, browser, server: str, name: str):
        size = {"width": 1280, "height": 1000}
        self.page = browser.new_page(viewport=size, device_scale_factor=2)
        self.page.goto(f"{server}/lab/tree/notebooks/{name}.ipynb?reset&token={TOKEN}")
        self.page.wait_for_function(READY, timeout=60_000)
        # JupyterLab asks whether it may fetch news; nobody is here to answer.
        self.page.add_style_tag(content="#jp-toast-container, .Toastify {display:none}")

    def run_all(self) -> None:
        """Run every cell and fail with the first error."""
        self.page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
        self._wait_until_done(0)

    def run_to(self, text: str) -> None:
        """Run the cells up to and including the first that contains text."""
        place = self._place(text)
        self.page.evaluate(f"{NOTEBOOK}.activeCellIndex = {place + 1}")
        self.page.evaluate("jupyterapp.commands.execute('notebook:run-all-above')")
        self._wait_until_done(place + 1)

    def run_only(self, text: str) -> None:
        """Run the first cell that contains text, and no other."""
        place = self._place(text)
        self.page.evaluate(
            f"{NOTEBOOK}.activeCellIndex = {place};"
            "jupyterapp.commands.execute('notebook:run-cell')"
        )

    def hidden(self, text: str) -> bool:
        """Whether the output of the first cell that contains text is folded."""
        return self.page.evaluate(f"{CELLS}[{self._place(text)}].outputHidden")

    def output(self, text: str) -> str:
        """What the first cell that contains text has printed."""
        return self.page.evaluate(
            f"{CELLS}[{self._place(text)}].model.outputs.toJSON()"
            ".map(o => o.text || '').join('')"
        )

    def _place(self, text: str) -> int:
        place = self.page.evaluate(
            f"{CELLS}.findIndex(c => c.model.type == 'code' && "
            f"c.model.sharedModel.source.includes({json.dumps(text)}))"
        )
        assert place >= 0, f"no cell contains {text!r}"
        return place

    def run_new_cell(self, code: str) -> str:
        """Run code in a new cell at the end; returns what it printed."""
        execute = "jupyterapp.commands.execute"
        self.page.evaluate(
            f"{NOTEBOOK}.activeCellIndex = {CELLS}.length - 1;"
            f"{execute}('notebook:insert-cell-below').then(() => {{"
            f"{NOTEBOOK}.activeCell.model.sharedModel.setSource({json.dumps(code)});"
            f"return {execute}('notebook:run-cell') }})"
        )
        return self.page.evaluate(
            f"{CELLS}.at(-1).model.outputs.toJSON().map(o => o.text || '').join('')"
        )

    def _wait_until_done(self, count: int) -> None:
        some = f"{CELLS}.slice(0, {count or 'undefined'})"
        code = (
            f"{some}.filter(c => c.model.type == 'code' && c.model.sharedModel.source)"
        )
        done = f"{code}.every(c => c.model.executionCount && c.promptNode && "
        done += "!c.promptNode.textContent.includes('*'))"
        failed = f"{code}.flatMap(c => c.model.outputs.toJSON())"
        failed += ".filter(o => o.output_type == 'error')"
        self.page.wait_for_function(
            f"{done} || {failed}.length > 0", timeout=WHOLE_NOTEBOOK_MS, polling=500
        )
        errors = self.page.evaluate(failed)
        assert not errors, "\n".join(errors[0]["traceback"])

    def button(self, name: str):
        return self.page.locator(
            "button.jupyter-button", has_text=re.compile(f"^{name}$")
        )

    def chart(self):
        return self.page.locator(
            ".widget-html-content svg[aria-label='loss against step']"
        )

    def wait_for(self, condition, seconds: float = 30) -> None:
        for _ in range(int(seconds * 10)):
            if condition():
                return
            time.sleep(0.1)
        pytest.fail("waited for nothing; the page shows: " + self.status())

    def status(self) -> str:
        lines = self.page.locator(".widget-html-content", has_text=" · step ")
        return lines.first.inner_text() if lines.count() else "no panel"

    def step(self) -> int:
        found = re.search(r"step ([\d,]+) of", self.status())
        return int(found[1].replace(",", "")) if found else -1


NOTEBOOK = "jupyterapp.shell.currentWidget.content"
CHART = "svg[aria-label='loss against step']"
CELLS = f"{NOTEBOOK}.widgets"
READY = """
() => {
  const context = window.jupyterapp?.shell.currentWidget?.sessionContext;
  return context?.isReady && context.session?.kernel?.status == 'idle';
}
"""


@pytest.fixture
def open_notebook(browser, server):
    opened = []

    def open_(name: str) -> Notebook:
        opened.append(Notebook(browser, server, name))
        return opened[-1]

    yield open_
    for notebook in opened:
        notebook.page.evaluate("jupyterapp.commands.execute('kernelmenu:shutdown')")
        notebook.page.close()


def test_the_lab_is_steered_with_mouse_and_keyboard(open_notebook, tmp_path):
    lab = open_notebook("07_overfitting")
    lab.run_to("lab.show()")
    assert lab.step() == 0
    lab.button("Start").click()
    lab.wait_for(lambda: lab.step() >= 360, seconds=120)
    points = lab.chart().locator("polyline").last.get_attribute("points")

    handle = lab.page.locator(".widget-slider .noUi-handle").first
    handle.focus()
    for _ in range(6):
        handle.press("ArrowRight")
    lab.wait_for(lambda: "dropout 0.3" in lab.chart().text_content())
    lab.wait_for(lambda: lab.step() >= 660, seconds=120)
    assert lab.chart().locator("polyline").last.get_attribute("points") != points
    # The kernel answers while it trains, and the model really has the new rate.
    printed = lab.run_new_cell("print(lab.state, lab.model.dropout, lab.record.turns)")
    assert printed.startswith("running 0.3"), printed
    assert "knob='dropout', value=0.3" in printed
    _screenshot(lab, tmp_path)

    lab.button("Pause").click()
    lab.wait_for(lambda: lab.status().startswith("paused"))
    paused_at = lab.step()
    time.sleep(1)
    assert lab.step() == paused_at
    lab.button("Keep this run").click()
    lab.wait_for(lambda: lab.page.locator(".widget-html-content table").count() == 1)
    lab.button("Start").click()
    lab.wait_for(lambda: lab.step() > paused_at)
    lab.button("Stop").click()
    lab.wait_for(lambda: lab.status().startswith("stopped"))
    assert "whole validation split" in lab.status()
    lab.button("Reset").click()
    lab.wait_for(lambda: lab.status().startswith("ready") and lab.step() == 0)

    lab.run_new_cell("lab.model.forward = None")
    lab.button("Start").click()
    lab.wait_for(lambda: lab.status().startswith("failed"))
    message = lab.page.locator(".widget-html-content", has_text="TypeError:")
    assert "not callable" in message.first.inner_text()


def _screenshot(lab: Notebook, folder: Path) -> None:
    path = Path(os.environ.get("GPTLIB_SCREENSHOT") or folder / "lab.png")
    panel = lab.page.locator(f".jp-OutputArea-output:has({CHART})").first
    panel.screenshot(path=path)
    assert path.stat().st_size < MOST_SCREENSHOT_BYTES


def test_a_prediction_is_clicked_and_its_result_unfolds_when_run(open_notebook):
    notebook = open_notebook("05_gpt")
    assert notebook.hidden("fresh = first_losses(stack)")
    assert notebook.hidden("guess.reveal(")
    placeholders = notebook.page.locator(".jp-OutputPlaceholder")
    assert "4.3" not in placeholders.first.inner_text()
    notebook.run_to("def first_losses(build)")
    notebook.button("clearly above").click()
    notes = notebook.page.locator(".widget-html-content", has_text="Your guess:")
    notebook.wait_for(lambda: notes.count() == 1)
    notebook.run_only("fresh = first_losses(stack)")
    notebook.run_only("guess.reveal(")
    notebook.wait_for(lambda: "Right so far" in notebook.output("guess.reveal("))
    printed = notebook.output("guess.reveal(")
    assert "Your guess: clearly above." in printed and "Right." in printed
    assert not notebook.hidden("fresh = first_losses(stack)")
    assert not notebook.hidden("guess.reveal(")
