"""What a folder of tokens promises: whole, of one text, and read only if undamaged."""

import gzip
import json
import os
import random
from collections import Counter

import pytest

import gptlib.corpora.documents as documents
from gptlib import (
    BPETokenizer,
    CharTokenizer,
    Corpus,
    ModelHandler,
    TrainConfig,
    load_corpus,
    train,
)
from gptlib.bpe import END_OF_TEXT
from gptlib.corpora.shards import (
    HEADER,
    MANIFEST,
    Shards,
    TokenCorpus,
    open_corpus,
    read_header,
)
from gptlib.corpora.webtext import tokenize
from gptlib.errors import DataError
from gptlib.files.merges import cut_long
from gptlib.handler.build import build_config
from gptlib.model import Bigram
from gptlib.ngram import CountedNGrams

TEXT = "".join(f"Line {i} of a text.\n" for i in range(2000))


def run(source, folder, tokenizer, **settings):
    return list(tokenize(source, folder, tokenizer, **{"processes": 1} | settings))


@pytest.fixture(scope="module")
def tok() -> BPETokenizer:
    return BPETokenizer([], [END_OF_TEXT])


@pytest.fixture
def folder(tmp_path, tok):
    (tmp_path / "a.txt").write_text(TEXT)
    run(tmp_path / "a.txt", tmp_path / "tokens", tok, shard_bytes=8000)
    return tmp_path / "tokens"


def change_header(path, **changes):
    content = path.read_bytes()
    header = json.loads(content[:HEADER]) | changes
    path.write_bytes(
        json.dumps(header).encode().ljust(HEADER - 1) + b"\n" + content[HEADER:]
    )


@pytest.mark.parametrize(
    "changes",
    [
        *({"dtype": dtype} for dtype in ("O", "float16", "<u2", "uint8", 2, None)),
        *({"tokens": count} for count in (-1, 2**62, "9", 1.5, True)),
        *({"vocab_size": size} for size in (0, -3, "65", None)),
        {"sha256": 3},
        {"tokenizer": None},
        {"source": "a.txt"},
        {"version": 2},
    ],
    ids=str,
)
def test_a_header_that_cannot_be_is_refused(folder, changes):
    path = folder / "000000.tokens"
    change_header(path, **changes)
    with pytest.raises(DataError, match=f"{path} is damaged, or not a shard"):
        TokenCorpus(folder)


def test_numbers_read_as_others_are_refused(folder):
    """The digest of the ids is right, and so is the size of the file."""
    path = folder / "000001.tokens"
    content, header = path.read_bytes(), read_header(path)
    change_header(path, dtype="uint32", tokens=header["tokens"] // 2)
    with pytest.raises(DataError, match=f"{path} is damaged, or not a shard"):
        TokenCorpus(folder)
    path.write_bytes(content)
    change_header(path, vocab_size=header["vocab_size"] - 1)
    with pytest.raises(DataError, match=r"tokenizer\.json did not encode these shards"):
        TokenCorpus(folder)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such pipes")
@pytest.mark.parametrize("name", ["000009.tokens", "tokenizer.json"])
def test_a_pipe_is_not_waited_for(folder, name):
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)
    with pytest.raises(DataError, match=f"{name} is no regular file"):
        TokenCorpus(folder)


def test_an_unfinished_folder_is_no_corpus(tmp_path, tok):
    (tmp_path / "a.txt").write_text(TEXT)
    settings = {"processes": 1, "shard_bytes": 8000}
    steps = tokenize(tmp_path / "a.txt", tmp_path / "tokens", tok, **settings)
    next(steps), next(steps)  # as if killed after the first of five
    steps.close()
    with pytest.raises(DataError, match=r"unfinished: .* the 1 shards .* does the res"):
        TokenCorpus(tmp_path / "tokens")
    run(tmp_path / "a.txt", tmp_path / "tokens", tok, shard_bytes=8000)
    corpus = TokenCorpus(tmp_path / "tokens")
    assert tok.decode(corpus.shards[:]).removeprefix(END_OF_TEXT) == TEXT
    (tmp_path / "tokens" / "000001.tokens").unlink()
    with pytest.raises(DataError, match="unfinished"):
        TokenCorpus(tmp_path / "tokens")


@pytest.mark.usefixtures("unchecked")
def test_a_training_finds_damage(folder, tok):
    path, rng = folder / "000001.tokens", random.Random(0)
    content = bytearray(path.read_bytes())
    content[rng.randrange(HEADER, len(content))] ^= 1
    path.write_bytes(content)
    corpus = TokenCorpus(folder)
    config = TrainConfig(steps=2, batch_size=4)
    with pytest.raises(DataError, match=f"{path} is damaged: its ids have SHA-256"):
        next(iter(train(Bigram(tok.vocab_size), corpus.encode(tok), config)))


def test_tokens_of_another_text_are_not_replaced(folder, tmp_path, tok):
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    (tmp_path / "b.txt").write_text("Another text.\n" * 900)
    for lose_manifest in (False, True):
        if lose_manifest:
            (folder / MANIFEST).unlink()
            before.pop(MANIFEST)
        with pytest.raises(DataError, match=r"holds tokens of .*choose another folder"):
            run(tmp_path / "b.txt", folder, tok)
        assert {p.name: p.read_bytes() for p in folder.iterdir()} == before
    run(tmp_path / "a.txt", folder, tok, shard_bytes=8000)  # our own are found again


