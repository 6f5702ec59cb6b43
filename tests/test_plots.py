import matplotlib

matplotlib.use("agg")

import pytest
import torch

from gptlib import TrainConfig, ladder, plots, train
from gptlib.attention import attention_maps


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
