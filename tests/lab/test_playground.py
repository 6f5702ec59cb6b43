"""The playground: a text when shown, one at a time, settings that act at once."""

import re
import subprocess
import sys
import threading

import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from gptlib import GPT, BPETokenizer, CharTokenizer, ModelHandler, generate
from gptlib.files.fetch import project_folder
from gptlib.lab import Playground, box
from tests.conftest import small_config


@pytest.fixture
def shown():
    """Display an object as a notebook does; returns its outputs' data."""
    InteractiveShell.instance()
    yield _shown
    InteractiveShell.clear_instance()


def _shown(widget) -> list[dict]:
    with capture_output() as captured:
        widget._ipython_display_()
    return [output.data for output in captured.outputs]


class Scripted:
    """Stands for `stream_text`: one letter after another, and what it was asked."""

    def __init__(self, monkeypatch, before_each=lambda count: None, letters="ab" * 99):
        self.calls, self.letters, self.before_each = [], letters, before_each
        monkeypatch.setattr(box, "stream_text", self)

    def __call__(self, model, tokenizer, prompt, length, **settings):
        self.calls.append({"prompt": prompt, "length": length} | settings)
        for count, letter in enumerate(self.letters[:length]):
            self.before_each(count)
            yield letter


def test_two_models_write_beside_each_other(gpt, tok):
    play = Playground({"one": (gpt, tok), "two": (gpt, tok)}, prompt="1", length=12)
    texts = play.write()
    assert texts["one"] == texts["two"] and len(texts["one"]) == 12
    assert play.texts == texts and play.continued == "1"
    assert play.status == "12 characters each, seed 1." and not play.warning
    assert play.write() != texts, "each press writes anew"
    assert play.status.endswith("seed 2.")


def test_a_text_is_the_one_of_its_seed(gpt, tok):
    play = Playground((gpt, tok), prompt="1", length=30, temperature=0.7, seed=5)
    ids = torch.tensor([tok.encode("1")])
    expected = tok.decode(generate(gpt, ids, 30, temperature=0.7, seed=5)[0])
    assert "1" + play.write()["model"] == expected


def test_it_opens_with_a_text_that_needs_no_kernel(gpt, tok, shown):
    models = {"<one>": (gpt, tok), "two": (gpt, tok)}
    play = Playground(models, prompt="1", length=20, seed=3)
    view, stored = shown(play)
    assert box.WIDGET in view and "Temperature 0.8" in view["text/plain"]
    text = play.texts["two"]
    assert len(text) == 20 and play.status.endswith("seed 3.")
    assert f"— <one> —\n1{text}" in stored["text/plain"]
    assert "&lt;one&gt;" in stored["text/html"] and "gpt-stored" in stored["text/html"]
    assert box.WIDGET not in stored, "it is what remains where no kernel runs"
    assert shown(play)[1] == stored, "shown again, the same text"
    twin = Playground(models, prompt="1", length=20, seed=3)
    assert shown(twin)[1] == stored, "the seed decides"
    alone = Playground((gpt, tok), prompt="1", length=5)
    assert shown(alone)[1]["text/plain"] == "1" + alone.texts["model"]


def test_an_interrupt_while_it_is_shown_leaves_what_is_there(
    gpt, tok, shown, monkeypatch
):
    waiting = threading.Event()
    Scripted(monkeypatch, lambda count: count < 3 or waiting.wait(10))
    play = Playground((gpt, tok), prompt="1")

    def interrupted(seconds=None, wait=play.wait):
        if seconds is None:
            while len(play._written["model"]) < 3:
                wait(0.01)
            raise KeyboardInterrupt
        if play.running:  # the stop after the interrupt, not the one before a text
            waiting.set()
        wait(seconds)

    monkeypatch.setattr(play, "wait", interrupted)
    stored = shown(play)[1]["text/plain"]
    assert stored.startswith("1aba") and len(stored) < 10
    assert play.status.startswith("Stopped after ") and not play.running


def test_the_kernel_is_free_and_stop_ends_the_text(gpt, tok, monkeypatch):
    going, wait = threading.Event(), threading.Event()
    Scripted(monkeypatch, lambda count: (going.set(), wait.wait(10)))
    play = Playground((gpt, tok), prompt="1", length=50)
    play._received({"do": "write", "prompt": "2"})
    assert going.wait(10) and play.running and play.prompt == "2"
    assert threading.current_thread() is threading.main_thread()
    play._received({"do": "stop"})
    wait.set()
    play.wait(10)
    assert not play.running and play.texts["model"] == "a"
    assert play.status == "Stopped after 1 characters, seed 1."


