"""Hashes of a notebook's code and of what it uses from the library."""

import nbformat
import pytest

from gptcourse import hashes

MODULE = '''"""A module."""
from gptlib.other import far

LIMIT = 3


def helper(x):
    return x + LIMIT  # near


class Shown:
    """What it is."""

    def act(self):
        return helper(1) + far()


def unused():
    return 0
'''
USES = "from gptlib import Shown\nShown().act()"
PRINTS = "import inspect\nfrom gptlib import Shown\nprint(inspect.getsource(Shown))"
ATTRIBUTE = "from gptlib import parts\nparts.Shown()"


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A library of two modules; a function writes one of them anew."""
    folder = tmp_path / "gptlib"
    folder.mkdir()
    (folder / "__init__.py").write_text("from gptlib.parts import Shown\n")
    (folder / "other.py").write_text("def far():\n    return 1\n")
    monkeypatch.setattr(hashes, "FOLDERS", {"gptlib": tmp_path})

    def write(old="", new="", file="parts"):
        source = MODULE if file == "parts" else "def far():\n    return 1\n"
        assert old in source
        (folder / f"{file}.py").write_text(source.replace(old, new))
        hashes._body.cache_clear()
        hashes._definitions.cache_clear()

    write()
    yield write
    hashes._body.cache_clear()
    hashes._definitions.cache_clear()


def notebook(*sources):
    return nbformat.v4.new_notebook(cells=[*map(nbformat.v4.new_code_cell, sources)])


@pytest.mark.parametrize("source", [USES, ATTRIBUTE, PRINTS])
@pytest.mark.parametrize(
    ("old", "new"), [("helper(1)", "helper(2)"), ("x + L", "x - L"), ("= 3", "= 4")]
)
def test_a_changed_definition_and_what_it_uses_change_the_hash(
    library, source, old, new
):
    before = hashes.library_hash(notebook(source))
    library(old, new)
    assert hashes.library_hash(notebook(source)) != before


@pytest.mark.parametrize(
    "change",
    [("return 0", "return 1"), ("return 1", "return 2", "other")],
)
def test_a_change_elsewhere_does_not(library, change):
    before = hashes.library_hash(notebook(USES))
    library(*change)
    assert hashes.library_hash(notebook(USES)) == before


def test_docstrings_count_only_where_source_is_printed(library):
    before = {text: hashes.library_hash(notebook(text)) for text in (USES, PRINTS)}
    library("What it is.", "Something else.")
    assert hashes.library_hash(notebook(USES)) == before[USES]
    assert hashes.library_hash(notebook(PRINTS)) != before[PRINTS]


def test_a_notebook_is_current_as_long_as_both_hashes_hold(library):
    stored = notebook("x = 1", USES)
    assert not hashes.is_current(stored)
    stored.metadata["gptlib"] = {
        "code": hashes.code_hash(stored),
        "library": hashes.library_hash(stored),
    }
    assert hashes.is_current(stored)
    library("= 3", "= 4")
    assert not hashes.is_current(stored)
    library()
    stored.cells[0].source = "x = 2"
    assert not hashes.is_current(stored)
