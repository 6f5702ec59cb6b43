import pytest

from gptlib.playground import FALLBACK, Playground


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
    assert bundle["text/plain"] == FALLBACK and len(bundle) == 2
    with pytest.raises(ValueError, match="at least one"):
        Playground({})
