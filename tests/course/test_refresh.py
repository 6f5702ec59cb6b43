"""Storing a notebook; running it is what `make notebooks` does."""

import nbformat
import pytest

from gptcourse import refresh
from gptcourse.hashes import is_current


def test_cleaning_keeps_tags_and_collapsed_headings_and_stores_the_hashes():
    kept = {"tags": ["nbval-check-output"], "jp-MarkdownHeadingCollapsed": True}
    widget = nbformat.v4.new_output("display_data", {refresh.WIDGET: {}, "a/b": "c"})
    code = nbformat.v4.new_code_cell("1", outputs=[widget])
    code.metadata = nbformat.from_dict(kept | {"execution": {"busy": "now"}})
    stored = nbformat.v4.new_notebook(cells=[code], metadata={"widgets": {}})
    refresh.clean(stored)
    assert stored.cells[0].metadata == kept
    assert stored.cells[0].outputs[0].data == {"a/b": "c"}
    assert is_current(stored) and "widgets" not in stored.metadata


@pytest.fixture
def measured(tmp_path, monkeypatch):
    """Measures a notebook of the given cells with seed 2; returns what would run."""
    ran = []

    def execute(notebook):
        ran.extend(cell.source for cell in notebook.cells)
        return 1.0, {"ladder": []}

    def measure(*sources):
        cells = [nbformat.v4.new_code_cell(source) for source in sources]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "a.ipynb")
        assert refresh.measure(tmp_path / "a.ipynb", 2) == []
        return ran

    monkeypatch.setattr(refresh, "execute", execute)
    return measure


def test_the_ladder_runs_a_notebook_with_another_seed(measured):
    ran = measured("seed = 0\nstart('a', seed)", "seed = 0")
    assert ran == [refresh.NO_CLAIMS, "seed = 2\nstart('a', seed)", "seed = 0"]


def test_a_notebook_without_a_seed_to_change_is_an_error(measured):
    with pytest.raises(ValueError, match="expected one line `seed = 0`"):
        measured("start('a')", "seed = 0")
