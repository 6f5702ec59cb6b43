"""Predictions: asked by a click or a call, revealed and scored, never stored."""

import re
from pathlib import Path

import nbformat
import pytest
import torch

from gptcourse import predict
from gptcourse.predict import Prediction

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("[0-9]*.ipynb"))


def cells(path):
    notebook = nbformat.read(path, as_version=4)
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def asked(question, capsys, **kind) -> Prediction:
    guess = predict(question, **kind)
    assert said(capsys) == "", "nothing is printed outside a notebook"
    return guess


def said(capsys) -> str:
    return capsys.readouterr().out


def test_a_number_is_noted_revealed_and_scored(capsys):
    guess = asked("the first loss of an untrained model", capsys, unit="nats")
    guess(4)
    guess("4,2")  # the last one counts, and a comma will do
    guess.reveal(torch.tensor(4.34))
    out = said(capsys)
    question, measured, remark = out.splitlines()
    assert question == "the first loss of an untrained model? Your guess: 4.2 nats."
    assert measured == "Measured: 4.34 nats."
    assert remark.startswith("Off by 0.14 nats: right within 0.43 nats. Right so far: ")


@pytest.mark.parametrize(
    ("limit", "guessed", "measured", "right"),
    [
        ({"within": 0.1}, 2.3, 2.4, True),
        ({"within": 0.1}, 2.3, 2.41, False),
        ({"factor": 2}, 100, 190, True),
        ({"factor": 2}, 100, 210, False),
        ({"factor": 2}, -1, 1, False),
        ({"factor": 2}, 0, 1, False),
        ({}, 0, 0, True),
        ({}, "90", 100, True),
        ({}, 89, 100, False),
    ],
)
def test_how_close_a_number_must_be(limit, guessed, measured, right, capsys):
    predict("how much", answer=guessed, **limit).reveal(measured)
    assert (": right within" if right else ": not within") in said(capsys)


def test_an_ignored_question_prints_nothing(capsys):
    for kind, measured in [
        ({"unit": "nats"}, 4.3421),
        ({"choices": ["above", "below"]}, "below"),
        ({"order": ["a", "b"]}, {"a": 2, "b": 1}),
    ]:
        asked("something", capsys, **kind).reveal(measured)
        assert said(capsys) == ""


@pytest.fixture
def displayed(monkeypatch):
    """What IPython is asked to display."""
    import IPython.display

    shown = []
    monkeypatch.setattr(
        IPython.display, "display", lambda bundle, raw: shown.append(bundle)
    )
    return shown


def test_an_answer_is_folded_until_there_is_a_guess(displayed, capsys):
    guess = predict("how much", unit="nats")
    with guess.covered():
        print("2.36 < 2.48")
    assert said(capsys) == ""
    (bundle,) = displayed
    assert "2.36" not in bundle["text/plain"]
    assert bundle["text/html"].startswith("<details><summary>What came out")
    assert "2.36 &lt; 2.48" in bundle["text/html"]
    guess(2.4)
    with guess.covered():
        print("2.36")
    assert said(capsys) == "2.36\n" and len(displayed) == 1


def test_what_was_shown_before_an_error_is_folded_and_the_error_goes_on(displayed):
    guess = predict("how much", unit="nats")
    with pytest.raises(ZeroDivisionError), guess.covered():
        print("step 1")
        raise ZeroDivisionError
    assert "step 1" in displayed[0]["text/html"]


def test_a_choice(capsys):
    guess = asked("where", capsys, choices=["above", "at", "below"])
    with pytest.raises(ValueError, match="expected one of"):
        guess("beside")
    guess("at")
    guess.reveal("at")
    assert "Measured: at.\nRight. Right so far" in said(capsys)
    guess("above")  # too late, and no error in a run of all cells
    assert guess.guess == "at"
    with pytest.raises(ValueError, match=r"measured='4'.*question is 'where'"):
        guess.reveal("4")


def test_an_order_counts_pairs_and_knows_what_is_level(capsys):
    losses = {"plain": 3.3, "post": 2.79, "pre": 2.77}
    guess = asked("lowest first", capsys, order=list(losses), within=0.05)
    guess(["post", "pre", "plain"])
    guess.reveal(losses)
    out = said(capsys)
    assert "Measured: pre ≈ post < plain." in out and "3 of 3 pairs" in out
    strict = asked("lowest first", capsys, order=["plain", "post", "pre"])
    strict(["post", "pre", "plain"])
    strict.reveal(["pre", "post", "plain"])
    assert "2 of 3 pairs" in said(capsys)
    with pytest.raises(ValueError, match="in your order"):
        strict.asked.read("plain")
    with pytest.raises(ValueError, match="expected numbers for"):
        strict.reveal({"plain": 1})


