import gc
import threading
import time
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
import torch

from gptlib import (
    GPT,
    Bigram,
    BPETokenizer,
    Corpus,
    DivergedError,
    Head,
    LanguageModel,
    TrainConfig,
    evaluate,
    train,
)
from gptlib.lab import TrainingLab
from gptlib.lab import run as lab_run
from gptlib.lab.chart import MOST_POINTS, draw, thin
from gptlib.lab.run import Check, Record, Turn, settled
from gptlib.training import Step
from tests.conftest import small_config

CONFIG = TrainConfig(steps=60, lr=3e-3, schedule="constant", batch_size=4)


@pytest.fixture
def lab(gpt, data):
    lab = TrainingLab(gpt, data, CONFIG)
    yield lab
    lab.close()


@pytest.fixture
def long_lab(gpt, data):
    lab = TrainingLab(gpt, data, replace(CONFIG, steps=100_000))
    yield lab
    lab.close()


def weights(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def shown(lab, monkeypatch):
    """Display the panel as a notebook would; returns it."""
    monkeypatch.setattr("IPython.display.display", lambda panel: None)
    lab.show()
    return lab._panel


def test_a_run_from_first_to_last_step(lab, data, capsys):
    assert lab.state == "ready" and lab.record.history == []
    lab.start()
    lab.wait()
    assert lab.state == "finished" and len(lab.record.history) == 60
    assert [check.step for check in lab.record.checks] == [50, 60]
    assert lab.record.whole_val == evaluate(lab.model, data.val).loss
    assert len(lab.record.sample) == 161 and lab.record.unit == "character"
    assert "finished · step 60 of 60" in lab.status()
    assert capsys.readouterr() == ("", ""), "the thread prints nothing"


def test_the_lab_trains_as_the_loop_does(lab, gpt, tok, data):
    lab.set(dropout=0.2)
    lab.start()
    lab.wait()
    torch.manual_seed(0)
    plain = GPT(small_config(tok, dropout=0.2))
    steps = list(train(plain, data, CONFIG))
    assert torch.equal(weights(gpt), weights(plain))
    assert [s.loss for s in lab.record.history] == [s.loss for s in steps]


def test_starting_twice_is_starting_once(long_lab):
    before = threading.active_count()
    long_lab.start()
    long_lab.start()
    assert threading.active_count() == before + 1
    long_lab.wait(steps=2)
    steps = [step.step for step in long_lab.record.history]
    assert steps == list(range(1, len(steps) + 1))


def test_a_knob_acts_on_the_next_step_and_is_recorded(lab):
    lab.start(steps=10)
    lab.wait()
    lab.set(dropout=0.4, lr_scale=0.1)
    assert lab.model.dropout == 0.0 and lab.record.turns == []
    lab.step()
    assert lab.model.dropout == 0.4
    assert lab.record.turns == [Turn(11, "dropout", 0.4), Turn(11, "lr_scale", 0.1)]
    assert lab.record.history[-1].lr == pytest.approx(3e-4)
    lab.start()
    lab.wait()
    assert lab.record.settings() == "dropout 0 → 0.4 at 11 → rate × 0.1 at 11"


def test_what_is_set_before_the_start_is_where_the_run_begins(lab):
    lab.set(dropout=0.3)
    lab.start()
    lab.wait()
    assert lab.record.turns == [] and lab.record.settings() == "dropout 0.3"


@pytest.mark.parametrize("knobs", [{"dropout": 1.5}, {"speed": 3}, {"dropout": None}])
def test_refused_knobs_change_nothing(lab, knobs):
    before = lab.knobs
    with pytest.raises((TypeError, ValueError)):
        lab.set(weight_decay=0.5, **knobs)
    assert lab.knobs == before


def test_pause_stops_within_one_step(long_lab):
    long_lab.start()
    long_lab.wait(steps=5)
    with long_lab.between_steps():
        done = len(long_lab.record.history)
        long_lab.pause()
    after = len(long_lab.record.history)
    assert after == done and long_lab.state == "paused"
    time.sleep(0.1)
    assert len(long_lab.record.history) == after
    long_lab.start()
    long_lab.wait(steps=1)
    assert len(long_lab.record.history) > after


def test_step_by_step(lab):
    lab.step()
    lab.step()
    assert lab.state == "paused" and len(lab.record.history) == 2
    lab.start(steps=3)
    lab.wait()
    assert len(lab.record.history) == 5


def test_stop_measures_and_is_the_end(long_lab):
    long_lab.start()
    long_lab.wait(steps=3)
    long_lab.stop()
    assert long_lab.state == "stopped" and not long_lab._runner.alive
    assert long_lab.record.whole_val is not None
    with pytest.raises(ValueError, match="this run is stopped: reset"):
        long_lab.start()


def test_stop_before_the_start(lab):
    lab.stop()
    assert lab.state == "stopped" and lab.record.history == []


def test_reset_during_a_run_restores_and_repeats(long_lab, gpt):
    first = weights(gpt)
    long_lab.start()
    long_lab.wait(steps=20)
    losses = [step.loss for step in long_lab.record.history[:20]]
    long_lab.reset()
    assert torch.equal(weights(gpt), first) and long_lab.state == "ready"
    assert long_lab.record.history == []
    long_lab.start(steps=20)
    long_lab.wait()
    assert [step.loss for step in long_lab.record.history] == losses


def test_reset_keeps_knobs_and_kept_runs(lab):
    lab.set(dropout=0.2)
    lab.start()
    lab.wait()
    kept = lab.keep()
    lab.reset()
    assert lab.knobs["dropout"] == 0.2 and lab.kept == [kept]
    assert kept.name == "dropout 0.2" and kept.whole_val is not None


def test_keeping_needs_something_to_keep(lab):
    with pytest.raises(ValueError, match="at least 50 steps"):
        lab.keep()


def test_kept_runs_are_ranked_by_best_val_then_gap(lab):
    runs = {"worse": (1.0, 2.5), "better, wide": (1.0, 2.0), "better": (1.5, 2.0)}
    for name, (low, high) in runs.items():
        record = Record(lab.knobs, 60, name, checks=[Check(50, low, high)])
        lab.kept.append(record)
    names = [row["run"] for row in lab.ranking()]
    assert names == ["better", "better, wide", "worse"]


def test_divergence_is_shown_and_reset_mends_it(gpt, data, monkeypatch):
    lab = TrainingLab(gpt, data, replace(CONFIG, lr=1000.0, warmup=0.0))
    panel = shown(lab, monkeypatch)
    lab.start()
    with pytest.raises(DivergedError, match="at learning rate 1e"):
        lab.wait()
    assert lab.state == "failed" and "last good weights" in panel.message.value
    with pytest.raises(ValueError, match="failed: reset"):
        lab.start()
    panel.buttons["Reset"].click()
    assert lab.state == "ready" and panel.message.value == ""
    lab.set(lr_scale=1e-5)
    lab.start(steps=5)
    lab.wait()
    assert torch.isfinite(weights(gpt)).all()


def test_an_error_inside_training_is_shown(lab, monkeypatch):
    panel = shown(lab, monkeypatch)

    def broken(*_):
        raise RuntimeError("out of <memory>")

    lab.start(steps=3)
    lab.wait()
    monkeypatch.setattr(lab.model, "forward", broken)
    lab.start()
    with pytest.raises(RuntimeError, match="out of"):
        lab.wait()
    assert "RuntimeError: out of &lt;memory&gt;" in panel.message.value
    assert len(lab.record.history) == 3


def test_looking_at_the_model_meanwhile_changes_nothing(lab, data, tok):
    lab.set(dropout=0.3)
    lab.start()
    while lab.state == "running":
        copy = lab.snapshot()
        assert not copy.training
        evaluate(copy, data.val)
        with lab.between_steps():
            done = len(lab.record.history)
            torch.manual_seed(5)
            torch.rand(3)
            evaluate(lab.model, data.val[:100])
            assert len(lab.record.history) == done
    torch.manual_seed(0)
    plain = GPT(small_config(tok, dropout=0.3))
    for _ in train(plain, data, CONFIG):
        pass
    assert torch.equal(weights(lab.model), weights(plain))


def test_two_labs_at_once_disturb_nothing(tok, data):
    labs = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        labs.append(TrainingLab(GPT(small_config(tok, dropout=0.3)), data, CONFIG))
    for lab in labs:
        lab.start()
    for lab in labs:
        lab.wait()
    for seed, lab in zip((1, 2), labs, strict=True):
        torch.manual_seed(seed)
        plain = GPT(small_config(tok, dropout=0.3))
        for _ in train(plain, data, CONFIG):
            pass
        assert torch.equal(weights(lab.model), weights(plain))


def test_a_second_lab_of_the_same_model_ends_the_first(long_lab, gpt, data):
    long_lab.start()
    second = TrainingLab(gpt, data, CONFIG)
    assert long_lab.state == "stopped" and not long_lab._runner.alive
    assert "another lab trains its model now" in long_lab.trouble
    second.start()
    second.wait()
    assert second.state == "finished"


def test_running_the_cell_again_ends_its_first_lab(long_lab, tok, data, monkeypatch):
    request = ["request 1"]
    where = "gptlib.lab.training_lab._cell_and_message"
    monkeypatch.setattr(where, lambda: ("cell 7", request[0]))
    shown(long_lab, monkeypatch)
    long_lab.start()
    torch.manual_seed(0)
    second, third = (TrainingLab(GPT(small_config(tok)), data, CONFIG) for _ in "23")
    shown(second, monkeypatch)
    assert long_lab.state == "running", "one cell may show two labs"
    request[0] = "request 2"
    shown(third, monkeypatch)
    assert long_lab.state == second.state == "stopped"
    assert "run again" in long_lab.trouble and long_lab._panel is None


def test_no_thread_outlives_its_lab(tok, data):
    before = threading.active_count()
    lab = TrainingLab(GPT(small_config(tok)), data, replace(CONFIG, steps=100_000))
    lab.start()
    lab.wait(steps=2)
    assert threading.active_count() == before + 1
    del lab
    gc.collect()
    for _ in range(100):
        if threading.active_count() == before:
            return
        time.sleep(0.05)
    pytest.fail("the thread goes on")


def test_an_interrupted_wait_pauses(long_lab, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    long_lab.start()
    monkeypatch.setattr(long_lab._runner, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        long_lab.wait()
    assert long_lab.state == "paused"


def test_waiting_too_long(long_lab):
    long_lab.start()
    with pytest.raises(TimeoutError, match=r"after 0\.05 seconds; it is running"):
        long_lab.wait(timeout=0.05)


@pytest.mark.parametrize("kind", ["bigram", "one head"])
def test_other_models(kind, tok, data):
    torch.manual_seed(0)
    V = tok.vocab_size
    model = Bigram(V)
    if kind == "one head":
        model = LanguageModel(Head(16, 16, 8), vocab_size=V, block_size=8, n_embd=16)
    lab = TrainingLab(model, data)
    assert lab.config.schedule == "constant"
    lab.start(steps=120)
    lab.wait()
    first, last = lab.record.checks
    assert last.val < first.val < 4.5


def test_pieces_of_words_as_tokens(monkeypatch):
    corpus = Corpus.from_text("".join(f"é{i} 猫 {i * i} ça; " for i in range(400)))
    bpe = BPETokenizer.train(corpus.train, 280)
    monkeypatch.setattr(lab_run, "SAMPLE_EVERY", 1)
    lab = TrainingLab(GPT(small_config(bpe)), corpus.encode(bpe), CONFIG)
    lab.start(steps=40)
    lab.wait()
    sample = lab.record.sample
    # One character is two tokens: the sample begins with it whole and ends whole.
    assert sample.startswith("é") and not sample.endswith("\ufffd")
    assert lab.record.unit == "token"
    lab.close()


def test_unfit_arguments_are_refused_and_end_no_other_lab(
    long_lab, gpt, data, unchecked
):
    long_lab.start()
    with pytest.raises(TypeError, match="TrainConfig"):
        TrainingLab(gpt, data, {"steps": 3})
    for split, name in (("train", "training"), ("val", "validation")):
        short = replace(data, **{split: data.train[:5]})
        with pytest.raises(ValueError, match=f"the {name} split"):
            TrainingLab(gpt, short, CONFIG)
    assert long_lab.state == "running"


def test_reset_takes_the_model_back(long_lab, gpt, data):
    second = TrainingLab(gpt, data, replace(CONFIG, steps=100_000))
    second.start()
    long_lab.reset()
    assert second.state == "stopped" and long_lab.state == "ready"
    long_lab.start(steps=2)
    long_lab.wait()


def test_a_step_while_it_runs_pauses_after_it(long_lab):
    long_lab.start()
    long_lab.wait(steps=2)
    long_lab.step()
    assert long_lab.state == "paused"


def test_a_later_start_says_how_far_to_go(lab):
    lab.start(steps=5)
    lab.start()
    lab.wait()
    assert lab.state == "finished"


def test_guests_hold_the_measuring_too(long_lab, data):
    long_lab.start()
    long_lab.wait(steps=1)
    with long_lab.between_steps():
        long_lab.stop()
        time.sleep(0.1)
        assert long_lab.state == "measuring" and long_lab.record.whole_val is None
        with pytest.raises(ValueError, match="would never end"):
            long_lab.wait()
    long_lab.wait()
    assert long_lab.record.whole_val == evaluate(long_lab.model, data.val).loss


def test_losses_that_are_no_numbers_end_the_run(lab, monkeypatch):
    monkeypatch.setattr("gptlib.lab.run.window_loss", lambda *_: float("inf"))
    panel = shown(lab, monkeypatch)
    lab.start()
    with pytest.raises(DivergedError, match="after step 50 the losses are"):
        lab.wait()
    lab._runner._thread.join()
    assert "DivergedError" in panel.message.value and lab.record.checks == []


def test_a_drawing_that_fails_does_not_end_the_training(lab, monkeypatch):
    panel = shown(lab, monkeypatch)
    monkeypatch.setattr(panel, "_draw", None)
    lab._runner.start()
    lab.wait()
    assert lab.state == "finished"


def test_closing_the_output_disturbs_nothing(lab, monkeypatch):
    panel = shown(lab, monkeypatch)
    lab.start(steps=10)
    panel.close()
    lab.wait()
    lab.start()
    lab.wait()
    assert lab.state == "finished" and lab.trouble == ""


def test_sliders_reach_what_code_sets(lab, monkeypatch):
    panel = shown(lab, monkeypatch)
    lab.set(dropout=0.8, lr_scale=100.0, weight_decay=3.0)
    values = {knob: slider.value for knob, slider in panel.sliders.items()}
    assert values == pytest.approx(lab.knobs)
    assert lab.knobs == {"dropout": 0.8, "lr_scale": 100.0, "weight_decay": 3.0}


def test_panel_and_lab_follow_each_other(lab, monkeypatch):
    panel = shown(lab, monkeypatch)
    panel.sliders["dropout"].value = 0.35
    assert lab.knobs["dropout"] == 0.35
    lab.set(lr_scale=0.5)
    assert panel.sliders["lr_scale"].value == 0.5
    enabled = [n for n, b in panel.buttons.items() if not b.disabled]
    assert enabled == ["Start", "Step", "Stop", "Reset"]
    panel.buttons["Step"].click()
    assert len(lab.record.history) == 1 and "step 1 of 60" in panel.status.value
    panel.buttons["Start"].click()
    lab.wait()
    lab._runner._thread.join()  # the last drawing comes after the last change
    assert not panel.buttons["Keep this run"].disabled
    assert panel.buttons["Start"].disabled and panel.buttons["Stop"].disabled
    panel.buttons["Keep this run"].click()
    assert "dropout 0.35 rate × 0.5" in panel.table.value
    assert lab.record.sample[1:20] in panel.sample.value.replace("&#x27;", "'")
    bundle = panel._repr_mimebundle_()
    assert "live lab" in bundle["text/plain"]


def history(steps: int) -> list[Step]:
    return [
        Step(i, 4 - i / steps, None, None, 1e-3, i * 64, i / 100)
        for i in range(1, steps)
    ]


def polylines(svg: str) -> list[int]:
    """How many points each line of a chart has; the chart must be valid XML."""
    lines = ET.fromstring(svg).iter("polyline")
    return [len(line.get("points").split()) for line in lines]


def test_chart_of_a_long_run_stays_small():
    checks = [Check(i, 2.0, 2.5) for i in range(50, 5001, 50)]
    record = Record({"dropout": 0.0}, 5000, "<one> & two", history(5000), checks)
    svg = draw(record, [record])
    assert max(polylines(svg)) <= MOST_POINTS and len(svg) < 30_000
    assert "&lt;one&gt; &amp; two" in svg and len(record.history) == 4999


@pytest.mark.parametrize("steps", [0, 1, 2, 49])
def test_chart_of_a_short_run(steps):
    record = Record({"dropout": 0.0}, max(1, steps), history=history(steps))
    assert polylines(draw(record))


def test_chart_marks_turns_and_the_best_val():
    checks = [Check(50, 2.0, 2.5), Check(100, 1.8, 2.4), Check(150, 1.5, 2.6)]
    turns = [Turn(60, "dropout", 0.2), Turn(61, "dropout", 0.4)]
    svg = draw(Record({"dropout": 0.0}, 150, "", history(150), checks, turns))
    assert "best val 2.400" in svg and "val 2.60" in svg and "train 1.50" in svg
    assert "dropout 0.4" in svg and "dropout 0.2" not in svg


def test_thinning_takes_means():
    assert thin([(1, 2.0), (3, 4.0)], 1) == [(2.0, 3.0)]
    assert thin([(1, 2.0)]) == [(1, 2.0)]


def test_turns_in_close_succession_count_as_one():
    turns = [
        Turn(10, "dropout", 0.1),
        Turn(11, "lr_scale", 2),
        Turn(12, "dropout", 0.3),
    ]
    assert settled(turns, 5) == turns[1:]
    assert settled(turns, 1) == turns
