"""Tokens on disk: what is written, what is read, and what a training makes of it."""

import json
import random
import subprocess
import sys

import pytest
import torch
from conftest import small_config

from gptlib import GPT, BPETokenizer, CharTokenizer, DataError, TrainConfig, train
from gptlib import shards as s
from gptlib.data import TokenSplits, random_windows


def run(source, folder, tok, **settings):
    return list(s.tokenize(source, folder, tok, **{"processes": 1} | settings))


@pytest.fixture(scope="module")
def bpe(small_corpus):
    return BPETokenizer.train(small_corpus.text, 300, ["<|endoftext|>"])


@pytest.mark.parametrize("unit", [100, 3_001, 10**9])
@pytest.mark.parametrize("block", [64, 2**20])
def test_shards_hold_what_the_tokenizer_says(tmp_path, bpe, unit, block, monkeypatch):
    """However the text is cut, blank lines, tabs and other scripts included."""
    monkeypatch.setattr(s, "BLOCK", block)
    random.seed(0)
    words = [
        "one",
        " two",
        "\n",
        "\n\n",
        "\n \n",
        "Grüße",
        "😀\n",
        "\t",
        " ",
        "'s",
        "\r\n",
    ]
    text = "".join(random.choices(words, k=3000))
    source = tmp_path / "text.txt"
    source.write_bytes(text.encode())
    steps = run(source, tmp_path / "out", bpe, unit=unit)
    assert [done for done, _ in steps] == list(range(steps[0][1] + 1))
    shards = s.Shards(tmp_path / "out")
    assert shards[:].tolist() == [bpe.vocab_size - 1, *bpe.encode(text)]
    shards.verify()


def test_a_script_without_spaces_is_cut_between_characters(tmp_path, bpe, monkeypatch):
    monkeypatch.setattr(s, "BLOCK", 64)
    text = "天地玄黃宇宙洪荒" * 100
    (tmp_path / "t.txt").write_text(text, encoding="utf-8")
    run(tmp_path / "t.txt", tmp_path / "out", bpe, unit=1_000)
    assert bpe.decode(s.Shards(tmp_path / "out")[1:]) == text


def test_the_plays_in_several_processes(tmp_path, shakespeare):
    tok = CharTokenizer(shakespeare.text)
    for name, text in (("a", shakespeare.train[:200_000]), ("b", shakespeare.val)):
        (tmp_path / f"{name}.txt").write_text(text)
    run(tmp_path, tmp_path / "out", tok, processes=2, unit=100_000)
    expected = tok.encode(shakespeare.train[:200_000] + shakespeare.val)
    shards = s.Shards(tmp_path / "out")
    assert len(shards.paths) == 4 and shards[:].tolist() == expected
    places = torch.randint(len(expected), (3, 5))
    assert torch.equal(shards[places], torch.tensor(expected)[places])


def test_the_header_is_as_documented(tmp_path, bpe, small_corpus):
    (tmp_path / "t.txt").write_text(small_corpus.text)
    run(tmp_path / "t.txt", tmp_path, bpe)
    content = (tmp_path / "000000.tokens").read_bytes()
    assert content[:1024].endswith(b" \n")
    header = json.loads(content[:1024])
    ids = [bpe.vocab_size - 1, *bpe.encode(small_corpus.text)]
    assert (header["dtype"], header["tokens"]) == ("uint16", len(ids))
    assert content[1024:] == b"".join(i.to_bytes(2, "little") for i in ids)
    assert header["vocab_size"] == bpe.vocab_size


def test_started_again_it_does_what_is_missing(tmp_path, tok, small_corpus):
    source, folder = tmp_path / "t.txt", tmp_path / "out"
    source.write_text(small_corpus.text)
    first = run(source, folder, tok, unit=2_000)
    times = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert run(source, folder, tok, unit=2_000) == [first[-1]]
    missing = sorted(times)[2]
    missing.unlink()
    assert run(source, folder, tok, unit=2_000)[0][0] == len(times) - 1
    now = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert [path for path in now if now[path] != times[path]] == [missing]
    source.write_text(small_corpus.text.replace("plus", "sulp"))
    assert run(source, folder, tok, unit=2_000)[0][0] == 0
    assert tok.decode(s.Shards(folder)[:]) == source.read_text()


