"""The training lab as a reader meets it: knobs while a cell waits, reload, themes.

GPTLIB_SCREENSHOT=path keeps a picture of the panel.
"""

import os
import re
import time
from pathlib import Path

import nbformat
import pytest

from tests.browser.jupyterlab import Notebook

CELLS = [
    """import torch
from gptlib import GPT, CharTokenizer, Corpus, GPTConfig, TrainConfig
from gptlib.lab import TrainingLab
lines = [f"{i} plus {i + 1} is {2 * i + 1}.\\n" for i in range(400)]
corpus = Corpus.from_text("".join(lines), "sums")
tok = CharTokenizer(corpus.text)
data = corpus.encode(tok)
config = TrainConfig(steps=100_000, schedule="constant", batch_size=4)
size = dict(block_size=16, n_layer=1, n_head=2, n_embd=16)""",
    """torch.manual_seed(0)
lab = TrainingLab(GPT(GPTConfig(vocab_size=tok.vocab_size, **size)), data, config)
lab.show()""",
    "lab.start(); lab.wait(); print('ended', lab.state)",
    "print('this cell ran')",
]
PANEL = ".gpt-lab"
LIGHT, DARK = "JupyterLab Light", "JupyterLab Dark"


class Lab:
    """The panel in the scratch notebook."""

    def __init__(self, notebook: Notebook):
        self.notebook, self.page = notebook, notebook.page
        self.panel = self.page.locator(PANEL)

    def status(self) -> str:
        return self.panel.locator(".status").inner_text()

    def step(self) -> int:
        found = re.search(r"step ([\d,]+) of", self.status())
        return int(found[1].replace(",", "")) if found else -1

    def state(self) -> str:
        return self.panel.locator(".state").inner_text()

    def button(self, name: str):
        return self.panel.get_by_role("button", name=name, exact=True)

    def knob(self, name: str):
        return self.panel.get_by_role("slider", name=name)

    def wait_for(self, condition, seconds: float = 60) -> None:
        self.notebook.wait_for(condition, seconds)

    def run(self, code: str) -> str:
        return self.notebook.run_new_cell(code)


@pytest.fixture(scope="module")
def scratch(project):
    cells = [nbformat.v4.new_code_cell(code) for code in CELLS]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(notebook, project / "notebooks" / "scratch.ipynb")
    return "scratch"


@pytest.fixture(scope="module")
def shown(browser, server, scratch):
    """One page and one kernel for all tests: opening them takes the longest."""
    notebook = Notebook(browser, server, scratch)
    notebook.run_to("lab.show()")
    yield Lab(notebook)
    notebook.page.evaluate("jupyterapp.commands.execute('kernelmenu:shutdown')")
    notebook.page.close()


@pytest.fixture
def lab(shown):
    """The panel before the first step, with nothing kept."""
    shown.run("lab.kept.clear(); lab.reset()")
    shown.wait_for(lambda: shown.panel.count() == 1 and shown.step() == 0)
    return shown


def test_everything_by_keyboard_while_a_cell_waits(lab):
    lab.notebook.begin("lab.wait()")
    lab.wait_for(lambda: lab.step() >= 60)
    dropout = lab.knob("dropout")
    for _ in range(6):
        dropout.press("ArrowRight")
    chart = lab.panel.locator(".chart svg")
    lab.wait_for(lambda: "dropout 0.3" in chart.text_content())
    assert dropout.get_attribute("aria-valuetext") == "0.30"
    turned_at = lab.step()
    lab.wait_for(lambda: lab.step() >= turned_at + 60)

    lab.button("Pause").press("Enter")
    lab.wait_for(lambda: "a cell waits" in lab.state())
    paused_at = lab.step()
    lab.button("Step").press("Space")
    lab.wait_for(lambda: lab.step() == paused_at + 1)
    assert "ended" not in lab.notebook.output("lab.wait()")
    chart.press("End")
    values = lab.panel.locator(".values")
    assert "this run" in values.inner_text() and "train" in values.inner_text()
    chart.press("Escape")
    assert values.is_hidden()
    train = lab.button("train")
    train.press("Enter")
    lab.wait_for(lambda: train.get_attribute("aria-pressed") == "false")
    lab.wait_for(lambda: chart.locator("polyline[data-key=train]").count() == 0)

    lab.button("Keep this run").press("Enter")
    renaming = lab.panel.get_by_role("button", name=re.compile("^rename"))
    renaming.press("Enter")
    field = lab.panel.get_by_label(re.compile("^new name of"))
    lab.wait_for(lambda: field.count() == 1)
    lab.page.keyboard.type("mine")
    lab.page.keyboard.press("Enter")
    lab.wait_for(lambda: lab.button("mine").count() == 1)
    _screenshot(lab)
    lab.button("delete mine").press("Enter")
    lab.wait_for(lambda: lab.panel.locator(".runs").count() == 0)
    lab.button("Stop").press("Enter")
    output = lab.notebook.output
    lab.wait_for(lambda: "ended stopped" in output("lab.wait()"))
    assert "whole validation split" in lab.status()
    printed = lab.run("print(lab.model.dropout, lab.record.turns)")
    assert printed.startswith("0.3") and "value=0.3" in printed
    lab.button("Reset").press("Enter")
    lab.wait_for(lambda: lab.step() == 0 and lab.state() == "ready")
    assert dropout.get_attribute("aria-valuetext") == "0.00"


def _screenshot(lab: Lab) -> None:
    path = os.environ.get("GPTLIB_SCREENSHOT")
    if path:
        lab.panel.screenshot(path=Path(path))


