"""The glossary is what the notebooks define, and nothing else."""

import nbformat
import pytest

from gptcourse import glossary

FOLDER = glossary.glossary_file().parent


def test_the_stored_glossary_is_made_from_the_notebooks():
    hint = "run: make glossary"
    assert glossary.glossary_file().read_text() == glossary.write(FOLDER), hint


@pytest.mark.parametrize("path", glossary.defining(FOLDER), ids=lambda p: p.stem)
def test_bold_defines_a_term_once_in_a_whole_sentence(path):
    found = glossary.definitions(path)
    assert found, "every notebook defines what it builds"
    for term, sentence in found.items():
        assert len(sentence.split()) >= 5, f"{term}: {sentence}"
        assert len(term.split()) <= 4, term


def test_a_definition_is_the_sentence_around_the_first_bold_term(tmp_path):
    text = """One thing first. A **logit** is a number before
the softmax. A **logit** again.

<details><summary>Hint</summary>

Never **this**.

</details>

- a **query** says what is looked for;

1. **Look at this.** A label.
"""
    cells = [
        nbformat.v4.new_markdown_cell("# Title\n\n- **Time:** 5 minutes"),
        nbformat.v4.new_markdown_cell(text),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "a.ipynb")
    assert glossary.definitions(tmp_path / "a.ipynb") == {
        "logit": "A logit is a number before the softmax.",
        "query": "A query says what is looked for.",
    }
