import matplotlib

matplotlib.use("agg")

import pytest
import torch

from gptlib import TrainConfig, ladder, plots, train
from gptlib.attention import attention_maps
from gptlib.lab.run import Check, Record, Turn


@pytest.fixture(autouse=True)
def style():
    with matplotlib.rc_context(plots.STYLE):
        yield
    matplotlib.pyplot.close("all")


def test_ladder_grows_up_to_the_rung_just_measured(uniform, split, letters):
    rung = ladder.measure("uniform", "01_bigram", uniform, split, letters, 0.0)
    figure = plots.loss_ladder(rung)
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == ["uniform"]
    everything = plots.loss_ladder()
    assert len(everything.axes[0].get_yticklabels()) == len(ladder.load_ladder())


def test_loss_curves_draw_batches_mean_and_val(data, gpt):
    training = train(gpt, data, TrainConfig(steps=6, eval_every=3))
    list(training)
    axes = plots.loss_curves(training.history)
    assert [len(line.get_xdata()) for line in axes.lines] == [6, 6, 2]


def test_surprise_shows_the_paragraph_and_its_mean(uniform, split, letters):
    figure = plots.surprise(uniform, split.val, letters, "uniform")
    shown = "".join(t.get_text() for t in figure.axes[0].texts)
    assert shown.startswith("MIRANDA:↵If by your art,") and shown.endswith("heart.")
    assert "4.17 nats" in figure.axes[0].get_title(loc="left")


def test_attention_map_names_the_characters(tok, gpt):
    maps = attention_maps(gpt, torch.tensor([tok.encode("1 plus")]))
    axes = plots.attention_map(maps[0][0, 0], "1 plus")
    assert [t.get_text() for t in axes.get_xticklabels()] == list("1␣plus")


def test_lab_runs_show_val_train_and_turns():
    checks = [Check(50, 2.0, 2.5), Check(100, 1.8, 2.4)]
    runs = [
        Record({"dropout": p}, 100, f"p {p}", checks=checks, turns=turns)
        for p, turns in ((0.0, []), (0.2, [Turn(60, "dropout", 0.4)]))
    ]
    axes = plots.lab_runs(runs)
    shown = [text.get_text() for text in axes.texts]
    assert shown.count("train") == 2 and {"p 0.0", "p 0.2"} < set(shown)
    assert [60, 60] in [list(line.get_xdata()) for line in axes.lines]


def test_spread_draws_every_seed_and_the_means():
    rows = [{"p": p, "val": p + s} for p in (0.1, 0.5) for s in (0.0, 0.2)]
    axes = plots.spread(rows, "p", {"val": "val"})
    dots = [line.get_ydata() for line in axes.lines if line.get_marker() == "o"]
    assert [len(values) for values in dots] == [2, 2]
    assert axes.lines[-1].get_ydata() == pytest.approx([0.2, 0.6])
    assert [t.get_text() for t in axes.get_xticklabels()] == ["0.1", "0.5"]
