"""A reader's hands: notebooks in a real browser, walked through cell by cell."""

import pytest

from tests.browser.jupyterlab import CELLS, NOTEBOOK, WHOLE_NOTEBOOK_MS

QUESTION = "does the output for the g change"
MEASURED = "reversed_x = x[:, "


def test_a_prediction_is_clicked_and_its_result_is_open_only_then(open_notebook):
    notebook = open_notebook("02_single_head")
    folded = notebook.page.locator("details", has_text="the output for the g changes")
    assert folded.get_attribute("open") is None
    notebook.run_to(QUESTION)
    notebook.button("no").click()
    notes = notebook.page.locator(".widget-html-content", has_text="Your guess:")
    notebook.wait_for(lambda: notes.count() == 1)
    notebook.run_only(MEASURED)
    notebook.wait_for(lambda: "changes by at most" in notebook.output(MEASURED))
    notebook.run_only("guess.reveal(")
    notebook.wait_for(lambda: "Right so far" in notebook.output("guess.reveal("))
    printed = notebook.output("guess.reveal(")
    assert "Your guess: no." in printed and "Right." in printed


@pytest.mark.parametrize("name", ["06_training", "07_overfitting"])
def test_a_notebook_is_walked_with_shift_and_enter(open_notebook, name):
    notebook = open_notebook(name)
    page = notebook.page
    page.evaluate(f"{NOTEBOOK}.activeCellIndex = 0; {NOTEBOOK}.mode = 'command'")
    page.evaluate(f"{NOTEBOOK}.activate()")
    cells = page.evaluate(f"{CELLS}.map(c => c.model.sharedModel.source)")
    deeper, after = (
        next(i for i, source in enumerate(cells) if source.startswith(heading))
        for heading in ("## Deeper", "## Try it")
    )
    hidden = page.evaluate(f"{CELLS}.map(c => c.isHidden)")
    assert hidden == [deeper < i < after for i in range(len(cells))]
    walk(page, cells, 0, deeper)
    # JupyterLab would walk on into the folded cells; a reader goes on below them.
    page.evaluate(f"{NOTEBOOK}.activeCellIndex = {after}")
    walk(page, cells, after, len(cells) - 1)


def walk(page, cells: list[str], first: int, last: int) -> None:
    """Press Shift+Enter in every cell from first to the one before last."""
    for place in range(first, last):
        assert page.evaluate(f"{NOTEBOOK}.activeCellIndex") == place
        page.keyboard.press("Shift+Enter")
        cell = f"{CELLS}[{place}]"
        page.wait_for_function(
            f"{cell}.model.type != 'code' || ({cell}.model.executionCount && "
            f"!{cell}.promptNode.textContent.includes('*'))",
            timeout=WHOLE_NOTEBOOK_MS,
        )
        errors = page.evaluate(
            f"({cell}.model.outputs?.toJSON() ?? [])"
            ".filter(o => o.output_type == 'error').map(o => o.evalue)"
        )
        assert errors == [], cells[place]
