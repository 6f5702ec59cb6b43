"""Tokens on disk: what is written, what is read, and what a training makes of it."""

import json

import pytest
import torch
from conftest import small_config

from gptlib import GPT, DataError, TrainConfig, evaluate, train
from gptlib.corpora import shards as s
from gptlib.corpora.webtext import tokenize
from gptlib.data import TokenSplits, epoch_windows, random_windows


def run(source, folder, tok, **settings):
    return list(tokenize(source, folder, tok, **{"processes": 1} | settings))


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
        with pytest.raises(DataError, match="damaged, or not a shard"):
            s.Shards(folder)


@pytest.mark.usefixtures("unchecked")
def test_a_training_reads_shards_as_it_reads_a_tensor(
    tmp_path, tok, data, small_corpus
):
    (tmp_path / "t.txt").write_text(small_corpus.train)
    run(tmp_path, tmp_path / "out", tok, shard_bytes=1_500)
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


def test_the_longest_name_fits_in_the_header(tmp_path, bpe):
    path = tmp_path / ("ж" * 125 + ".txt")  # 254 bytes; a file system takes 255
    path.write_text("one\n")
    run(path, tmp_path / "out", bpe)
    header = s.read_header(tmp_path / "out" / "000000.tokens")
    assert header["source"][0] == path.name


@pytest.fixture
def corpus(tmp_path, tok, small_corpus):
    for number in range(3):
        text = small_corpus.text[number * 3_000 : (number + 1) * 3_000]
        (tmp_path / f"{number}.txt").write_text(text)
    (tmp_path / "empty.txt").write_text("")
    run(tmp_path, tmp_path / "out", tok, shard_bytes=2_000)
    return s.TokenCorpus(tmp_path / "out")


def test_every_shard_gives_its_end_to_val(corpus, tok, monkeypatch):
    data = corpus.encode(tok)
    sizes = [header["tokens"] for header in corpus.shards.headers]
    assert len(sizes) == 4
    texts = [tok.decode(part.tolist()) for part in corpus.shards._mapped]
    ends = [int(0.1 * len(text)) for text in texts]
    val = "".join(text[len(text) - n :] for text, n in zip(texts, ends, strict=True))
    rest = "".join(text[: len(text) - n] for text, n in zip(texts, ends, strict=True))
    assert tok.decode(data.val) == val
    assert tok.decode(data.train[:]) == rest
    assert tok.decode(data.dev) == rest[-len(val) :]
    assert len(data.train) + len(data.val) == len(corpus.shards)
    first, last = corpus.train.split(0.5)  # a part can be cut in parts again
    assert len(first) + len(last) == len(rest)
    monkeypatch.setattr(s, "VAL_TOKENS", 90)
    assert 80 < len(s.TokenCorpus(corpus.name).val) <= 90


def test_a_corpus_of_shards_knows_its_tokenizer(corpus, tok, bpe, tmp_path):
    assert corpus.tokenizer.to_dict() == tok.to_dict()
    assert "tokens in 4 shards, 10% of them val, by CharTok" in repr(corpus)
    assert s.open_corpus(tmp_path / "out").sha256 == corpus.sha256
    with pytest.raises(ValueError, match="with the model's tokenizer"):
        corpus.encode(bpe)
    bpe.save(tmp_path / "out" / s.TOKENIZER)
    with pytest.raises(DataError, match="did not encode these shards"):
        s.TokenCorpus(tmp_path / "out")


@pytest.mark.usefixtures("unchecked")
def test_shards_are_trained_on_and_measured(corpus, tok):
    data = corpus.encode(tok)
    torch.manual_seed(0)
    model = GPT(small_config(tok))
    config = TrainConfig(steps=8, batch_size=4, eval_every=8, sampling="epochs")
    steps = list(train(model, data, config))
    assert steps[-1].val == pytest.approx(evaluate(model, data.val).loss)


@pytest.mark.usefixtures("unchecked")
def test_no_window_is_seen_twice_in_an_epoch_by_any_process(corpus, tok):
    """Each process takes its rows of a batch: so no two have a window in common."""
    data = corpus.encode(tok)
    count = (len(data.train) - 1) // 16 - 1
    numbered = torch.arange(len(data.train))
    batches = [epoch_windows(numbered, 8, 16, 0, step)[0] for step in range(1, 61)]
    starts = torch.cat(batches)[:count, 0].sort().values
    assert (starts.diff() >= 16).all()
    first = epoch_windows(data.train, 8, 16, 0, 1)[0]
    assert torch.equal(first, data.train[batches[0]])
