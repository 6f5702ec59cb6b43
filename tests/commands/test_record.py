"""A row for RECORDS.md is printed only for a model that keeps the rules."""

import pytest
import torch

from gptlib import (
    GPT,
    BPETokenizer,
    CharTokenizer,
    GPTConfig,
    ModelHandler,
    TrainConfig,
    load_corpus,
)
from gptlib.commands import record
from gptlib.commands.main import main
from gptlib.commands.record import is_causal
from gptlib.corpora.shards import open_corpus
from gptlib.evaluation import Evaluation

SHAPE = {"n_layer": 1, "n_head": 1, "n_embd": 4, "block_size": 32}


@pytest.fixture
def trained(tmp_path):
    corpus = load_corpus("tinyshakespeare")
    tokenizer = CharTokenizer(corpus.text)
    model = GPT(GPTConfig(vocab_size=tokenizer.vocab_size, **SHAPE))
    handler = ModelHandler(tmp_path / "mine")
    handler.save(model, tokenizer)
    config = TrainConfig(steps=2, batch_size=2)
    handler.train(config=config, data=corpus, progress=False)
    return handler


def test_a_model_that_keeps_the_rules_gets_its_row(trained, capsys):
    main(["record", str(trained.path)])
    cells = [cell.strip() for cell in capsys.readouterr().out.strip().split("|")[1:-1]]
    loss, alone, size, width, steps, name = cells
    assert loss.split(" ± ")[0] == alone and 3.5 < float(alone) < 4.5
    assert (width, steps, name) == ("32", "2", "`mine`")
    expected = sum(p.numel() for p in trained.model.parameters())
    assert int(size.replace(",", "")) == expected


@pytest.mark.parametrize(
    ("track", "changes", "says"),
    [
        ("small", {"SMALL": 100}, "numbers are stored, at most 100 may be"),
        ("more-data", {}, "trained on 'tinyshakespeare', not 'shakespeare-plays'"),
    ],
)
def test_a_broken_rule_is_named(trained, monkeypatch, track, changes, says):
    for name, value in changes.items():
        monkeypatch.setattr(record, name, value)
    with pytest.raises(SystemExit, match=says):
        main(["record", str(trained.path), "--track", track])


def test_a_model_that_began_with_another_text_is_no_record(trained, tmp_path):
    """However it went on: by --start, in its own folder, or saved in another one."""
    (tmp_path / "other.txt").write_text(load_corpus("tinyshakespeare").text[:5000])
    other, config = open_corpus(tmp_path / "other.txt"), TrainConfig(1, batch_size=2)
    trained.train(data=other, config=config, progress=False)
    started, elsewhere = tmp_path / "started", tmp_path / "elsewhere"
    options = ["--training.steps", "1", "--start", str(trained.path)]
    main(["train", str(started), *options])
    saved = ModelHandler(elsewhere).save(trained.model, trained.tokenizer)
    saved.export(tmp_path / "page", "page")
    texts = load_corpus("tinyshakespeare"), other, load_corpus("tinyshakespeare")
    for handler in (trained, ModelHandler(elsewhere).load()):
        for text in texts:
            handler.train(data=text, config=config, progress=False)
    for folder in (started, trained.path, elsewhere):
        with pytest.raises(SystemExit, match=r"began from a model trained on .*other"):
            main(["record", str(folder)])


def test_the_same_text_may_have_begun_it(trained, tmp_path, capsys):
    folder = tmp_path / "on"
    options = ["--training.steps", "1", "--start", str(trained.path)]
    main(["train", str(folder), *options])
    assert ModelHandler(folder).load().trained_on["before"] == [
        {k: trained.trained_on[k] for k in ("corpus", "sha256")}
        | {"model": str(trained.path)}
    ]
    main(["record", str(folder)])
    assert "| `on` |" in capsys.readouterr().out
    untold = ModelHandler(tmp_path / "untold").save(trained.model, trained.tokenizer)
    untold.trained_on = {}
    untold.save()
    options[-1] = str(untold.path)
    main(["train", str(tmp_path / "unknown"), *options])
    with pytest.raises(SystemExit, match="trained on what is not known of"):
        main(["record", str(tmp_path / "unknown")])


def with_tokens(folder, text, corpus):
    """A small model over 300 tokens that were made from text, trained on corpus."""
    tokenizer = BPETokenizer.train(text, 300)
    shape = SHAPE | {"vocab_size": 300, "block_size": 256}
    handler = ModelHandler(folder).save(GPT(GPTConfig(**shape)), tokenizer)
    handler.train(config=TrainConfig(1, 2), data=corpus, progress=False)
    return handler


def test_a_window_of_tokens_holds_as_many_characters(tmp_path, capsys):
    corpus = load_corpus("tinyshakespeare")
    handler = with_tokens(tmp_path / "bpe", corpus.train, corpus)
    main(["record", str(handler.path)])
    val = handler.tokenizer.encode(corpus.val)
    width = 256 * len(val) // len(corpus.val)
    assert f"| {width} tokens |" in capsys.readouterr().out and 100 < width < 250


def test_tokens_of_another_text_are_no_record(tmp_path):
    corpus = load_corpus("tinyshakespeare")
    handler = with_tokens(tmp_path / "bpe", corpus.val, corpus)
    with pytest.raises(SystemExit, match="its tokens were made from another text"):
        main(["record", str(handler.path)])


def test_the_error_is_per_character_too(trained):
    per_token = Evaluation(2.0, 0.02, 100, (), nats_per_char=1.0)
    row = record.row("mine", trained, 8, lambda _: per_token)
    assert "| 1.0000 ± 0.0100 |" in row


class Foresight(torch.nn.Module):
    block_size = 8

    def forward(self, idx, targets=None, cache=None):
        return torch.nn.functional.one_hot(idx.roll(-1, 1), 9).float(), None


def test_a_model_that_sees_the_future_is_found(gpt):
    line = torch.tensor([1, 2, 3, 4, 5, 6, 7, 8])
    assert not is_causal(Foresight(), line)
    assert is_causal(gpt, line % gpt.vocab_size)
