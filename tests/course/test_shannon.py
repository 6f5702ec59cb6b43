"""Shannon's game of 01_bigram."""

import math

import pytest
import torch

from gptcourse.shannon import ShannonGame


def halves(letters, char, V=65):
    own = sum(0.5 ** (i + 1) for i, c in enumerate(letters) if c == char)
    return own + 0.5 ** len(letters) / V


def test_shannons_game_scores_what_was_stated(capsys):
    game = ShannonGame("the quiz\nends", 4, halves, length=5, context=4)
    game.guess("q")
    assert game.losses == [pytest.approx(-math.log(0.5 + 0.5 / 65))]
    for letters in ("uuuu", "", "abc", "\\n"):
        assert not game.over
        game.guess(letters)
    assert game.over and game.revealed == "quiz\n"
    assert game.losses[2] == pytest.approx(math.log(65))
    assert game.losses[4] == game.losses[0]
    mean = sum(game.losses) / 5
    assert game.loss == pytest.approx(mean)
    spread = torch.tensor(game.losses).std().item()
    assert game.stderr == pytest.approx(spread / math.sqrt(5))
    game.guess("e")
    assert len(game.losses) == 5
    out = capsys.readouterr().out
    assert "'q' came: p = 0.508, 0.68 nats; 4 to go: …'the q'" in out
    assert out.count("over: ") == 2


def test_shannons_game_is_played_by_a_function_and_refuses_short_texts():
    game = ShannonGame("abababab", 2, halves, length=6, context=2)
    played = game.play(lambda before: "ab"[before[-1] == "a"] * 9)
    assert played.over and played.loss < 0.01 and game.losses == []
    with pytest.raises(ValueError, match="start=3, length=6: expected"):
        ShannonGame("abababab", 3, halves, length=6)


def test_shannons_game_has_a_box(capsys):
    game = ShannonGame("the <b>quiz", 4, halves, length=5)
    assert "run this cell" in game._repr_mimebundle_()["text/plain"]
    page, (box, button) = game._box().children[0], game._box().children[1].children
    box.value = "<"
    assert len(game.losses) == 1 and box.value == "" and "&lt;" in page.value
    button.click()
    assert game.losses[1] == pytest.approx(math.log(65))
    assert capsys.readouterr().out == ""
