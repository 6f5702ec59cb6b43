import html

import pytest
import torch

from gptlib import GPT, BPETokenizer, generate
from gptlib.lab import Playground
from tests.conftest import small_config


def test_playground_writes_beside_each_other(gpt, tok):
    play = Playground({"one": (gpt, tok), "two": (gpt, tok)}, prompt="1", length=12)
    play.button.click()
    for page in play.pages.values():
        assert "<b>1</b>" in page.value and not play.button.disabled
    first = play.pages["one"].value
    texts = play.write()
    assert texts["one"] == texts["two"] and len(texts["one"]) == 12
    assert play.pages["one"].value != first, "each press writes anew"


def test_playground_shows_errors_and_greedy(gpt, tok):
    play = Playground({"one": (gpt, tok)}, prompt="Q?", length=8)
    play.write()
    assert "&#x27;Q&#x27; at position 0" in play.pages["one"].value
    play.prompt.value, play.temperature.value = "1", 0.0
    assert play.write() == play.write()
    bundle = play._repr_mimebundle_()
    assert bundle["text/plain"] == Playground.fallback and len(bundle) == 2
    with pytest.raises(ValueError, match="at least one"):
        Playground({})


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
        assert html.escape(texts["subwords"]) in play.pages["subwords"].value


def test_playground_passes_its_sliders_on(gpt, tok):
    play = Playground({"one": (gpt, tok)}, prompt="1", length=30, all_sliders=True)
    likeliest = play.models["one"][0]
    greedy = generate(likeliest, torch.tensor([tok.encode("1")]), 30, temperature=0)
    for slider, narrow, wide in (("top_k", 1, "all"), ("top_p", 0.05, 1.0)):
        getattr(play, slider).value = narrow
        assert "1" + play.write()["one"] == tok.decode(greedy[0])
        getattr(play, slider).value = wide
        assert "1" + play.write()["one"] != tok.decode(greedy[0])
    controls = play.view.children[0].children
    assert {play.top_k, play.top_p} <= set(controls)
    few = Playground({"one": (gpt, tok)}).view.children[0].children
    assert len(controls) == 5 and len(few) == 3
