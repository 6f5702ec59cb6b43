"""The box to talk in: lines noted, questions answered, stopped at any moment."""

import threading

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from gptlib import ModelHandler
from gptlib.files.fetch import project_folder
from gptlib.lab import ChatBox
from gptlib.lab import box as lab_box


@pytest.fixture
def box():
    handler = ModelHandler(project_folder("models") / "fewshot").load()
    return ChatBox(handler.model, handler.tokenizer, length=12)


def scripted(monkeypatch, texts):
    monkeypatch.setattr(lab_box, "stream_text", lambda *_, **__: iter(texts))


def test_lines_are_noted_and_questions_answered(box, monkeypatch):
    scripted(monkeypatch, ["a", "b", "c\n", "d"])
    assert box.say("cab>bac") == "" and box.transcript == "\ncab>bac\n"
    assert box.say("cba>") == "abc"
    assert box.transcript == "\ncab>bac\ncba>abc\n"
    assert box.turns == [["cab>bac", ""], ["cba>", "abc"]]
    box.start_anew()
    assert box.transcript == "\n" and box.turns == []


def test_a_question_has_its_form_and_may_be_forgotten(box, monkeypatch):
    prompts = []

    def answering(model, tokenizer, prompt, length, **settings):
        prompts.append(prompt)
        return iter("ab\n")

    monkeypatch.setattr(lab_box, "stream_text", answering)
    form = {"opening": "bad\n", "mark": ">", "asked": "\ncab{}a", "remember": False}
    box = ChatBox(box.model, box.tokenizer, **form)
    assert box.say("i>") == "ab"
    box.say("jab")
    assert box.say("h>") == "ab"
    assert prompts == ["bad\n\ncabi>a", "bad\njab\n\ncabh>a"]
    assert box.transcript == "bad\n\ncabi>aab\njab\n\ncabh>aab\n"
    box.start_anew()
    assert box.context == box.transcript == "bad\n"


def test_openings_are_offered_with_questions_about_each(box, monkeypatch):
    offers = {"one": ("bad\n", ["i>"]), "two": ("fed\n", ["j>", "k>"])}
    box = ChatBox(box.model, box.tokenizer, offers=offers)
    assert box.offers == [["one", "bad\n", ["i>"]], ["two", "fed\n", ["j>", "k>"]]]
    assert box.transcript == "bad\n"
    scripted(monkeypatch, ["ab\n"])
    box.say("i>")
    box._received({"do": "choose", "number": 1})
    assert (box.chosen, box.turns) == (1, [])
    assert box.context == box.transcript == "fed\n"
    with pytest.raises(ValueError, match="é"):
        ChatBox(box.model, box.tokenizer, offers={"one": ("é\n", [])})


def test_the_model_answers_from_what_was_said(box):
    for line in ("cab>CAB", "fde>FDE", "jib>JIB", "ace>ACE"):
        box.say(line)
    assert box.say("bead>") == "BEAD"


def test_an_answer_comes_from_a_thread_and_stop_ends_it(box, monkeypatch):
    going, wait = threading.Event(), threading.Event()

    def endless():
        while True:
            going.set()
            wait.wait(10)
            yield "a"

    scripted(monkeypatch, endless())
    box._received({"do": "send", "line": "cab>"})
    assert going.wait(10) and box.running
    box._received({"do": "send", "line": "bac>"})
    assert "still answering" in box.status and box.running
    box._received({"do": "stop"})
    wait.set()
    box.wait(10)
    assert box.transcript == "\ncab>a\n" and not box.running and box.status == ""


def test_temperature_acts_in_the_middle_of_an_answer(box, monkeypatch):
    asked = []

    def answering(model, tokenizer, prompt, length, temperature, seed):
        asked.append((temperature, prompt))
        for letter in "abc":
            yield letter
            box.set_state({"temperature": 1.0})  # as the browser does

    monkeypatch.setattr(lab_box, "stream_text", answering)
    box.say("cab>")
    assert asked == [(0.0, "\ncab>"), (1.0, "\ncab>ab")]


def test_an_unknown_character_is_named_and_nothing_is_lost(box):
    box.say("cab>bac")
    with pytest.raises(ValueError, match="“é” is not among the 52 characters"):
        box.say("é>")
    assert box.transcript == "\ncab>bac\n"
    box.submit("é>")
    box.wait()
    assert box.warning and box.status.endswith("the model knows. Change the line.")
    box.say("cab>bac")
    assert not box.warning and box.status == ""


def test_an_error_is_shown_and_raised(box):
    box.model.forward = None
    with pytest.raises(TypeError, match="not callable"):
        box.say("cab>")
    assert box.warning and box.status.startswith("TypeError: ") and not box.running


def test_a_static_viewer_sees_the_transcript(box):
    InteractiveShell.instance()
    try:
        with capture_output() as empty:
            box._ipython_display_()
        assert [list(output.data) for output in empty.outputs] == [
            [lab_box.WIDGET, "text/plain"]
        ]
        box.say("cab>CAB")
        with capture_output() as said:
            box._ipython_display_()
    finally:
        InteractiveShell.clear_instance()
    stored = said.outputs[1].data
    assert stored["text/plain"] == "cab>CAB"
    assert "cab&gt;CAB" in stored["text/html"]
    assert "one that ends with > is a question" in said.outputs[0].data["text/plain"]
