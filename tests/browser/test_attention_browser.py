"""The attention view in JupyterLab: pointer, keyboard, width, themes, strange texts.

Needs Chromium, as `test_browser.py` does. GPTLIB_SCREENSHOTS=folder keeps pictures of
the views in light and dark, at 700 and 1,000 pixels.
"""

import json
import os
import re
import urllib.request
from pathlib import Path

import nbformat
import pytest

from tests.browser.jupyterlab import TOKEN, Notebook
from tests.browser.test_boxes_browser import CONTRASTS, THEMES, _set_theme, _wait

SETUP = """
import torch
from gptlib import ModelHandler
from gptlib.lab import AttentionView
plain = ModelHandler("../models/plain").load()
text = "First Citizen:\\nBefore we proceed any further, hear me speak."
view = AttentionView(plain.model, text, plain.tokenizer, position=40)
view"""
KING = """
square = [[1, 0, 0, 0], [0.8, 0.2, 0, 0], [0.28, 0.58, 0.14, 0], [0.25, 0.5, 0.1, 0.15]]
king = AttentionView.of(torch.tensor(square), "king", position=2)
king"""
STRANGE = """
evil = ["<img src=x onerror=window.harm=1>", "<script>harm=1</script>", "\\n", " "]
heads = torch.tensor(square).expand(2, 2, 4, 4)
strange = AttentionView.of(heads, evil, [dict.fromkeys(evil, 0.25)] * 4)
strange"""
FORMING = """
from gptcourse import looking
looking.Slider({step: torch.eye(4) for step in (0, 50, 200)}, "king")"""
WIDTHS = (700, 1000)


@pytest.fixture(scope="module")
def notebook(browser, server):
    """A notebook of our own that shows three views, and maps behind a slider."""
    sources = [source.strip() for source in (SETUP, KING, STRANGE, FORMING)]
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    kernel = {"name": "python3", "display_name": "Python 3"}
    scratch = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    urllib.request.urlopen(
        urllib.request.Request(
            f"{server}/api/contents/notebooks/attention.ipynb?token={TOKEN}",
            data=json.dumps({"type": "notebook", "content": scratch}).encode(),
            method="PUT",
        )
    )
    opened = Notebook(browser, server, "attention")
    opened.run_all()
    yield opened
    opened.page.evaluate("jupyterapp.commands.execute('kernelmenu:shutdown')")
    opened.page.close()


@pytest.fixture
def view(notebook):
    """The model's view, at position 40 of layer 0, head 0."""
    box = _box(notebook, 0)
    box.get_by_role("radio", name="Layer 0, head 0:").check()
    _point_at(box, 40, click=True)
    notebook.page.mouse.move(0, 0)
    return box


def _box(notebook, place: int):
    box = notebook.page.get_by_role("group", name="Attention", exact=True).nth(place)
    box.evaluate("box => box.scrollIntoView({block: 'start'})")
    notebook.page.mouse.move(0, 0)
    return box


def _said(box) -> str:
    return box.locator(".gpt-att-said").inner_text()


def _reader(box):
    return box.get_by_role("slider")


def _point_at(box, position: int, *, click: bool = False) -> None:
    """Move to a letter of the text, or click it."""
    letter = box.locator(".gpt-att-letter, .gpt-att-later").nth(position)
    x, y = letter.evaluate(
        "node => { node.scrollIntoView({block: 'center'});"
        "const r = node.getBoundingClientRect();"
        "return [r.x + r.width / 2, r.y + r.height / 2] }"
    )
    box.page.mouse.move(x, y)
    if click:
        box.page.mouse.click(x, y)


def _kernel(notebook, expression: str) -> str:
    return notebook.run_new_cell(f"print({expression})").strip()


def test_pointing_shows_and_a_click_keeps(notebook, view):
    assert "position 40 t looks at r 1 back 0.94" in _said(view)
    _point_at(view, 20)
    assert "position 20 e looks at" in _said(view)
    notebook.page.mouse.move(0, 0)
    assert "position 40 t" in _said(view), "it was only looked at"
    _point_at(view, 30, click=True)
    notebook.page.mouse.move(0, 0)
    assert "position 30 e" in _said(view)
    assert _kernel(notebook, "view.position") == "30"


def test_the_numbers_are_the_models(notebook, view):
    row = json.loads(_kernel(notebook, "view.maps[0, 0, 40].tolist()"))
    best = [f"{weight:.2f}" for weight in sorted(row)[::-1][:3]]
    assert re.findall(r"\d\.\d\d", _said(view))[:3] == best
    heads = json.loads(_kernel(notebook, "view.maps[0, :, 40].amax(-1).tolist()"))
    shown = view.locator(".gpt-att-most").all_text_contents()
    assert shown == [f"{weight:.2f}" for weight in heads]
    nexts = view.get_by_role("listitem").first.inner_text().split("\n")
    assert nexts[0] == "h" and nexts[-1] == "← the text"


