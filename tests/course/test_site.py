"""The static copy of the notebooks; the browser test opens the real one."""

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from gptcourse import site
from gptlib import GPT, CharTokenizer, GPTConfig, ModelHandler

PIXEL = "iVBORw0KGgo="  # the beginning of a PNG
START = """# 00 · Start

![A drawing of it](figures/00.svg)

[on](01_next.ipynb#Deeper), [terms](glossary.md), [notes](../models/notes.md),
[outside](https://example.org/a.md), `01_bigram`, `01_nowhere`

| a | b |
|---|---|
| $a_1 < b$ | 2 |

<details><summary>Solution</summary>

It is **seven**.

</details>"""


@pytest.fixture
def pages(tmp_path, monkeypatch):
    """The site of two small notebooks: file name -> parsed page."""
    folder, made = tmp_path / "notebooks", tmp_path / "site"
    (folder / "figures").mkdir(parents=True)
    (folder / "figures/00.svg").write_text("<svg/>")
    (folder / "glossary.md").write_text("# Glossary\n\n- **bit** ([00](00_a.ipynb))\n")
    picture = new_output(
        "display_data",
        {"image/png": PIXEL, "text/plain": "<Figure>"},
        metadata={"image/png": {"alt": 'One "grey" pixel'}},
    )
    told = new_output("stream", name="stdout", text="a < b\n")
    hidden = {"jupyter": {"source_hidden": True}}
    late = {"jupyter": {"outputs_hidden": True}}
    collapsed = {"jp-MarkdownHeadingCollapsed": True}
    second = [
        new_markdown_cell("# 01 · Next"),
        new_code_cell("draw()", metadata=hidden, outputs=[picture]),
        new_code_cell("tell()", metadata=late, outputs=[told]),
        new_markdown_cell("## Deeper\n\nOptional.", metadata=collapsed),
        new_markdown_cell("### D1. More"),
        new_code_cell("more()"),
        new_markdown_cell("## Try it"),
    ]
    for name, cells in (("00_a", [new_markdown_cell(START)]), ("01_next", second)):
        notebook = nbformat.v4.new_notebook(cells=cells)
        nbformat.write(notebook, folder / f"{name}.ipynb")
    monkeypatch.setattr(site, "fetch", lambda remote, folder: b"// MathJax")
    model = GPT(GPTConfig(2, 4, 1, 1, 8))
    saved = ModelHandler(tmp_path / "tiny").save(model, CharTokenizer("ab"))
    monkeypatch.setattr(site, "MODEL", saved.path)
    site.write(folder, made)
    for name in ("figures/00.svg", "mathjax.js", "tiny.html"):
        assert (made / name).is_file()
    return {
        path.name: BeautifulSoup(path.read_text(), "html.parser")
        for path in made.glob("*.html")
        if path.name != "tiny.html"
    }


def test_pages_lead_to_each_other(pages):
    assert set(pages) == {"index.html", "01_next.html", "glossary.html"}
    shown = pages["index.html"].main.find_all("a", class_=lambda c: c != "anchor-link")
    assert pages["index.html"].main.iframe["src"] == "tiny.html"
    assert [(a.text, a["href"]) for a in shown] == [
        ("on", "01_next.html#Deeper"),
        ("terms", "glossary.html"),
        ("outside", "https://example.org/a.md"),
        ("01_bigram", "01_bigram.html"),
        ("on a page of its own", "tiny.html"),
    ]
    assert pages["01_next.html"].find(id="Deeper").name == "h2"
    assert "notes" in pages["index.html"].main.text
    for page in pages.values():
        files = [a["href"] for a in page.nav.find_all("a")]
        assert files == ["index.html", "01_next.html", "glossary.html"]
    ends = {name: page.footer.find_all("a") for name, page in pages.items()}
    assert [a["href"] for a in ends["01_next.html"]] == ["index.html", "glossary.html"]
    assert [a["rel"] for a in ends["index.html"]] == [["next"]]
    assert pages["glossary.html"].main.li.a["href"] == "index.html"


def test_what_is_folded_in_the_notebook_is_folded_on_the_page(pages):
    assert pages["index.html"].details.strong.text == "seven"
    code, output, deeper = pages["01_next.html"].main.find_all("details")
    assert "draw()" in code.text and not code.find("img")
    assert output.pre.text == "a < b\n" and "tell()" not in output.text
    assert deeper.summary.h2["id"] == "Deeper" and deeper.p.text == "Optional."
    assert "more()" in deeper.text and "Try it" not in deeper.text
    assert not any(d.has_attr("open") for d in (code, output, deeper))


def test_pictures_say_what_is_seen_and_formulas_are_left_to_mathjax(pages):
    drawn, plotted = pages["index.html"].img, pages["01_next.html"].img
    assert (drawn["src"], drawn["alt"]) == ("figures/00.svg", "A drawing of it")
    assert plotted["alt"] == 'One "grey" pixel'
    assert pages["index.html"].td.text == "$a_1 < b$"
