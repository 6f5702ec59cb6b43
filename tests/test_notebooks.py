"""What can be said of the notebooks without running them; nbval runs them."""

import ast
import csv
import importlib
import inspect
import re
import statistics
from pathlib import Path

import nbformat
import pytest

from gptcourse import links
from gptcourse.hashes import code_hash, library_hash
from gptcourse.refresh import LEDGER

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "notebooks"

PATHS = sorted(FOLDER.glob("[0-9]*.ipynb"))
EXPECTED = [
    "00_start_here",
    "01_bigram",
    "02_single_head",
    "03_multi_head",
    "04_blocks",
    "05_gpt",
    "06_training",
    "07_overfitting",
    "08_generation",
    "09_tokenization",
    "10_prompting",
    "11_finetuning",
    "12_looking_inside",
    "13_speed",
    "14_modern",
    "15_reading",
    "16_gpt2",
    "17_scaling",
]
MARK = re.compile(r"# ((?:gptlib|notebooks/gptcourse)/[\w/]+\.py)\b")
# What the notebooks promise to show in full: everything public of these modules, and
# the named functions of the others.
WHOLE_MODULES = ("attention", "model")
NAMED = {
    "tokenizer": ["CharTokenizer"],
    "bpe": ["merge", "count_pieces", "train_merges", "encode_piece"],
    "data": ["random_windows"],
    "evaluation": ["token_losses", "evaluate", "reading_losses"],
    "optim": ["learning_rate", "parameter_groups", "orthogonalise"],
    "training": ["update"],
    "model": ["next_token_loss", "init_weights"],
    "attention": ["fuse_heads"],
    "generation": ["token_probabilities", "draw"],
    "modern": [
        "rotate",
        "rotary_angles",
        "rms_norm",
        "ModernFeedForward",
        "ShortConvolution",
    ],
}
# They build no new model, or several to compare; what they measure is no rung.
WITHOUT_A_RUNG = ("00_start_here", "08_generation", "09_tokenization", "13_speed")
WITHOUT_A_RUNG += ("10_prompting", "11_finetuning", "16_gpt2", "17_scaling")
WITHOUT_A_RUNG += ("12_looking_inside",)
WITHOUT_A_RUNG += ("15_reading",)  # its loss is no fixed model's
SHAPED = EXPECTED[1:5]  # the notebooks where every operation says its shapes

# Those whose form is that of the series: a spine, then what lies deeper.
START = "00_start_here"
IN_FORM = EXPECTED

in_form = pytest.mark.parametrize("name", IN_FORM)
every_notebook = pytest.mark.parametrize("path", PATHS, ids=[p.stem for p in PATHS])


def cells(path, kind="code"):
    notebook = nbformat.read(path, as_version=4)
    links.remove(notebook)
    return [cell for cell in notebook.cells if cell.cell_type == kind]


class Bare(ast.NodeTransformer):
    """Takes docstrings and annotations out of a syntax tree."""

    def visit_FunctionDef(self, node):
        self.generic_visit(node)
        node.returns = None
        arguments = node.args
        for a in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]:
            a.annotation = None
        node.body = without_docstring(node.body)
        return node

    def visit_ClassDef(self, node):
        self.generic_visit(node)
        node.body = without_docstring(node.body)
        return node

    def visit_AnnAssign(self, node):
        node.annotation = ast.Constant(None)
        return node


def without_docstring(body):
    first = body[0]
    is_text = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return body[1:] if is_text else body


def definitions(source):
    """Bare syntax tree of every class and function of a source, by name."""
    kinds = (ast.ClassDef, ast.FunctionDef)
    found = [node for node in ast.parse(source).body if isinstance(node, kinds)]
    return {node.name: ast.dump(Bare().visit(node)) for node in found}


def marked_definitions():
    """(notebook, file, name, tree) of every definition that says where it lives."""
    for path in PATHS:
        for cell in cells(path):
            mark = MARK.match(cell.source)
            if mark:
                for name, tree in definitions(cell.source).items():
                    yield path.stem, mark[1], name, tree


def promised():
    for part in WHOLE_MODULES:
        module = importlib.import_module(f"gptlib.{part}")
        for name, member in inspect.getmembers(module, inspect.isclass):
            if member.__module__ == module.__name__:
                yield f"gptlib/{part}.py", name
    for part, names in NAMED.items():
        yield from ((f"gptlib/{part}.py", name) for name in names)


def test_the_series_is_there():
    assert [p.stem for p in PATHS][: len(EXPECTED)] == EXPECTED