def test_tokens_of_other_files_or_another_tokenizer_are_not_replaced(
    folder, tmp_path, tok
):
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    with pytest.raises(DataError, match=r"holds tokens of .*choose another folder"):
        run(tmp_path / "a.txt", folder, tok, files="b*")
    with pytest.raises(DataError, match="holds tokens of another tokenizer, not of"):
        run(tmp_path / "a.txt", folder, BPETokenizer([]), shard_bytes=8000)
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "tokenizer.json").write_text("mine")
    with pytest.raises(DataError, match="holds tokens of another text"):
        run(tmp_path / "a.txt", foreign, tok)
    assert (foreign / "tokenizer.json").read_text() == "mine"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"of": 3}'])
def test_a_damaged_manifest_is_named(folder, content):
    (folder / MANIFEST).write_bytes(content)
    with pytest.raises(DataError, match=f"{MANIFEST} is damaged"):
        TokenCorpus(folder)


def test_text_is_read_as_a_corpus_is(tmp_path, tok):
    windows = "\ufeff" + TEXT.replace("\n", "\r\n")
    (tmp_path / "a.txt").write_bytes(windows.encode())
    run(tmp_path / "a.txt", tmp_path / "tokens", tok, shard_bytes=900)
    read = tok.decode(Shards(tmp_path / "tokens")[:]).removeprefix(END_OF_TEXT)
    assert read == load_corpus(tmp_path / "a.txt").text == TEXT


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_what_is_left_out_is_said(tmp_path, tok):
    source = tmp_path / "in"
    source.mkdir()
    (source / "B.TXT").write_text(TEXT)
    (source / "notes.md").write_text("not read")
    (tmp_path / "elsewhere").mkdir()
    (source / "linked").symlink_to(tmp_path / "elsewhere")
    (source / "gone.txt").symlink_to(tmp_path / "nowhere")
    says = r"left out notes.md, gone.txt \(no file\), linked \(a link to a folder\)"
    with pytest.warns(UserWarning, match=says):
        run(source, tmp_path / "tokens", tok)
    assert read_header(tmp_path / "tokens" / "000000.tokens")["tokens"] > len(TEXT)


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.parquet"])
def test_damaged_files_are_named(tmp_path, tok, name):
    content = gzip.compress(b'{"text": "abc"}\n' * 500)[:-20]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=name):
        run(tmp_path / name, tmp_path / "tokens", tok)


@pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz"])
def test_an_endless_line_is_refused_before_it_fills_the_memory(
    tmp_path, tok, monkeypatch, ending
):
    monkeypatch.setattr(documents, "LINE", 1000)
    write = gzip.open if ending.endswith("gz") else open
    with write(tmp_path / f"a.{ending}", "wt") as file:
        file.write('{"text": "' + 5000 * "a" + '"}\n')
    with pytest.raises(DataError, match="has more than 1,000 bytes"):
        run(tmp_path / f"a.{ending}", tmp_path / "tokens", tok)


def test_merges_that_double_are_refused_before_they_fill_the_memory():
    merges = [(32, 32), *((256 + i, 256 + i) for i in range(40))]
    with pytest.raises(ValueError, match="merge 12 makes a token of 8,192 bytes"):
        BPETokenizer(merges)


def test_counts_of_absurd_order_are_refused_at_once():
    with pytest.raises(ValueError, match="1000000 tokens of 65 kinds do not fit"):
        CountedNGrams(65, [0] * 1_000_000)
    with pytest.raises(ValueError, match="order=1000000000: expected"):
        build_config({"class": "ModernGPT", "count": 10**9})


def test_white_space_without_end_is_refused_with_its_length():
    tok = BPETokenizer([])
    assert len(tok.encode(" " * 100_000)) == 100_000
    with pytest.raises(ValueError, match="has 1,000,001 white-space characters in a"):
        tok.encode("a" + " " * 1_000_001 + "b")


def test_a_very_long_word_counts_in_parts():
    """Its length times the number of merges would be 14 seconds for these."""
    rng = random.Random(0)
    word = "".join(rng.choices("abcdefgh", k=100_000))
    tok = BPETokenizer.train(word, 300)
    assert len(tok.token_bytes) == 300 and tok.decode(tok.encode(word)) == word
    pieces = Counter({(1, 2) * 500: 1, (1, 2) * 501: 2})
    assert cut_long(pieces) == {(1, 2) * 500: 1, (1, 2) * 32: 30, (1, 2) * 21: 2}


def test_an_unknown_character_is_counted_from_the_beginning():
    corpus = Corpus.from_text("a" * 1950 + "Q" + "a" * 50)
    with pytest.raises(ValueError, match="'Q' at position 1950 is not in the"):
        corpus.encode(CharTokenizer("a"))
    text = corpus.text[:1950] + "\ud800" + corpus.text[1951:]
    with pytest.raises(ValueError, match="position 1950 is half of a"):
        Corpus("halves", text, 900, 1800).encode(BPETokenizer([]))


def test_a_name_of_a_corpus_is_no_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = "ab" * 1000
    (tmp_path / "tinyshakespeare").mkdir()
    (tmp_path / "mine").write_text(text)
    assert open_corpus("tinyshakespeare").name == "tinyshakespeare"
    assert open_corpus("mine").name == str(tmp_path / "mine")
    tok = CharTokenizer(text)
    handler = ModelHandler(tmp_path / "model").save(Bigram(2), tok)
    config = TrainConfig(steps=2, batch_size=4)
    own = Corpus.from_text(text + "ab", "mine")
    handler.train(1, data=own, config=config, progress=False)
    assert handler.trained_on["corpus"] == "mine"
    with pytest.raises(ValueError, match="mine is not the text the model was trained"):
        ModelHandler(handler.path).load().train(progress=False)
