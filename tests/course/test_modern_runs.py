from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from gptcourse.experiments import modern
from gptcourse.records import load_rows
from gptlib.bpe import BPETokenizer
from gptlib.data import load_corpus
from gptlib.tokenizer import CharTokenizer


@pytest.fixture(scope="module")
def data():
    corpus = load_corpus("tinyshakespeare")
    return corpus.encode(CharTokenizer(corpus.text))


@pytest.mark.parametrize("recipe", [*modern.RECIPES, *modern.LONG_RUNS])
def test_every_recipe_can_be_trained_and_repeated(recipe, data):
    setting = modern.Setting(2, 16, 0.003)
    losses = []
    for _ in range(2):
        training = modern.training_of(recipe, setting, 0, 2, data)
        losses.append([step.loss for step in training])
    assert losses[0] == losses[1] and losses[0][1] < 4.5


def test_a_row_says_what_was_measured(data):
    short = replace(data, val=data.val[:500])
    row = modern.run("val", "gpt", modern.Setting(2, 16, 0.003), 0, 3, short)
    assert (row.recipe, row.steps, row.device, row.threads) == (
        "gpt",
        3,
        "cpu",
        torch.get_num_threads(),
    )
    assert 3 < row.loss < 4.5 and row.minutes == pytest.approx(row.ms * 3 / 6e4)


def test_tokens_are_made_without_the_text_they_are_tuned_on():
    corpus = load_corpus("tinyshakespeare")
    data = modern.encoded("long", "two minutes, 384 tokens", corpus)
    before_dev = corpus.text[: corpus.dev_start]
    assert data.tokenizer.merges == BPETokenizer.train(before_dev, 384).merges
    assert data.tokenizer.decode(data.val.tolist()) == corpus.dev
    assert data.tokenizer.decode(data.train.tolist()) == before_dev


def test_the_table_holds_every_run_once_and_equal_time_for_each():
    rows = load_rows(modern.Run, modern.RUNS)
    found = [tuple(getattr(row, key) for key in modern.KEY) for row in rows]
    wanted = [
        (s, n, c.batch, c.context, c.lr, seed) for s, n, c, seed in modern.wanted_runs()
    ]
    assert sorted(found) == sorted(wanted)
    for row in rows:
        setting = modern.Setting(row.batch, row.context, row.lr)
        steps = modern.steps_of(row.stage, row.recipe, setting, None)
        assert row.steps == pytest.approx(steps, rel=0.01)
    by_stage = {row.stage: row.steps for row in rows if row.recipe == "1 key head"}
    assert by_stage == {"lean": 327}  # 30 s of the modern model's 91.63 ms


def test_lean_attention_shares_heads_and_sees_a_window():
    q, k, v = torch.randn(3, 2, 4, 6, 8)  # (B, H, T, D) each
    whole = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    torch.testing.assert_close(modern.lean_attention(4, 6)(q, k, v, True), whole)
    near = modern.lean_attention(2, 1)(q, k, v, True)
    # Who sees only the own position gets the value of the group's first head.
    torch.testing.assert_close(near, v[:, [0, 0, 2, 2]])


@pytest.mark.parametrize("family", modern.CHOSEN)
def test_the_chosen_setting_is_the_best_on_dev(family):
    rows = [
        r
        for r in load_rows(modern.Run, modern.RUNS)
        if (r.stage, r.recipe) == ("dev", family)
    ]
    best = min(rows, key=lambda row: row.loss)
    assert modern.CHOSEN[family] == modern.Setting(best.batch, best.context, best.lr)
