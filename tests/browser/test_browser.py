"""A reader's hands: JupyterLab in a real browser, its buttons and fields."""

from tests.browser.jupyterlab import Notebook  # noqa: F401


def test_a_prediction_is_clicked_and_its_result_unfolds_when_run(open_notebook):
    notebook = open_notebook("05_gpt")
    assert notebook.hidden("fresh = first_losses(stack)")
    assert notebook.hidden("guess.reveal(")
    placeholders = notebook.page.locator(".jp-OutputPlaceholder")
    assert "4.3" not in placeholders.first.inner_text()
    notebook.run_to("def first_losses(build)")
    notebook.button("clearly above").click()
    notes = notebook.page.locator(".widget-html-content", has_text="Your guess:")
    notebook.wait_for(lambda: notes.count() == 1)
    notebook.run_only("fresh = first_losses(stack)")
    notebook.run_only("guess.reveal(")
    notebook.wait_for(lambda: "Right so far" in notebook.output("guess.reveal("))
    printed = notebook.output("guess.reveal(")
    assert "Your guess: clearly above." in printed and "Right." in printed
    assert not notebook.hidden("fresh = first_losses(stack)")
    assert not notebook.hidden("guess.reveal(")
