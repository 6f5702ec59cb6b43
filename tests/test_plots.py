import itertools
import math

import matplotlib

matplotlib.use("agg")

import pytest
import torch

from gptcourse import figures, ladder, letters, plots
from gptlib import Bigram, BPETokenizer, TrainConfig, train
from gptlib.attention import attention_maps
from gptlib.lab.figure import lab_runs
from gptlib.lab.run import Check, Record, Turn


@pytest.fixture(autouse=True)
def style():
    with matplotlib.rc_context(plots.STYLE):
        yield
    matplotlib.pyplot.close("all")


def test_ladder_grows_up_to_the_rung_just_measured():
    rung = next(r for r in ladder.load_ladder() if r.name == "uniform")
    figure = figures.loss_ladder(rung)
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == ["uniform"]
    shown = figures.loss_ladder().axes[0].get_yticklabels()
    assert [t.get_text() for t in shown] == list(ladder.SPINE)
    shown = figures.loss_ladder(everything=True).axes[0].get_yticklabels()
    names = [t.get_text() for t in shown]
    others = {r.name for r in ladder.load_ladder() if r.order <= 2}
    assert {name for name in names if name != figures.FAMILY} == others
    assert "counted 4-grams" in figures.loss_ladder(everything=True).get_label()
    # The orders above 2 share a row, and each dot of it says its n.
    assert names.count(figures.FAMILY) == 1


def test_counted_n_grams_stand_in_one_row():
    (rung,) = [r for r in ladder.load_ladder() if r.name == "counted 4-grams"]
    ax = figures.loss_ladder(rung, everything=True).axes[0]
    assert figures.FAMILY in [t.get_text() for t in ax.get_yticklabels()]
    orders = [t.get_text() for t in ax.texts if len(t.get_text()) == 1]
    assert orders == list("1234")


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


def test_surprise_of_a_text_of_ones_own(tok, data, gpt):
    figure = plots.surprise(gpt, data.val, tok)
    drawn = figure.axes[0].texts
    shown = "".join(t.get_text() for t in drawn).replace("↵", "\n")
    assert shown == tok.decode(data.val[16:416]) and "A paragraph of a text" in (
        figure.get_label()
    )
    one_line = data.val[data.val != tok.ids["\n"]]
    drawn = plots.surprise(gpt, one_line, tok).axes[0].texts
    assert max(t.get_position()[0] for t in drawn) < 80 and len(drawn) == 400
    with pytest.raises(ValueError, match="a whole context"):
        plots.surprise(gpt, data.val[:16], tok)


def test_a_difference_says_how_much_has_cooled():
    figure = plots.difference("ab\nc", [1, 2, 3, 4], [2, 2, 3, 6], "one head")
    assert "mean −0.75 nats" in figure.axes[0].get_title(loc="left")
    assert "50% of the letters" in figure.get_label()


@pytest.fixture
def displayed(monkeypatch):
    """What IPython is asked to display: (object, metadata)."""
    import IPython.display

    shown = []

    class Handle:
        def update(self, figure, metadata):
            shown.append((figure, metadata))

    def display(figure, metadata, display_id=False):
        shown.append((figure, metadata))
        return Handle() if display_id else None

    monkeypatch.setattr(IPython.display, "display", display)
    return shown


def test_kinds_of_runs_are_compared_by_dots_and_means():
    losses = {"whole": [1.8, 1.82], "no warm-up": [1.9]}
    figure = figures.compared(losses, "loss on val (nats per character)")
    ax = figure.axes[0]
    assert [len(line.get_xdata()) for line in ax.lines] == [2, 1]
    assert [t.get_text() for t in ax.texts] == ["1.810", "1.900"]
    assert "whole 1.810; no warm-up 1.900." in figure.get_label()


def test_a_figure_is_shown_with_its_description_or_not_at_all(displayed):
    matplotlib.pyplot.subplots()
    with pytest.raises(ValueError, match="say in a sentence"):
        plots.show()
    plots.show("An empty frame.")
    assert displayed[0][1] == {"image/png": {"alt": "An empty frame."}}
    assert matplotlib.pyplot.get_fignums() == []