def test_a_second_press_ends_the_first_text(gpt, tok, monkeypatch):
    wait, running, most = threading.Event(), [], []

    def count_threads(count):
        running.append(threading.current_thread())
        most.append(sum(t.is_alive() for t in set(running)))
        wait.wait(0.01)

    scripted = Scripted(monkeypatch, count_threads)
    play = Playground((gpt, tok), prompt="1", length=90)
    for _ in range(3):
        play.start()
    play.wait(10)
    assert len(play.texts["model"]) == 90 and max(most) == 1
    assert [call["seed"] for call in scripted.calls][-1] == play.seed


def test_a_setting_acts_on_the_next_character(gpt, tok, monkeypatch):
    play = Playground((gpt, tok), prompt="1", length=8, all_sliders=True)

    def turn(count):
        if len(play._written["model"]) == 3:
            play.set_state({"temperature": 0.0})  # as the browser does

    scripted = Scripted(monkeypatch, turn)
    assert play.write() == {"model": "abab" + "abab"}
    first, second = scripted.calls
    assert (first["temperature"], first["prompt"], first["length"]) == (0.8, "1", 8)
    assert second["temperature"] == 0.0 and second["prompt"] == "1abab"
    assert second["length"] == 4 and second["seed"] != first["seed"]


def test_it_passes_its_sliders_on(gpt, tok):
    play = Playground((gpt, tok), prompt="1", length=30, all_sliders=True)
    greedy = generate(gpt, torch.tensor([tok.encode("1")]), 30, temperature=0)
    for slider, narrow, wide in (("top_k", 1, "all"), ("top_p", 0.05, 1.0)):
        setattr(play, slider, narrow)
        assert "1" + play.write()["model"] == tok.decode(greedy[0])
        setattr(play, slider, wide)
        assert "1" + play.write()["model"] != tok.decode(greedy[0])


def test_an_unknown_character_is_said_once_in_words(gpt, tok):
    play = Playground({"one": (gpt, tok), "two": (gpt, tok)}, prompt="1", length=8)
    texts = play.write()
    play.prompt = "1é\t"
    assert play.write() == {"one": "", "two": ""}
    assert play.warning and play.texts == texts, "the texts before stay"
    assert re.fullmatch(
        r"“é” and “\\t” are not among the \d+ characters that the models know\. "
        r"Change the prompt\.",
        play.status,
    )
    play.prompt = "1"
    assert play.write() != texts and not play.warning


def test_only_who_can_read_the_prompt_continues_it(gpt, tok):
    torch.manual_seed(0)
    other = CharTokenizer("123é")
    models = {"one": (gpt, tok), "two": (GPT(small_config(other)), other)}
    play = Playground(models, prompt="é", length=8)
    texts = play.write()
    assert texts["one"] == "" and len(texts["two"]) == 8
    assert play.status.startswith("“é” is not among") and play.warning
    assert "that one knows." in play.status


def test_subwords_beside_characters(gpt, tok):
    text = "".join(f"né {i} ça " for i in range(300))
    bpe = BPETokenizer.train(text, 280)
    torch.manual_seed(0)
    models = {"characters": (gpt, tok), "subwords": (GPT(small_config(bpe)), bpe)}
    play = Playground(models, prompt="1", length=40)
    for _ in range(3):
        texts = play.write()
        assert len(texts["characters"]) == 40 >= len(texts["subwords"]) > 0
        assert not texts["subwords"].endswith("\ufffd")


def test_an_error_is_shown_and_raised(gpt, tok):
    torch.nn.init.constant_(gpt.wte.weight, float("nan"))
    play = Playground((gpt, tok), prompt="1")
    with pytest.raises(ValueError, match="did it diverge"):
        play.write()
    assert play.warning and "did it diverge" in play.status and not play.running


def test_what_it_takes(gpt, tok):
    handler = ModelHandler(project_folder("models") / "fewshot")
    with pytest.raises(ValueError, match="a loaded ModelHandler for 'few'"):
        Playground({"few": handler})
    play = Playground(handler.load(), prompt="\n", length=4)
    assert len(play.write()["model"]) == 4
    with pytest.raises(ValueError, match="at least one"):
        Playground({})
    with pytest.raises(ValueError, match="temperature=-1"):
        Playground((gpt, tok), temperature=-1)
    with pytest.raises(ValueError, match="length=0"):
        Playground((gpt, tok), length=0)


def test_the_process_ends_quietly_in_the_middle_of_a_text():
    code = """
from gptlib import ModelHandler
from gptlib.files.fetch import project_folder
from gptlib.lab import Playground
handler = ModelHandler(project_folder("models") / "plain").load()
play = Playground(handler, prompt=handler.tokenizer.chars[0], length=100_000)
play.start()
while not play.texts["model"]:
    play.wait(0.05)
print(play.running)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "True\n", "")