def test_it_is_used_by_keyboard_alone(notebook, view):
    reader, key = _reader(view), notebook.page.keyboard.press
    reader.focus()
    key("ArrowRight")
    assert reader.get_attribute("aria-valuenow") == "41"
    assert re.match(
        r"h, position 41\. layer 0, head 0: \d\.\d\d on \w, \d back",
        reader.get_attribute("aria-valuetext"),
    )
    key("Home")
    assert reader.get_attribute("aria-valuetext").endswith("1.00 on itself")
    key("End")
    assert "position 59" in _said(view)
    key("ArrowDown")
    key("PageDown")
    assert _said(view).startswith("layer 1, head 1")
    key("Tab")
    focused = "document.activeElement.getAttribute('aria-label')"
    assert notebook.page.evaluate(focused).startswith("Layer 1, head 1: ")
    key("ArrowRight")
    assert _said(view).startswith("layer 1, head 2")
    assert _kernel(notebook, "(view.layer, view.head, view.position)") == "(1, 2, 59)"
    _kernel(notebook, "view.set_trait('layer', 3), view.set_trait('position', 7)")
    _wait(notebook, lambda: "layer 3, head 2 · position 7" in _said(view))


def test_a_head_is_chosen_on_its_map_or_its_strip(notebook, view):
    view.get_by_role("radio", name="Layer 1, head 1:").check()
    assert _said(view).startswith("layer 1, head 1")
    view.locator(".gpt-att-name", has_text="head 3").click()
    assert _said(view).startswith("layer 1, head 3 · position 40")
    assert view.get_by_role("radio", name="Layer 1, head 3:").is_checked()


def test_a_short_text_shows_the_whole_map_with_numbers(notebook):
    box = _box(notebook, 1)
    inside = box.locator(".gpt-att-heads .gpt-att-inside").all_text_contents()
    rows = ["1.00", "0.80 0.20", "0.28 0.58 0.14", "0.25 0.50 0.10 0.15"]
    assert " ".join(inside) == " ".join(rows)
    assert "position 2 n looks at i 1 back 0.58 · k 2 back 0.28" in _said(box)
    assert box.get_by_role("listitem").count() == 0, "no distribution was given"


def test_texts_are_shown_as_they_are(notebook):
    box = _box(notebook, 2)
    assert "<img·src=x·onerror=window.harm=1>" in box.inner_text()
    assert box.locator("img, script").count() == 0
    for position in range(4):
        _point_at(box, position)
    assert notebook.page.evaluate("window.harm") is None


def test_what_is_hidden_for_a_moment_is_drawn_as_well(view):
    """As JupyterLab hides cells that are scrolled away."""
    _point_at(view, 20)
    assert view.evaluate(LEFT_WHILE_HIDDEN) == "40"


def test_a_slider_moves_through_the_maps_of_a_training(notebook):
    handle = notebook.page.locator(".widget-slider .noUi-handle")
    picture = notebook.page.get_by_role("img", name="Attention map at step")
    shown = []
    for key in ("Home", "ArrowRight", "ArrowRight"):
        handle.focus()
        notebook.page.keyboard.press(key)
        step = notebook.page.locator(".widget-readout").inner_text()
        _wait(notebook, lambda step=step: picture.get_attribute("alt").endswith(step))
        shown.append(step)
    assert shown == ["0", "50", "200"]


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_it_can_be_read_at_any_width_in_any_theme(notebook, width, theme, tmp_path):
    page = notebook.page
    page.set_viewport_size({"width": width, "height": 1500})
    _set_theme(page, theme)
    folder = Path(os.environ.get("GPTLIB_SCREENSHOTS") or tmp_path)
    try:
        for place, name in enumerate(("model", "king", "strange")):
            box = _box(notebook, place)
            notebook.page.wait_for_timeout(100)  # it is drawn anew at this width
            box.screenshot(path=folder / f"attention-{name}-{theme}-{width}.png")
            assert [f for f in box.evaluate(CONTRASTS) if f[0] < 4.5] == []
            assert box.evaluate("b => b.scrollWidth <= b.clientWidth")
        box = _box(notebook, 0)
        assert box.evaluate(LETTERS) >= 11, "letters are large enough"
        for position in (1, 13, 40, 59):
            _point_at(box, position)
            assert box.evaluate(OVERLAPS) == []
    finally:
        _set_theme(page, "light")
        page.set_viewport_size({"width": 1280, "height": 1000})


# The smallest letter of the text, in pixels.
LETTERS = """
(box) => Math.min(...[...box.querySelectorAll(".gpt-att-letter")].map(
  (node) => parseFloat(getComputedStyle(node).fontSize)))
"""
# The position that the text says when the pointer left it while it was hidden.
LEFT_WHILE_HIDDEN = """
(box) => {
  const text = box.querySelector(".gpt-att-text");
  box.style.display = "none";
  text.dispatchEvent(new PointerEvent("pointerleave"));
  box.style.display = "";
  return text.getAttribute("aria-valuenow");
}
"""
# Numbers under the text that touch each other.
OVERLAPS = """
(box) => {
  const all = [...box.querySelectorAll(".gpt-att-number")];
  const places = all.map((node) => node.getBoundingClientRect());
  return places.slice(1).filter((place, i) =>
    place.top === places[i].top && place.left < places[i].right);
}
"""
