"""The static copy of the notebooks, opened from its folder without a network.

Needs Chromium, as `test_browser.py` does. GPTLIB_SCREENSHOTS=folder keeps pictures.
"""

import os
import re
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageStat

from gptcourse import site

ROOT = Path(__file__).parents[2]
NAMES = [*sorted(p.stem for p in ROOT.glob("notebooks/[0-9]*.ipynb")), "glossary"]
MATHS = "() => MathJax.startup.promise.then(() => true)"
# What is read as text: neither code, nor what MathJax drew.
PROSE = """
() => {
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walk.nextNode())
    if (!walk.currentNode.parentElement.closest('pre, code, mjx-container'))
      texts.push(walk.currentNode.data);
  return texts.join(' ');
}
"""
IMAGES = """
images => images.map(image => ({
  alt: image.alt, loaded: image.complete && image.naturalWidth > 0
}))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """The site of the notebooks as they are stored."""
    made = tmp_path_factory.mktemp("site")
    site.write(ROOT / "notebooks", made)
    return made


@pytest.fixture(scope="module")
def reader(browser, folder):
    """Opens a page of the site; what it asks for, and what goes wrong, is noted."""
    opened = []

    def open_(name: str, scheme: str = "light", width: int = 1000):
        context = browser.new_context(
            offline=True,
            color_scheme=scheme,
            viewport={"width": width, "height": 1200},
        )
        opened.append(context)
        page = context.new_page()
        page.asked, page.wrong = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("requestfailed", lambda request: page.wrong.append(request.url))
        page.on("pageerror", lambda error: page.wrong.append(str(error)))
        page.on("console", lambda line: page.wrong.append(line.text))
        page.goto((folder / name).as_uri())
        page.evaluate(MATHS)
        return page

    yield open_
    for context in opened:
        context.close()


def stored(name: str):
    """The cells that a page shows, of Markdown and of code."""
    notebook = site.read(ROOT / "notebooks")[name]
    kinds = "markdown", "code"
    return ([c for c in notebook.cells if c.cell_type == kind] for kind in kinds)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_whole_without_a_network(reader, folder, name):
    page = reader(site.page(name))
    assert page.wrong == []
    inside = folder.as_uri()
    assert all(url.startswith((inside, "data:")) for url in page.asked), page.asked

    prose, formulas = page.evaluate(PROSE), page.locator("mjx-container").count()
    assert "$" not in prose and "\\" not in prose
    assert page.locator("mjx-merror, [data-mml-node=merror]").count() == 0
    markdown, code = stored(name)
    written = "".join(re.sub(r"(?s)```.*?```|`[^`]*`", "", c.source) for c in markdown)
    assert formulas == len(re.findall(r"(?s)\$\$.+?\$\$|\$[^$]+\$", written))

    images = page.locator("img").evaluate_all(IMAGES)
    pictures = "".join(str(cell.outputs) for cell in code)
    kinds = r"'image/(?:png|svg\+xml)': ['\"]|<img "
    embedded = len(re.findall(kinds, pictures))
    assert len(images) == embedded + written.count("![")
    for image in images:
        assert image["loaded"] and len(image["alt"].split()) >= 3, image

    folded = [c for c in code if c.metadata.get("jupyter", {}).get("source_hidden")]
    assert page.locator("details.code").count() == len(folded)
    collapsed = [c for c in markdown if c.metadata.get("jp-MarkdownHeadingCollapsed")]
    assert page.locator("details.deeper").count() == len(collapsed)
    answers = written.count("<details>") + pictures.count("<details>")
    assert page.locator("details").count() >= answers + len(folded) + len(collapsed)
    assert page.locator("details[open]").count() == 0


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_to_a_page_and_nothing_is_too_wide(reader, folder, name):
    page = reader(site.page(name), width=700)
    wide = "document.documentElement.scrollWidth"
    assert page.evaluate(wide) <= 700
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate(wide) <= 700
    for link in page.locator("a").evaluate_all("all => all.map(a => a.href)"):
        file, _, place = link.partition("#")
        if file.startswith("file:"):
            found = Path(file.removeprefix("file://"))
            assert found.parent == folder and found.is_file(), link
            assert not place or f'id="{place}"' in found.read_text(), link


def test_one_can_read_from_the_first_page_to_the_last(reader):
    page = reader("index.html")
    read = [page.title()]
    while page.locator("[rel=next]").count():
        with page.expect_navigation():
            page.locator("[rel=next]").click()
        page.evaluate(MATHS)
        read.append(page.title())
        assert page.locator("nav [aria-current=page]").count() == 1
    assert len(read) == len(set(read)) == len(NAMES)
    assert page.wrong == []
    with page.expect_navigation():
        page.locator("[rel=prev]").click()
    with page.expect_navigation():
        page.get_by_role("link", name="02", exact=True).click()
    assert page.title().startswith("02 · ")


def test_a_model_runs_on_the_first_page(reader):
    page = reader("index.html")
    model = page.frame(url=re.compile(r"model3\.html$"))
    model.evaluate("ready")
    assert model.evaluate("tokens.length") > 100
    assert page.wrong == []


def test_an_answer_is_seen_after_a_click(reader):
    page = reader("02_single_head.html")
    solution = page.locator("details", has_text="Solution").first
    assert not solution.locator("pre").is_visible()
    solution.locator("summary").click()
    assert solution.locator("pre").is_visible()
    deeper = page.locator("details.deeper")
    assert not deeper.get_by_role("heading", name=re.compile("^D1")).is_visible()
    deeper.locator("> summary").click()
    assert deeper.get_by_role("heading", name=re.compile("^D1")).is_visible()
    kept = os.environ.get("GPTLIB_SCREENSHOTS")
    if kept:
        page.screenshot(path=f"{kept}/site.png", full_page=True)


def test_light_and_dark_follow_the_system_drawings_too(reader):
    colours, drawn = {}, {}
    for scheme in ("light", "dark"):
        page = reader("02_single_head.html", scheme)
        paper = "getComputedStyle(document.body).backgroundColor"
        colours[scheme] = page.evaluate(paper)
        drawing = page.locator("main img").first
        picture = Image.open(BytesIO(drawing.screenshot())).convert("L")
        drawn[scheme] = ImageStat.Stat(picture).mean[0]
    assert colours == {"light": "rgb(255, 255, 255)", "dark": "rgb(13, 17, 23)"}
    assert drawn["light"] > 200 and drawn["dark"] < 60