def test_the_tally_counts_each_question_once(capsys):
    for guessed in (1, 2):  # a question asked anew replaces its old score
        predict("tally", answer=guessed, within=0).reveal(2)
    predict("other tally", answer=1, within=0).reveal(2)
    right, total = map(int, re.findall(r"so far: (\d+) of (\d+)", said(capsys))[-1])
    assert 0 < right < total


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"choices": ["one"]}, "two or more"),
        ({"order": ["a", "a"]}, "two or more"),
        ({"choices": ["a", "b"], "order": ["a", "b"]}, "expected one"),
        ({"answer": "a lot"}, "not a number"),
        ({"answer": float("nan")}, "not a number"),
    ],
)
def test_questions_that_cannot_be(arguments, message):
    with pytest.raises(ValueError, match=message):
        predict("what", **arguments)


def controls(guess):
    head, row, note = guess.widget().children
    assert "Your prediction:" in head.value
    return row, note


def test_clicking_a_choice(capsys):
    guess = asked("where", capsys, choices=["<above>", "below"])
    buttons, note = controls(guess)
    assert guess.guess is None
    buttons.value = "<above>"
    assert guess.guess == "<above>" and "&lt;above&gt;" in note.value
    guess.reveal("below")
    assert "Not this time" in note.value and "Not this time" in said(capsys)


def test_typing_a_number_and_moving_a_slider(capsys):
    guess = asked("how much", capsys, unit="nats")
    box, note = controls(guess)
    box.value = "a lot"
    assert guess.guess is None and "not a number" in note.value
    box.value = "3.3 nats"
    assert guess.guess == 3.3 and "3.3 nats" in note.value
    slid = asked("how much", capsys, unit="nats", between=(0, 5))
    slider, _ = controls(slid)
    assert slid.guess is None, "where the slider starts is no guess"
    slider.value = 4
    assert slid.guess == 4


def test_clicking_an_order(capsys):
    guess = asked("lowest first", capsys, order=["a", "b", "c"])
    row, _ = controls(guess)
    *names, again = row.children
    names[2].click()
    again.click()
    assert not names[2].disabled and guess.guess is None
    names[1].click()
    names[0].click()  # the last name then has the last place
    assert guess.guess == ["b", "a", "c"]
    assert [b.description for b in names] == ["2 · a", "1 · b", "3 · c"]


def test_without_a_kernel_there_is_a_line_of_text():
    text = repr(predict("the first loss?", unit="nats"))
    assert text.startswith("Prediction: the first loss? A number of nats.")
    assert "guess(...)" in text and max(map(len, text.splitlines())) <= 79


def test_torchs_random_numbers_stay_as_they_were():
    before = torch.get_rng_state()
    guess = predict("what", answer=1)
    guess.widget()
    guess.reveal(1)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[p.stem for p in NOTEBOOKS])
def test_stored_predictions_hide_their_results_and_hold_no_answer(path):
    code = cells(path)
    questions, answers = places(code, r"(\w+) = predict\("), places(code, REVEALED)
    assert len(questions) == len(answers)
    for name, question in questions:
        reveal = min(i for revealed, i in answers if revealed == name and i > question)
        assert question < reveal, "revealed before it was asked"
        (shown,) = code[question].outputs
        assert list(shown.data) == ["text/plain"]
        assert shown.data["text/plain"].startswith("Prediction: ")
        assert "Measured: " not in str(code[reveal].outputs), "nobody has guessed"
        assert not code[reveal].outputs or hides(code[reveal])
        between = code[question + 1 : reveal]
        covered = [c for c in between if f"{name}.covered(" in c.source]
        assert covered or any(map(hides, between)), "the answer can be read"
        for cell in covered:
            assert "<details><summary>" in str(cell.outputs)
        for cell in filter(hides, between):
            first = cell.outputs[0]  # JupyterLab previews its first line
            if first.output_type == "stream":
                line, _, _ = first.text.splitlines()[0].partition("? Your guess")
                assert line in asks(shown), f"{line!r} can be read while hidden"


REVEALED = r"(\w+)\.reveal\("


def places(code, pattern):
    """(the name of a prediction, the cell) wherever the pattern occurs."""
    cells = enumerate(code)
    return [(name, i) for i, c in cells for name in re.findall(pattern, c.source)]


def asks(shown) -> str:
    """The text of a stored question, as `recall` would begin with it."""
    return " ".join(shown.data["text/plain"].split())


def hides(cell) -> bool:
    return cell.metadata.get("jupyter", {}).get("outputs_hidden", False)