def test_every_definition_is_the_librarys():
    drifted = []
    for notebook, file, name, tree in marked_definitions():
        source = (ROOT / file).read_text()
        if definitions(source).get(name) != tree:
            drifted.append(f"{notebook}: {name} is not that of {file}")
    assert drifted == []


def test_every_promised_definition_is_shown_exactly_once():
    shown = [(file, name) for _, file, name, _ in marked_definitions()]
    counts = {wanted: shown.count(wanted) for wanted in promised()}
    assert {k: n for k, n in counts.items() if n != 1} == {}


@every_notebook
def test_outputs_belong_to_this_code_and_library(path):
    stored = nbformat.read(path, as_version=4)
    hint = f"run: make notebooks NOTEBOOKS=notebooks/{path.name}"
    assert stored.metadata.gptlib.code == code_hash(stored), hint
    assert stored.metadata.gptlib.library == library_hash(stored), hint


@every_notebook
def test_set_up_is_short(path):
    """At most eight lines and eight names of ours; records go under this name."""
    source = cells(path)[0].source
    bound = [
        alias.asname or alias.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom)
        and node.module.split(".")[0] in ("gptlib", "gptcourse")
        for alias in node.names
    ]
    assert len(source.splitlines()) <= 8
    assert "start" in bound and len(bound) <= 8
    assert f'start("{path.stem}"' in source.splitlines()[-1]
    assert "seed = 0\n" in source or "seed" not in source


@every_notebook
def test_stored_executed_in_order_and_clean(path):
    code = cells(path)
    assert [c.execution_count for c in code] == list(range(1, len(code) + 1))
    assert "widgets" not in nbformat.read(path, as_version=4).metadata
    for cell in code:
        assert cell.source.strip(), "an empty cell"
        assert "NBVAL" not in cell.source, "marks for tests are tags"
        assert set(cell.metadata.get("tags", [])) <= {"nbval-check-output"}
        for output in cell.outputs:
            text = str(output)
            assert output.output_type != "error"
            assert "widget-view" not in text, "an error where no kernel runs"
            assert output.get("name") != "stderr", text[:200]
            assert not re.search(
                r"/(home|root)/|site-packages|ipykernel_\d|at 0x", text
            )
    assert path.stat().st_size < 1_500_000


@every_notebook
def test_form(path):
    first = cells(path, "markdown")[0].source
    assert first.startswith(f"# {path.stem[:2]} · ") and "minutes" in first
    sizes = []
    for cell in cells(path):
        lines = cell.source.splitlines()
        if not cell.metadata.get("jupyter", {}).get("source_hidden"):
            sizes.append(len(lines))
        assert max(map(len, lines)) < 80, max(lines, key=len)
    assert max(sizes) <= 40
    assert statistics.median(sizes) < 10
    everything = "\n".join(c.source for c in cells(path, "markdown"))
    if path.stem != "00_start_here":
        assert "Into the library" in everything
    assert "Where next" in everything


def words(text):
    return len(re.sub(r"(?s)<details>.*?</details>", "", text).split())


def size(part):
    """Words outside `<details>`, lines of code that is not folded."""
    text = sum(words(c.source) for c in part if c.cell_type == "markdown")
    shown = [
        cell.source
        for cell in part
        if cell.cell_type == "code"
        and not cell.metadata.get("jupyter", {}).get("source_hidden")
    ]
    return text, sum(len(source.splitlines()) for source in shown)


def parts(path):
    """A notebook's cells by the last heading of level 2 before them."""
    found = {"": []}
    notebook = nbformat.read(path, as_version=4)
    links.remove(notebook)
    for cell in notebook.cells:
        heading = re.match(r"## (.+)", cell.source)
        if cell.cell_type == "markdown" and heading:
            found[heading[1]] = []
        found[list(found)[-1]].append(cell)
    return found


@in_form
def test_a_spine_one_reads_in_half_an_hour_then_what_lies_deeper(name):
    found = parts(FOLDER / f"{name}.ipynb")
    headings = list(found)[1:]
    spine = headings.index("Into the library" if name != START else "Where next")
    numbers = [heading.split(". ")[0] for heading in headings[:spine]]
    assert numbers == [str(n) for n in range(1, spine + 1)]
    if name == START:
        return
    assert headings[spine:] == ["Into the library", "Deeper", "Try it", "Where next"]
    on_the_ladder = [h for h in headings[:spine] if h.endswith(". On the ladder")]
    assert on_the_ladder or name in WITHOUT_A_RUNG
    deeper = found["Deeper"]
    assert deeper[0].metadata.get("jp-MarkdownHeadingCollapsed")
    sections = [c.source for c in deeper[1:] if c.source.startswith("### ")]
    titles = [re.match(r"### D(\d+)\. .+\n\n\*[^*]+\*", text) for text in sections]
    assert all(titles), "### D1. Title, then a line in italics: what it answers"
    assert [int(t[1]) for t in titles] == list(range(1, len(titles) + 1))
    long = name in ("01_bigram", "06_training")
    text, lines = size([c for h in ["", *headings[:spine]] for c in found[h]])
    assert text <= (2200 if long else 1800) and lines <= (260 if long else 220)
    assert size(deeper)[0] <= 1500


