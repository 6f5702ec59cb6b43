"""Notebooks in JupyterLab, in a real browser: what the browser tests share."""

import json
import os
import re
import shutil
import time
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


class Notebook:
    """One notebook, open in JupyterLab with a kernel that answers."""

    def __init__(
        self, browser, server: str, name: str, *, width: int = 1280, scale: int = 2
    ):
        size = {"width": width, "height": 1000}
        self.page = browser.new_page(viewport=size, device_scale_factor=scale)
        self.address = f"{server}/lab/tree/notebooks/{name}.ipynb"
        self.load("?reset&")

    def load(self, options: str = "?", *, ready: bool = True) -> None:
        """Open the page, or load it again; ready: when the kernel is idle."""
        self.page.goto(f"{self.address}{options}token={TOKEN}")
        if ready:
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

    def begin(self, text: str) -> None:
        """Run the first cell that contains text; return at once."""
        self.page.evaluate(
            f"{NOTEBOOK}.activeCellIndex = {self._place(text)};"
            "jupyterapp.commands.execute('notebook:run-cell'); null"
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

    def wait_for(self, condition, seconds: float = 30) -> None:
        for _ in range(int(seconds * 10)):
            if condition():
                return
            time.sleep(0.1)
        pytest.fail(
            "waited for nothing; the page shows: "
            + self.page.inner_text("main, body")[-2000:]
        )


NOTEBOOK = "jupyterapp.shell.currentWidget.content"
CELLS = f"{NOTEBOOK}.widgets"
READY = """
() => {
  const context = window.jupyterapp?.shell.currentWidget?.sessionContext;
  return context?.isReady && context.session?.kernel?.status == 'idle';
}
"""
