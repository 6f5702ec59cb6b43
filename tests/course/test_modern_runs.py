from dataclasses import replace

import pytest
import torch

from gptcourse.experiments import modern
from gptcourse.records import load_rows
from gptlib.data import load_corpus
from gptlib.tokenizer import CharTokenizer


@pytest.fixture(scope="module")
def data():
    corpus = load_corpus("tinyshakespeare")
    return corpus.encode(CharTokenizer(corpus.text))


@pytest.mark.parametrize("recipe", [*modern.RECIPES, *modern.LONG_RECIPES])
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


def test_the_table_holds_every_run_once_and_equal_time_for_each():
    rows = load_rows(modern.Run, modern.RUNS)
    found = [tuple(getattr(row, key) for key in modern.KEY) for row in rows]
    wanted = [
        (s, n, c.batch, c.context, c.lr, seed) for s, n, c, seed in modern.wanted_runs()
    ]
    assert sorted(found) == sorted(wanted)
    costs = {
        (c.stage, c.recipe, c.batch, c.context): c.ms
        for c in load_rows(modern.Cost, modern.COSTS)
    }
    for row in rows:
        if row.recipe in modern.RECIPES:
            cost = costs[row.stage, row.recipe, row.batch, row.context]
            assert row.steps == pytest.approx(1000 * modern.SECONDS / cost, rel=0.01)


@pytest.mark.parametrize("family", modern.CHOSEN)
def test_the_chosen_setting_is_the_best_on_dev(family):
    rows = [
        r
        for r in load_rows(modern.Run, modern.RUNS)
        if (r.stage, r.recipe) == ("dev", family)
    ]
    best = min(rows, key=lambda row: row.loss)
    assert modern.CHOSEN[family] == modern.Setting(best.batch, best.context, best.lr)
