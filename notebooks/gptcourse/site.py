"""The notebooks as a folder of pages that need neither a kernel nor a network.

    python -m gptcourse.site

nbconvert makes the pages, `site.html.j2` and `site.css` give them their look, and
MathJax, in one file beside them, draws the formulas when a page is opened.
Read next: `links.py`.
"""

import re
import shutil
from pathlib import Path

import nbformat
from jinja2 import pass_context
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from pygments.formatters import HtmlFormatter

from gptcourse import links
from gptlib.files.fetch import Remote, fetch
from gptlib.handler import ModelHandler

HERE = Path(__file__).parent
MODEL = links.ROOT / "models/model3"  # it runs on the first page
FRAME = """<iframe src="{0}.html" title="{0}, a model in this page"></iframe>

A GPT of this course, running in your browser
([on a page of its own]({0}.html))."""
# TeX in, SVG out: a single file that needs no fonts.
MATHJAX = Remote(
    what="MathJax 3.2.2 (2 MB)",
    name="mathjax.js",
    sha256="2af9375000b5a3669be94d436ae1c61159855283cd18b3ee9817fb71c8f94c84",
    wheel="django-static-mathjax==3.2.2.1",
    wheel_sha256="05ad109fd9e5d9d380c76389689b7f523e9ccb7f7a85c1eb962c7564eac7601d",
    member="mathjax/static/mathjax/es5/tex-svg.js",
)
HEADING = re.compile(r"(#+) (.+)\n*")
CODE = ("xcode", "github-dark")  # Pygments' styles, light and dark
DARK = "@media (prefers-color-scheme: dark) {"


class Renderer(IPythonRenderer):
    """Markdown whose links, and names of notebooks, lead to pages of the site."""

    def codespan(self, text: str) -> str:
        html = super().codespan(text)
        known = re.fullmatch(r"\d\d_\w+", text)
        there = known and (links.ROOT / f"notebooks/{text}.ipynb").is_file()
        return f'<a href="{page(text)}">{html}</a>' if there else html

    def link(self, text: str, url: str, title: str | None = None) -> str:
        if url.startswith("../"):  # a file of the project that is no page
            return text
        other = re.fullmatch(r"(\w+)\.(?:ipynb|md)(#.*)?", url)
        url = page(other[1]) + (other[2] or "") if other else url
        return super().link(text, url, title)


class Exporter(HTMLExporter):
    """nbconvert's HTML, with our template and our Markdown."""

    @pass_context
    def markdown2html(self, context, source: str) -> str:
        return MarkdownWithMath(Renderer(escape=False)).render(source)


def page(name: str) -> str:
    """File of a notebook's page: the first one, whose text is a map, is the index."""
    return "index.html" if name.startswith("00_") else f"{name}.html"


def fold(notebook) -> None:
    """Mark, in place, where a section that is stored collapsed begins and ends.

    Its first cell gets the heading as metadata.folded, the cell after its last one
    metadata.unfolds.
    """
    level = 0
    for cell in notebook.cells:
        heading = cell.cell_type == "markdown" and HEADING.match(cell.source)
        if level and heading and len(heading[1]) <= level:
            cell.metadata.unfolds, level = True, 0
        if heading and cell.metadata.get("jp-MarkdownHeadingCollapsed"):
            cell.metadata.folded, level = heading[0], len(heading[1])
            cell.source = cell.source[heading.end() :]


def read(folder: Path) -> dict[str, nbformat.NotebookNode]:
    """The notebooks of a folder by name, and the glossary as if it were one."""
    paths = sorted(folder.glob("[0-9]*.ipynb"))
    found = {path.stem: nbformat.read(path, as_version=4) for path in paths}
    text = (folder / "glossary.md").read_text("utf-8")
    glossary = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text)])
    return found | {"glossary": glossary}


def write(folder: Path, site: Path) -> None:
    """Write the pages of a folder's notebooks, with all that they need, to site."""
    exporter = Exporter(
        template_name="basic",
        template_file=str(HERE / "site.html.j2"),
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )
    notebooks = read(folder)
    shutil.copytree(folder / "figures", site / "figures", dirs_exist_ok=True)
    (site / MATHJAX.name).write_bytes(fetch(MATHJAX, links.ROOT / "data"))
    styles = [HtmlFormatter(style=name).get_style_defs(".highlight") for name in CODE]
    css = "\n".join(
        [(HERE / "site.css").read_text("utf-8"), styles[0], DARK, styles[1]]
    )
    (site / "site.css").write_text(css + "}\n", "utf-8")
    titles = [HEADING.match(n.cells[0].source)[2] for n in notebooks.values()]
    pages = list(zip(map(page, notebooks), titles, strict=True))
    ModelHandler(MODEL).load().export(site / f"{MODEL.name}.html", "page")
    frame = nbformat.v4.new_markdown_cell(FRAME.format(MODEL.name))
    next(iter(notebooks.values())).cells.insert(1, frame)
    for number, notebook in enumerate(notebooks.values()):
        fold(notebook)
        shown = {"pages": pages, "number": number}
        html, _ = exporter.from_notebook_node(notebook, shown)
        (site / pages[number][0]).write_text(html, "utf-8")


if __name__ == "__main__":
    target = links.ROOT / "site"
    write(links.ROOT / "notebooks", target)
    print(f"open {target / 'index.html'}")
