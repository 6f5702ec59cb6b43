"""A reader's hands: JupyterLab in a real browser, its buttons and fields."""

import pytest

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


PLAYGROUNDS = {"00_start_here": 2, "06_training": 1, "08_generation": 1}


@pytest.mark.parametrize("name", PLAYGROUNDS)
def test_notebook_runs_whole_and_its_playground_writes(open_notebook, name):
    notebook = open_notebook(name)
    notebook.run_all()
    write = notebook.button("Write").first
    write.scroll_into_view_if_needed()
    write.click()
    pages = notebook.page.locator(".widget-html-content pre")
    notebook.wait_for(lambda: len(pages.first.inner_text()) > 300)
    notebook.wait_for(write.is_enabled)
    texts = pages.all_inner_texts()
    assert len(texts) == PLAYGROUNDS[name]
    for text in texts:
        assert text.startswith("ROMEO:") and len(text) > 300


def test_the_box_answers_from_the_examples_typed(open_notebook):
    notebook = open_notebook("10_prompting")
    notebook.run_to("box = ChatBox(")
    field = notebook.page.locator(".widget-text input").last
    field.scroll_into_view_if_needed()
    page = notebook.page.locator(".widget-html-content pre").last
    for line in ("cab>CAB", "fde>FDE", "jib>JIB", "ace>ACE", "bead>"):
        field.fill(line)
        field.press("Tab")
        notebook.button("Send").click()
        notebook.wait_for(lambda line=line: line in page.inner_text())
        # The kernel empties the field: what is typed before that would be lost.
        notebook.wait_for(lambda: field.input_value() == "")
    notebook.wait_for(lambda: page.inner_text().endswith("bead>BEAD"))
    said = ["cab>CAB", "fde>FDE", "jib>JIB", "ace>ACE", "bead>BEAD"]
    assert page.inner_text().split("\n") == said
    notebook.button("Start anew").click()
    notebook.wait_for(lambda: page.inner_text() != "\n".join(said))
    assert page.inner_text() == ""


def test_the_model_that_answers_is_asked_about_its_excerpt(open_notebook):
    notebook = open_notebook("10_prompting")
    notebook.run_only('start("10_prompting"')
    notebook.run_new_cell(
        "from gptlib import ModelHandler\nfrom gptlib.lab import ChatBox\n"
        "from gptcourse.questions import load_questions\n"
        "questions = load_questions()\n"
        'answering = ModelHandler("../models/answers").load()'
    )
    notebook.run_only("asking = ChatBox(")
    page = notebook.page.locator(".widget-html-content pre").last
    notebook.wait_for(lambda: page.count() and "GONZALO:" in page.inner_text(), 120)
    field = notebook.page.locator(".widget-text input").last
    field.scroll_into_view_if_needed()
    field.fill("How does 'He'ld sow't' go on?")
    field.press("Tab")
    notebook.button("Send").last.click()
    notebook.wait_for(lambda: page.inner_text().endswith("A: with nettle-seed."))
    question = "Q: How does 'He'ld sow't' go on?\nA: with nettle-seed."
    assert page.inner_text().startswith("GONZALO:")
    assert page.inner_text().endswith(question)
