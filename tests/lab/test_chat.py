"""The box to talk in: lines noted, questions answered, stopped at any moment."""

import threading

import pytest

from gptlib import ModelHandler
from gptlib.files.fetch import project_folder
from gptlib.lab import ChatBox, chat


@pytest.fixture
def box():
    handler = ModelHandler(project_folder("models") / "fewshot").load()
    return ChatBox(handler.model, handler.tokenizer, length=12)


def scripted(monkeypatch, texts):
    monkeypatch.setattr(chat, "stream_text", lambda *_, **__: iter(texts))


def test_lines_are_noted_and_questions_answered(box, monkeypatch):
    scripted(monkeypatch, ["a", "b", "c\n", "d"])
    assert box.say("cab>bac") == "" and box.transcript == "\ncab>bac\n"
    assert box.say("cba>") == "abc"
    assert box.transcript == "\ncab>bac\ncba>abc\n"
    assert "cba&gt;abc" in box.page.value
    box.start_anew()
    assert box.transcript == "\n"


def test_a_question_has_its_form_and_may_be_forgotten(box, monkeypatch):
    prompts = []

    def answering(model, tokenizer, prompt, length, **settings):
        prompts.append(prompt)
        return iter("ab\n")

    monkeypatch.setattr(chat, "stream_text", answering)
    form = {"opening": "bad\n", "mark": ">", "asked": "\ncab{}a", "remember": False}
    box = ChatBox(box.model, box.tokenizer, **form)
    assert box.say("i>") == "ab"
    box.say("jab")
    assert box.say("h>") == "ab"
    assert prompts == ["bad\n\ncabi>a", "bad\njab\n\ncabh>a"]
    assert box.transcript == "bad\n\ncabi>aab\njab\n\ncabh>aab\n"
    box.start_anew()
    assert box.context == box.transcript == "bad\n"


def test_the_model_answers_from_what_was_said(box):
    for line in ("cab>CAB", "fde>FDE", "jib>JIB", "ace>ACE"):
        box.say(line)
    assert box.say("bead>") == "BEAD"


def test_the_button_writes_in_a_thread_and_stop_ends_it(box, monkeypatch):
    going, wait = threading.Event(), threading.Event()

    def endless():
        while True:
            going.set()
            wait.wait(10)
            yield "a"

    scripted(monkeypatch, endless())
    box.line.value = "cab>"
    box.buttons["Send"].click()
    assert going.wait(10) and box.line.value == ""
    box.buttons["Send"].click()
    assert "Still generating" in box.note.value
    box._stop.set()
    wait.set()
    box.buttons["Stop"].click()
    assert box.transcript.startswith("\ncab>a") and box.transcript.endswith("\n")


def test_an_unknown_character_is_named_and_nothing_is_lost(box):
    box.say("cab>bac")
    with pytest.raises(ValueError, match="'é'"):
        box.say("é>")
    assert box.transcript == "\ncab>bac\n"
    box.line.value = "é>"
    box.send()
    box.wait()
    assert "not in the vocabulary" in box.note.value


def test_a_static_viewer_sees_a_text(box):
    assert box._repr_mimebundle_()["text/plain"] == ChatBox.fallback