COLOURS = """
(panel) => {
  const pen = document.createElement('canvas').getContext('2d');
  const rgb = (c) => { pen.clearRect(0, 0, 1, 1); pen.fillStyle = c;
    pen.fillRect(0, 0, 1, 1); return [...pen.getImageData(0, 0, 1, 1).data]; };
  const below = (node) => {
    for (; node; node = node.parentElement) {
      const colour = rgb(getComputedStyle(node).backgroundColor);
      if (colour[3] == 255) return colour;
    }
  };
  const own = (node) => [...node.childNodes]
    .some((child) => child.nodeType == 3 && child.data.trim());
  const found = [];
  for (const node of panel.querySelectorAll('*')) {
    if (!own(node) || !node.checkVisibility() || node.tagName == 'title') continue;
    const svg = node.tagName == 'text';
    const ink = svg ? node.getAttribute('fill') : getComputedStyle(node).color;
    found.push([node.textContent, rgb(ink), below(svg ? panel : node)]);
  }
  return found;
}
"""


def luminance(colour: list[int]) -> float:
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (value / 255 for value in colour[:3])
    ]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(a: list[int], b: list[int]) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast_in_both_themes_names_and_a_narrow_window(lab):
    lab.run("lab.start(steps=150); lab.wait(); lab.set(dropout=0.2)")
    for name in "one", "two", "three", "four", "five", "six":
        lab.run(f"lab.keep({name!r})")
    lab.wait_for(lambda: lab.button("six").count() == 1)
    backgrounds = []
    for theme in LIGHT, DARK:
        change = f"execute('apputils:change-theme', {{theme: '{theme}'}})"
        lab.page.evaluate(f"jupyterapp.commands.{change}")
        wanted = "dark" if theme == DARK else "light"
        lab.wait_for(lambda w=wanted: lab.panel.get_attribute("data-theme") == w)
        time.sleep(0.5)
        texts = lab.panel.evaluate(COLOURS)
        assert len(texts) > 60 and any("val" in words for words, _, _ in texts)
        faint = [(w, round(contrast(a, b), 2)) for w, a, b in texts]
        assert [pair for pair in faint if pair[1] < 4.5] == []
        page = next(ground for words, _, ground in texts if "loss (nats" in words)
        backgrounds.append(luminance(page))
    assert backgrounds[0] > 0.8 and backgrounds[1] < 0.1

    lab.page.set_viewport_size({"width": 1000, "height": 900})
    lab.wait_for(lambda: lab.panel.bounding_box()["width"] < 700)
    right = lab.panel.bounding_box()["x"] + lab.panel.bounding_box()["width"]
    controls = lab.panel.locator("button, input, select").all()
    for control in filter(lambda c: c.is_visible(), controls):
        box = control.bounding_box()
        assert box["x"] + box["width"] <= right
    assert lab.knob("dropout").bounding_box()["width"] >= 80
    for kind in "button", "slider", "checkbox", "combobox":
        found = lab.panel.get_by_role(kind)
        named = lab.panel.get_by_role(kind, name=re.compile("."))
        assert found.count() == named.count() > 0
    for chosen in "log scale", "all steps":
        before = lab.panel.locator(".chart svg").inner_html()
        lab.panel.get_by_label(chosen).check()
        lab.wait_for(lambda b=before: lab.panel.locator(".chart svg").inner_html() != b)
    with lab.page.expect_download() as download:
        lab.button("download the chart as CSV").click()
    rows = Path(download.value.path()).read_text().splitlines()
    assert rows[0].startswith("run,step,train,val") and len(rows) == 1 + 7 * 3
    with lab.page.expect_download() as download:
        lab.button("download the chart as PNG").click()
    assert Path(download.value.path()).read_bytes().startswith(b"\x89PNG")


def test_it_survives_a_reload_a_second_run_and_says_when_the_kernel_is_gone(lab):
    lab.notebook.begin("lab.wait()")
    lab.wait_for(lambda: lab.step() >= 50)
    lab.page.evaluate("jupyterapp.commands.execute('docmanager:save')")
    before = lab.step()
    lab.notebook.load(ready=False)
    lab.wait_for(lambda: lab.panel.count() == 1 and lab.step() > before)
    assert lab.state() == "running"
    lab.button("Stop").click()
    lab.wait_for(lambda: lab.state().startswith("stopped"))

    lab.run("lab.reset(); lab.start(); first = lab.record")
    lab.notebook.run_only("lab.show()")
    offer = lab.panel.locator(".offer")
    lab.wait_for(lambda: lab.panel.count() == 1 and offer.is_visible())
    assert "its training is still running" in offer.inner_text()
    lab.button("Show the running one").click()
    lab.wait_for(lambda: lab.state() == "running" and offer.is_hidden())
    assert lab.run("print(lab.record is first)") == "True\n"
    lab.notebook.run_only("lab.show()")
    lab.wait_for(lambda: lab.panel.count() == 1 and offer.is_visible())
    lab.button("Start anew").click()
    lab.wait_for(lambda: offer.is_hidden() and lab.state() == "ready")
    assert lab.run("print(lab.record is first)") == "False\n"

    lab.button("Start").click()
    lab.wait_for(lambda: lab.state() == "running")
    lab.page.evaluate("jupyterapp.shell.currentWidget.sessionContext.restartKernel()")
    lab.wait_for(lambda: lab.state() == "no kernel")
    assert lab.button("Pause").is_disabled()
    assert "run this cell again" in lab.panel.locator(".trouble").inner_text()
