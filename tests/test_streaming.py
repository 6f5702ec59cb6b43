"""Text as it comes: whole characters, and the moment at which it stops."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gptlib import Bigram, BPETokenizer, ModelHandler, generate, stream
from gptlib.streaming import before_stop, stream_text, stream_texts, whole_characters

BYTES = st.sampled_from([b"a", b" b", "é".encode(), "€".encode(), "🙂".encode()])


@given(
    st.lists(BYTES | st.binary(min_size=1, max_size=3), max_size=30),
    st.lists(st.integers(1, 3), min_size=1),
)
def test_whole_characters_are_the_text(pieces, cuts):
    """However bytes are cut into tokens, right or wrong ones."""
    raw, tokens = b"".join(pieces), []
    while raw:
        n = cuts[len(tokens) % len(cuts)]
        tokens.append(raw[:n])
        raw = raw[n:]

    def decode(ids):
        return b"".join(tokens[i] for i in ids).decode(errors="replace")

    came = list(whole_characters(iter(range(len(tokens))), decode))
    assert "".join(came) == decode(range(len(tokens))).removesuffix("\ufffd")
    assert "" not in came


def test_characters_come_as_soon_as_they_are_whole():
    raw = "a€b".encode()
    came = []

    def spoken():
        for byte in raw:
            yield byte
            came.append("|")

    for text in whole_characters(
        spoken(), lambda ids: bytes(ids).decode("utf-8", "replace")
    ):
        came.append(text)
    assert "".join(came) == "a||||€|b|".replace("||||€", "|||€")


def first_stop(text, stops):
    """By definition: character by character, until a stop text is complete."""
    for n in range(len(text) + 1):
        ended = [stop for stop in stops if text[:n].endswith(stop)]
        if ended:
            return text[: n - max(map(len, ended))]
    return text


AB = st.text("ab", max_size=12)


@given(AB, st.lists(st.text("ab", min_size=1, max_size=4), max_size=3), st.data())
def test_the_text_ends_before_the_first_complete_stop(text, stops, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    parts = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    came = list(before_stop(iter(parts), stops))
    assert "".join(came) == first_stop(text, stops)
    assert "" not in came


def test_only_a_possible_beginning_of_a_stop_is_held_back():
    came, told = [], []

    def spoken():
        for part in ("We", " a", "\n", "re.", "\n", "\n", "more"):
            yield part
            told.append("".join(came))

    for part in before_stop(spoken(), ["\n\n"]):
        came.append(part)
    assert told == ["We", "We a", "We a", "We a\nre.", "We a\nre."]
    assert "".join(came) == "We a\nre.", "nothing after the stop is asked for"


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("wrong", ["", ["a", ""], [1], None, 3])
def test_a_stop_is_a_text(gpt, tok, wrong):
    with pytest.raises(ValueError, match=r"stop=.*expected a text or several"):
        stream_text(gpt, tok, "1", 5, stop=wrong)


@pytest.mark.parametrize("settings", [{}, {"cache": False}])
def test_texts_that_stop_at_different_moments(gpt, tok, settings):
    prompts = [torch.tensor(tok.encode(text)) for text in ("12", "5 plus", "4")]
    rows = generate(gpt, prompts, 30, seed=4, **settings)
    new = [tok.decode(row[len(p) :]) for row, p in zip(rows, prompts, strict=True)]
    stop = [new[0][4:6], new[1][9:11]]
    texts = stream_texts(gpt, tok, prompts, 30, seed=4, stop=stop, **settings)
    texts = ["".join(parts) for parts in texts]
    assert texts == [first_stop(text, stop) for text in new]
    assert len(set(map(len, texts))) > 1


def test_no_token_is_drawn_beyond_the_last_stop(gpt, tok, monkeypatch):
    drawn = []

    def counting(*args, **settings):
        for column in stream(*args, **settings):
            drawn.append(column)
            yield column

    monkeypatch.setattr("gptlib.streaming.stream", counting)
    rows = [torch.tensor(tok.encode(text)) for text in ("12", "5")]
    new = generate(gpt, rows, 30, seed=4)
    stop = [tok.decode(row[-9:-5]) for row in new]
    texts = stream_texts(gpt, tok, rows, 30, seed=4, stop=stop)
    ends = [len("".join(parts)) for parts in texts]
    assert max(ends) <= 21 and len(drawn) == max(ends) + 4


@pytest.fixture
def ending(bpe):
    """A model that says " plus", then the end of a text, then it begins anew."""
    model = Bigram(bpe.vocab_size)
    order = [*bpe.encode(" plus"), bpe.special_ids["<|endoftext|>"]]
    with torch.no_grad():
        model.table.weight[:, order[0]] = 99
        for token, following in pairwise(order):
            model.table.weight[token, following] = 999
    return model


def test_the_end_of_the_text_is_a_token(ending, bpe):
    greedy = {"temperature": 0}
    assert "".join(stream_text(ending, bpe, "1", 9, **greedy)) == " plus"
    on = "".join(stream_text(ending, bpe, "1", 9, stop_tokens=(), **greedy))
    assert on.startswith(" plus<|endoftext|> plus")
    handler = ModelHandler("no folder needed")
    handler.model, handler.tokenizer = ending, bpe
    assert handler.generate(["1", "is"], 9, **greedy) == ["1 plus", "is plus"]
    assert handler.generate("1", 9, stop="l", **greedy) == "1 p"
    assert handler.generate("<|endoftext|>", 9, special=True, **greedy) == (
        "<|endoftext|> plus"
    )
    assert "".join(handler.stream("<|endoftext|>", special=True, **greedy)) == " plus"
    assert len(bpe.encode("<|endoftext|>")) > 1, "where it is not meant, it is text"


def test_special_tokens_of_a_tokenizer_that_has_none(gpt, tok):
    handler = ModelHandler("no folder needed")
    handler.model = gpt
    for handler.tokenizer in (tok, BPETokenizer([])):
        with pytest.raises(ValueError, match=r"special=True: .* has no such tokens"):
            handler.generate("1", special=True)
