import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gptlib import CharTokenizer
from gptlib.tokenizer import Tokenizer, tokenizer_from_dict


@given(st.text(min_size=1), st.data())
def test_round_trip_of_any_text(text, data):
    tok = CharTokenizer(text)
    other = data.draw(st.text(st.sampled_from(tok.chars)))
    ids = tok.encode(other)
    assert tok.decode(ids) == other and len(ids) == len(other)
    assert tok.decode(torch.tensor(ids, dtype=torch.long)) == other
    assert all(0 <= i < tok.vocab_size for i in ids)


def test_tiny_shakespeare_has_65_characters(shakespeare):
    tok = CharTokenizer(shakespeare.text)
    assert tok.vocab_size == 65
    assert tok.encode("\n !") == [0, 1, 2]


def test_unknown_character_is_named_with_place_and_vocabulary():
    with pytest.raises(ValueError) as caught:
        CharTokenizer("abc").encode("abba€")
    message = str(caught.value)
    assert "'€'" in message and "position 4" in message and "'abc'" in message


@pytest.mark.parametrize("ids", [[0, 3], [-1], torch.tensor([7])])
def test_ids_outside_the_vocabulary_are_refused(ids):
    with pytest.raises(ValueError, match=r"outside the vocabulary 0\.\.2"):
        CharTokenizer("abc").decode(ids)


def test_empty_vocabulary_is_refused():
    with pytest.raises(ValueError, match="at least one character"):
        CharTokenizer("")


@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_save_and_load(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("tok") / "tokenizer.json"
    CharTokenizer(text).save(path)
    assert Tokenizer.load(path).chars == sorted(set(text))


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "3", '{"type": "bpe"}', '{"type": "char", "chars": "ba"}'],
)
def test_foreign_files_are_refused_by_name(tmp_path, content):
    path = tmp_path / "foreign.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"foreign.json: not a tokenizer"):
        Tokenizer.load(path)


def test_json_holds_the_characters_readably(tmp_path):
    CharTokenizer("bäa").save(tmp_path / "t.json")
    stored = json.loads((tmp_path / "t.json").read_text())
    assert stored == {"type": "char", "chars": "abä"}
    assert tokenizer_from_dict(stored).encode("ä") == [2]