def test_what_cannot_be_is_refused(tmp_path, tok, bpe, small_corpus):
    with pytest.raises(DataError, match="no text file and no folder"):
        run(tmp_path, tmp_path / "out", tok)
    (tmp_path / "bad.txt").write_bytes(b"plus \xff plus")
    with pytest.raises(DataError, match=r"b'\\xff pl' is not UTF-8"):
        run(tmp_path, tmp_path / "out", tok)
    assert not list((tmp_path / "out").iterdir())
    (tmp_path / "bad.txt").write_text("Q")
    with pytest.raises(ValueError, match="'Q' at position 0"):
        run(tmp_path, tmp_path / "out", tok)
    with pytest.raises(DataError, match="holds 0 shards"):
        s.Shards(tmp_path / "out")
    (tmp_path / "bad.txt").write_text(small_corpus.text)
    run(tmp_path, tmp_path / "out", tok)
    run(tmp_path, tmp_path / "other", bpe)
    (tmp_path / "other/000000.tokens").rename(tmp_path / "out/000001.tokens")
    with pytest.raises(DataError, match="not of one tokenizer"):
        s.Shards(tmp_path / "out")


def test_damage_is_found(tmp_path, tok, small_corpus):
    source, folder = tmp_path / "t.txt", tmp_path / "out"
    source.write_text(small_corpus.text)
    run(source, folder, tok)
    path = folder / "000000.tokens"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(DataError, match=r"000000.tokens is damaged: its ids"):
        s.Shards(folder).verify()
    for damaged in (content[:-1], content[:500], b"x" * 3000):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match="damaged, or no shard"):
            s.Shards(folder)


@pytest.mark.usefixtures("unchecked")
def test_a_training_reads_shards_as_it_reads_a_tensor(
    tmp_path, tok, data, small_corpus
):
    (tmp_path / "t.txt").write_text(small_corpus.train)
    run(tmp_path, tmp_path / "out", tok, unit=1_500)
    shards = s.Shards(tmp_path / "out")
    losses = []
    for tokens in (data.train, shards):
        assert torch.equal(shards[:], data.train)
        torch.manual_seed(0)
        splits = TokenSplits(tokens, data.val, data.dev)
        config = TrainConfig(steps=5, batch_size=4, eval_every=5)
        training = train(GPT(small_config(tok)), splits, config)
        losses.append([(step.loss, step.val) for step in training])
    assert losses[0] == losses[1]
    generators = [torch.Generator().manual_seed(1) for _ in range(2)]
    a = random_windows(data.train, 3, 7, generators[0])
    assert torch.equal(a[1], random_windows(shards, 3, 7, generators[1])[1])


MEMORY = """
import resource, sys
from gptlib import BPETokenizer
from gptlib.shards import tokenize

tok = BPETokenizer.load(sys.argv[1])
tok.encode("one")


def peak():
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


before = peak()
list(tokenize(sys.argv[2], sys.argv[3], tok, processes=1))
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other units of memory elsewhere")
def test_memory_does_not_grow_with_the_text(tmp_path, bpe, small_corpus):
    bpe.save(tmp_path / "tokenizer.json")
    (tmp_path / "t.txt").write_text(small_corpus.text * 2_000)  # 20 MB
    size = (tmp_path / "t.txt").stat().st_size
    command = [sys.executable, "-c", MEMORY, "tokenizer.json", "t.txt", "out"]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=tmp_path, check=True
    )
    assert size > 15_000_000
    # A block's ids as Python numbers are what it takes; all would take 500 MB.
    assert int(done.stdout) < 150_000_000


def test_shards_of_a_text_that_is_gone_go_too(tmp_path, bpe):
    for name in ("a", "b"):
        (tmp_path / f"{name}.txt").write_text(f"{name} is here.\n")
    run(tmp_path, tmp_path / "out", bpe)
    (tmp_path / "b.txt").unlink()
    run(tmp_path, tmp_path / "out", bpe)
    left = s.Shards(tmp_path / "out")[:].tolist()
    assert left == [bpe.vocab_size - 1, *bpe.encode("a is here.\n")]


def test_the_longest_name_fits_in_the_header(tmp_path, bpe):
    path = tmp_path / ("ж" * 125 + ".txt")  # 254 bytes; a file system takes 255
    path.write_text("one\n")
    run(path, tmp_path / "out", bpe)
    header = s.read_header(tmp_path / "out" / "000000.tokens")
    assert header["source"][0] == path.name
