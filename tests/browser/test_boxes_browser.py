"""The playground and the chat box in JupyterLab: keyboard, width, themes, static text.

Needs Chromium, as `test_browser.py` does. GPTLIB_SCREENSHOTS=folder keeps pictures of
the boxes in light and dark, at 1,000 and 1,400 pixels.
"""

import json
import os
import re
import urllib.request
from pathlib import Path

import nbformat
import pytest

from tests.browser.jupyterlab import NOTEBOOK, TOKEN, Notebook

PLAY = """
import torch
from gptlib import GPT, ModelHandler, ModernGPT
from gptlib.lab import ChatBox, Playground
trained = ModelHandler("../models/model3").load()
twin = (ModernGPT(trained.model.model.config), trained.tokenizer)
play = Playground(
    {"trained": trained, "untrained twin": twin},
    prompt="ROMEO:", temperature=0.7, seed=2, all_sliders=True,
)
play"""
CHAT = """
few = ModelHandler("../models/fewshot").load()
chat = ChatBox(few.model, few.tokenizer)
chat"""
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
WIDTHS = (1000, 1400)


@pytest.fixture(scope="module")
def notebook(browser, server):
    """A notebook of our own with the two boxes, both shown."""
    cells = [nbformat.v4.new_code_cell(source.strip()) for source in (PLAY, CHAT)]
    kernel = {"name": "python3", "display_name": "Python 3"}
    scratch = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    urllib.request.urlopen(
        urllib.request.Request(
            f"{server}/api/contents/notebooks/boxes.ipynb?token={TOKEN}",
            data=json.dumps({"type": "notebook", "content": scratch}).encode(),
            method="PUT",
        )
    )
    opened = Notebook(browser, server, "boxes")
    opened.run_all()
    yield opened
    opened.page.evaluate("jupyterapp.commands.execute('kernelmenu:shutdown')")
    opened.page.close()


@pytest.fixture
def play(notebook):
    """The playground, at rest, with the focus on its prompt."""
    box = notebook.page.get_by_role("group", name="Playground")
    box.scroll_into_view_if_needed()
    _wait(notebook, lambda: "Generating" not in _status(box))
    box.get_by_role("textbox", name="Prompt").focus()
    return box


@pytest.fixture
def chat(notebook):
    box = notebook.page.get_by_role("group", name="Chat")
    box.scroll_into_view_if_needed()
    box.get_by_role("textbox", name="Your line").focus()
    return box


def _status(box) -> str:
    return box.locator(".gpt-status").inner_text()


def _text(play, name: str = "trained") -> str:
    return play.get_by_role("region", name=f"Text: {name}").inner_text()


def _generate(notebook, play, prompt: str) -> None:
    """Continue a prompt, and wait for the end."""
    before, field = _status(play), play.get_by_role("textbox", name="Prompt")
    field.fill(prompt)
    field.press("Enter")
    _wait(notebook, lambda: _status(play) not in (before, "Generating …"))


def _wait(notebook, condition, seconds: float = 60) -> None:
    for _ in range(int(seconds * 10)):
        if condition():
            return
        notebook.page.wait_for_timeout(100)
    shown = notebook.page.locator(".gpt-box").all_inner_texts()
    pytest.fail(f"waited for nothing; the boxes show: {shown}")


def _kernel(notebook, expression: str) -> str:
    return notebook.run_new_cell(f"print({expression})").strip()


def test_it_opens_with_a_text_and_hides_the_stored_one(notebook, play):
    assert _text(play).startswith("ROMEO:\nAy, madam, ")  # what seed 2 gives
    assert len(_text(play)) == len(_text(play, "untrained twin")) == 306
    stored = notebook.page.locator(".gpt-stored").first
    assert stored.count() == 1 and not stored.is_visible()
    # As it is where no kernel runs and so no box is drawn.
    notebook.page.evaluate(f"{BOX}.classList.replace('gpt-box', 'x')")
    assert stored.is_visible() and stored.inner_text().startswith("trained\nROMEO:")
    notebook.page.evaluate("document.querySelector('.x').classList = 'gpt-box'")