def test_live_yields_every_step_and_redraws_train_and_val(displayed, data, gpt):
    config = TrainConfig(steps=6, eval_every=2, eval_tokens=64)
    training = train(gpt, data, config)
    assert [s.step for s in plots.live(training, seconds=0)] == [1, 2, 3, 4, 5, 6]
    assert len(displayed) == 7
    assert "at step 6" in displayed[-1][1]["image/png"]["alt"]
    measured = [s for s in training.history if s.val is not None]
    assert len(measured) == 3 and all(s.train is not None for s in measured)


def test_surprise_of_pieces_is_shared_out_among_their_letters(shakespeare):
    bpe = BPETokenizer.train(shakespeare.train, 512)
    split = shakespeare.encode(bpe)
    model = Bigram(512)
    torch.nn.init.zeros_(model.table.weight)
    figure = plots.surprise(model, split.val, bpe, "pieces")
    shown = "".join(t.get_text() for t in figure.axes[0].texts)
    assert shown.startswith("MIRANDA:↵If by your art,") and shown.endswith("heart.")
    first, last, places = plots.tokens_of(
        bpe, split.val, *(shakespeare.val.index(part) for part in plots.PARAGRAPH)
    )
    assert bpe.decode(split.val[first:last]).startswith("MIRANDA")
    assert [len(bpe.decode([t])) for t in split.val[first:last].tolist()] == [
        end - begin for begin, end in itertools.pairwise(places)
    ]
    # Every token costs ln 512, whatever its length.
    begin = shakespeare.val.index(plots.PARAGRAPH[0])
    end = shakespeare.val.index(plots.PARAGRAPH[1]) + len(plots.PARAGRAPH[1])
    tokens = len(bpe.encode(shakespeare.val[begin:end]))
    mean = math.log(512) * tokens / (end - begin)
    assert f"{mean:.2f} nats" in figure.axes[0].get_title(loc="left")


def test_tokens_inside_a_character_are_part_of_it():
    tokens = torch.tensor(BPETokenizer([]).encode("aé猫b"))  # 1 + 2 + 3 + 1 bytes
    first, last, places = plots.tokens_of(BPETokenizer([]), tokens, 1, 4)
    assert (first, last) == (1, 7) and places[0] == 1 and places[-1] == 4
    each = letters._per_letter([1.0, 2.0, 4.0, 8.0, 16.0, 32.0], places)
    assert len(each) == 3 and sum(each) == 63


def test_token_view_draws_a_row_a_tokenizer(tok):
    text = "1 plus 1é"
    rows = {"bytes": BPETokenizer([]), "one merge": BPETokenizer([(220, 79)])}
    figure = plots.token_view(text, rows)
    assert [axes.texts[-1].get_text() for axes in figure.axes] == ["10", "9"]
    shown = "".join(t.get_text() for t in figure.axes[0].texts[:-1])
    assert shown == "1·plus·1é"


def test_attention_map_names_the_characters(tok, gpt):
    maps = attention_maps(gpt, torch.tensor([tok.encode("1 plus")]))
    axes = plots.attention_map(maps[0][0, 0], "1 plus")
    assert [t.get_text() for t in axes.get_xticklabels()] == list("1␣plus")


@pytest.mark.parametrize("text", ["abc", "abcdefgh", ["a", "bc"]])
def test_attention_map_wants_a_letter_for_each_row(text):
    with pytest.raises(ValueError, match=f"has {len(text)} letters, weights has 4"):
        plots.attention_map(torch.ones(4, 4).tril(), text)


def test_loss_curves_name_the_unit_and_want_a_history(gpt, data):
    training = train(gpt, data, TrainConfig(steps=2))
    list(plots.live(training, unit="token"))
    axes = plots.loss_curves(training.history, unit="token")
    assert axes.get_ylabel() == "loss (nats per token)"
    with pytest.raises(ValueError, match="history is empty"):
        plots.loss_curves([])


def test_lab_runs_show_val_train_and_turns():
    checks = [Check(50, 2.0, 2.5), Check(100, 1.8, 2.4)]
    runs = [
        Record({"dropout": p}, 100, f"p {p}", checks=checks, turns=turns)
        for p, turns in ((0.0, []), (0.2, [Turn(60, "dropout", 0.4)]))
    ]
    axes = lab_runs(runs)
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