@in_form
def test_the_stated_minutes_are_true_for_who_reads_the_code(name):
    """200 words and 15 lines of code a minute, rounded up to five minutes."""
    found = parts(FOLDER / f"{name}.ipynb")
    cells = [cell for h, part in found.items() if h != "Deeper" for cell in part]
    for part, pattern in (
        (cells, r"\*\*Time:\*\* (\d+) minutes to read"),
        (found.get("Deeper", []), r"Deeper: (\d+) minutes"),
    ):
        text, lines = size(part)
        needed = text / 200 + lines / 15
        stated = re.search(pattern, found[""][0].source)
        if part:
            assert needed <= int(stated[1]) < needed + 7, f"{needed:.0f} minutes"


@in_form
def test_a_drawing_opens_it_and_every_figure_says_what_is_seen(name):
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    # The first screen of the first notebook is the prompt box.
    first = notebook.cells if name == START else notebook.cells[:1]
    text = "\n".join(cell.source for cell in first)
    drawn = re.search(r"!\[(.+?)\]\((figures/.+?\.svg)\)", text)
    assert len(drawn[1].split()) >= 8 and (FOLDER / drawn[2]).is_file()


@every_notebook
def test_every_stored_figure_has_alt_text(path):
    notebook = nbformat.read(path, as_version=4)
    outputs = [o for c in notebook.cells for o in c.get("outputs", [])]
    for output in outputs:
        for kind in {"image/png", "image/svg+xml"} & set(output.get("data", {})):
            alt = output.metadata.get(kind, {}).get("alt", "")
            assert len(alt.split()) >= 5, "plots.show(...) says what is seen"
    for picture in re.findall(r"<img [^>]*", str(outputs)):
        assert re.search(r'alt="\S+ \S+ \S+', picture)


@in_form
def test_plotting_code_is_folded(name):
    for cell in cells(FOLDER / f"{name}.ipynb"):
        hidden = cell.metadata.get("jupyter", {}).get("source_hidden")
        drawing = re.findall(r"(?m)^ *(?:fig|ax|plt)[.,]", cell.source)
        assert hidden or len(drawing) <= 6


@every_notebook
def test_exact_outputs_are_compared_and_measured_ones_are_asserted(path):
    assert any("tags" in cell.metadata for cell in cells(path))
    measured = r"(?m)^\s*assert |ladder\.measure\(|^\s*claim\("
    assert any(re.search(measured, cell.source) for cell in cells(path))


@every_notebook
def test_the_ladder_and_the_paragraph_are_in_every_notebook(path):
    if path.stem in WITHOUT_A_RUNG:
        return
    source = "\n".join(cell.source for cell in cells(path))
    assert "ladder.measure(" in source
    assert "figures.loss_ladder(" in source
    assert "plots.surprise(" in source or "figures.paragraph(" in source
    assert "\nseed = 0\n" in source


@pytest.mark.parametrize("name", SHAPED)
def test_shapes_are_written(name):
    source = "\n".join(cell.source for cell in cells(FOLDER / f"{name}.ipynb"))
    assert len(re.findall(r"#.*\((?:\w+|\d+)(?:, ?[\w·*/]+)*,?\)", source)) >= 20


def test_time_ledger_keeps_the_budget():
    with LEDGER.open() as file:
        rows = {row["what"]: float(row["seconds"]) for row in csv.DictReader(file)}
    assert rows.keys() == {p.stem for p in PATHS} | {"unit tests"}
    for path in PATHS:
        # A minute and a half, give or take what the same machine's speed changes in a
        # day; the notebook with the two-minute training takes four.
        most = {"14_modern": 285}.get(path.stem, 140)
        assert rows[path.stem] <= most, path.stem
    assert sum(rows[name] for name in EXPECTED[:8]) <= 540
    assert sum(rows.values()) <= 30 * 60