def test_the_playground_is_used_by_keyboard_alone(notebook, play):
    page, active = notebook.page, f"{NOTEBOOK}.activeCellIndex"
    place = page.evaluate(active)
    page.keyboard.press("Control+a")
    page.keyboard.type("JULIET:")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("O ")
    assert not _text(play).startswith("JULIET:"), "Shift+Enter is a new line only"
    page.keyboard.press("Enter")
    _wait(notebook, lambda: re.match("JULIET:\nO .", _text(play)))
    page.keyboard.press("Escape")
    _wait(notebook, lambda: _status(play).startswith("Stopped after "))
    assert len(_text(play)) < 300

    for name, key, trait, value in (
        ("Temperature", "ArrowRight", "temperature", "0.8"),
        ("Top-k", "ArrowLeft", "top_k", "50"),
        ("Top-p", "ArrowDown", "top_p", "0.95"),
    ):
        page.keyboard.press("Tab")
        slider = play.get_by_role("slider", name=name)
        assert slider.evaluate("node => node === document.activeElement")
        page.keyboard.press(key)
        assert slider.get_attribute("aria-valuetext") == value
        _wait(notebook, lambda t=trait, v=value: _kernel(notebook, f"play.{t}") == v)
        slider.focus()  # the new cell took the focus
    page.keyboard.press("Tab")
    page.keyboard.press("Space")  # Generate
    _wait(notebook, lambda: _status(play) == "Generating …")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # Stop
    _wait(notebook, lambda: _status(play).startswith("Stopped after "))
    focused = page.evaluate("document.activeElement.textContent")
    assert focused == "Stop", "a button that is disabled keeps the focus"
    page.evaluate(f"{active} = {place}")


def test_the_kernel_is_free_and_a_slider_acts_in_the_middle(notebook, play):
    play.get_by_role("slider", name="Temperature").fill("2")
    notebook.page.keyboard.press("Tab")
    play.get_by_role("button", name="Generate").click()
    _wait(notebook, lambda: len(_text(play)) > 30)
    play.get_by_role("slider", name="Temperature").fill("0")
    # A cell runs, and the slider's message arrives, while the text is generated.
    now = "(play.running, play.temperature)"
    _wait(notebook, lambda: _kernel(notebook, now) == "(True, 0.0)", seconds=20)
    _wait(notebook, lambda: not _status(play).startswith("Generating"))
    # At temperature 2 few characters are the model's first choice, at 0 all of them.
    tail = _text(play)[-120:]
    ids = f"torch.tensor([trained.tokenizer.encode({tail!r})])"
    chosen = f"trained.model({ids}[:, :-1])[0].argmax(-1) == {ids}[:, 1:]"
    assert float(_kernel(notebook, f"float(({chosen})[0, -40:].float().mean())")) > 0.8
    play.get_by_role("slider", name="Temperature").fill("0.7")


def test_an_unknown_character_is_said_once_in_a_warnings_colour(notebook, play):
    prompt = play.get_by_role("textbox", name="Prompt")
    prompt.fill("Zoë:")
    prompt.press("Enter")
    _wait(notebook, lambda: "Change the prompt" in _status(play))
    assert "“ë” is not among the 65 characters that the models know." in _status(play)
    assert play.inner_text().count("ë") == 1
    ink, warning = (
        play.locator(place).evaluate("node => getComputedStyle(node).color")
        for place in (".gpt-name >> nth=0", ".gpt-warning")
    )
    assert ink != warning
    assert play.get_by_role("status").inner_text() == _status(play)
    _generate(notebook, play, "ROMEO:")
    assert play.locator(".gpt-warning").count() == 0


def test_the_chat_answers_by_keyboard_alone(notebook, chat):
    page = notebook.page
    field = chat.get_by_role("textbox", name="Your line")
    transcript = chat.get_by_role("region", name="Transcript")
    said = ["cab>CAB", "fde>FDE", "jib>JIB", "ace>ACE", "bead>"]
    for line in said:
        page.keyboard.type(line)
        page.keyboard.press("Enter")
        assert field.input_value() == "", "the next line can be typed at once"
        _wait(notebook, lambda line=line: line in transcript.inner_text())
    _wait(notebook, lambda: transcript.inner_text().strip().endswith("bead>BEAD"))
    assert transcript.inner_text().strip().split("\n") == [*said[:4], "bead>BEAD"]
    _wait(notebook, lambda: chat.get_by_text("Answer: BEAD").count() == 1)

    page.keyboard.type("é>")
    page.keyboard.press("Enter")
    _wait(notebook, lambda: "“é” is not among" in _status(chat))
    _wait(notebook, lambda: field.input_value() == "é>")  # to be changed, not lost
    for name in ("Send", "Stop", "Start anew"):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == name
    page.keyboard.press("Enter")
    _wait(notebook, lambda: "BEAD" not in transcript.inner_text())
    assert _status(chat) == ""


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_it_can_be_read_at_any_width_in_any_theme(
    notebook, play, chat, width, theme, tmp_path
):
    page = notebook.page
    page.set_viewport_size({"width": width, "height": 1000})
    _set_theme(page, theme)
    play.get_by_role("slider", name="Temperature").fill("0.7")
    play.get_by_role("slider", name="Top-k").fill("7")
    try:
        _generate(notebook, play, "ROMEO:\n")
        first = play.locator(".gpt-text").first
        _screenshots(notebook, play, chat, f"{theme}-{width}", tmp_path)
        first.evaluate("text => text.append(' wherefore art thou'.repeat(20))")
        assert first.evaluate(CUT_WORDS) == []
        first.evaluate("text => text.append('m'.repeat(300))")  # longer than a line
        for box in (play, chat, first):
            low = [found for found in box.evaluate(CONTRASTS) if found[0] < 4.5]
            assert low == []
            assert box.evaluate("b => b.scrollWidth <= b.clientWidth")
            for slider in box.get_by_role("slider").all():
                assert slider.bounding_box()["width"] >= 100
    finally:
        _set_theme(page, "light")
        page.set_viewport_size({"width": 1280, "height": 1000})


def _set_theme(page, theme: str) -> None:
    page.evaluate(
        "theme => jupyterapp.commands.execute('apputils:change-theme', {theme})",
        THEMES[theme],
    )
    is_light = str(theme == "light").lower()
    page.wait_for_selector(f"body[data-jp-theme-light={is_light}]", state="attached")
    page.wait_for_timeout(300)  # the style sheet of the theme before goes last


def _screenshots(notebook, play, chat, name: str, folder: Path) -> None:
    folder = Path(os.environ.get("GPTLIB_SCREENSHOTS") or folder)
    for what, box in (("playground", play), ("chat", chat)):
        box.evaluate("box => box.scrollIntoView({block: 'center'})")
        box.screenshot(path=folder / f"{what}-{name}.png")


BOX = "document.querySelector('.gpt-box')"

# [contrast, text, ink, page] of every visible text and field. A canvas turns any CSS
# colour into numbers.
CONTRASTS = """
(box) => {
  const context = new OffscreenCanvas(1, 1).getContext("2d");
  const paint = (colours) => {
    context.clearRect(0, 0, 1, 1);
    for (const colour of colours) {
      context.fillStyle = colour;
      context.fillRect(0, 0, 1, 1);
    }
    return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((c) => c / 255).map((c) =>
      c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (node) => {
    const colours = [];
    for (let n = node; n; n = n.parentElement)
      colours.unshift(getComputedStyle(n).backgroundColor);
    return ["white", ...colours];
  };
  const found = [];
  for (const node of [box, ...box.querySelectorAll("*")]) {
    const own = [...node.childNodes].some((c) => c.nodeType == 3 && c.data.trim());
    if (!own && !node.matches("textarea, input[type=text]")) continue;
    const page = behind(node), ink = getComputedStyle(node).color;
    const [a, b] = [paint(page), paint([...page, ink])].map(luminance);
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    found.push([contrast, node.textContent.slice(0, 30), ink, page.at(-1)]);
  }
  return found;
}
"""

# Words that stand on two lines although one would hold them. Verse fits on its lines:
# the test adds a line that does not.
CUT_WORDS = """
(column) => {
  const walker = document.createTreeWalker(column, NodeFilter.SHOW_TEXT);
  const cut = [];
  while (walker.nextNode()) {
    for (const { 0: word, index } of walker.currentNode.data.matchAll(/[A-Za-z']+/g)) {
      const range = document.createRange();
      range.setStart(walker.currentNode, index);
      range.setEnd(walker.currentNode, index + word.length);
      const lines = [...range.getClientRects()];
      const width = lines.reduce((sum, line) => sum + line.width, 0);
      if (lines.length > 1 && width < column.clientWidth) cut.push(word);
    }
  }
  return cut;
}
"""
