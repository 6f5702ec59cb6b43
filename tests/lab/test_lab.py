import base64
import gc
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

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
from gptlib.lab import TrainingLab, cells
from gptlib.lab import run as lab_run
from gptlib.lab.chart import MOST_POINTS, Feed, Series, kept_run, picture, rows, turns
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


class Browser:
    """What a browser would know of a panel, and what it asks."""

    def __init__(self, panel):
        self.panel, self.known, self.messages = panel, {}, 0
        panel.send = self.hear
        self.ask(do="hello")

    def hear(self, message: dict) -> None:
        self.known |= message
        self.messages += 1

    def ask(self, **content) -> None:
        self.panel._asked(content)

    def press(self, button: str) -> None:
        self.ask(do="press", button=button)

    def set(self, knob: str, value: float, number: int = 1) -> None:
        self.ask(do="set", knob=knob, value=value, number=number)


def shown(lab, monkeypatch) -> Browser:
    """Display the panel as a notebook would; returns what sees it."""
    monkeypatch.setattr("IPython.display.display", lambda panel, display_id: None)
    lab.show()
    return Browser(lab._panel)


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


def test_reset_brings_the_knobs_back_and_leaves_kept_runs(lab):
    first = lab.knobs
    lab.set(dropout=0.2)
    lab.start()
    lab.wait()
    kept = lab.keep()
    lab.reset()
    assert lab.knobs == first and lab.kept == [kept]
    assert lab.model.dropout == first["dropout"]
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
    lab._runner._thread.join()
    assert lab.state == "failed" and "last good weights" in panel.known["trouble"]
    with pytest.raises(ValueError, match="failed: reset"):
        lab.start()
    panel.press("Start")
    assert "failed: reset" in panel.known["refused"]
    panel.press("Reset")
    assert lab.state == "ready" and panel.known["trouble"] == ""
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
    lab._runner._thread.join()
    assert panel.known["trouble"] == "RuntimeError: out of <memory>"
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


@pytest.fixture
def cell(monkeypatch):
    """A cell that is run: cell() begins its next run."""
    runs = [1]
    where = "gptlib.lab.cells.cell_and_message"
    monkeypatch.setattr(where, lambda: ("cell 7", f"request {runs[0]}"))
    yield lambda: runs.__setitem__(0, runs[0] + 1)
    cells._shown.clear()


def new_lab(tok, data, **changes):
    torch.manual_seed(0)
    config = replace(CONFIG, steps=100_000, **changes)
    return TrainingLab(GPT(small_config(tok)), data, config)


def test_one_cell_may_show_two_labs_and_a_finished_one_is_replaced(
    lab, long_lab, cell, tok, data, monkeypatch
):
    finished = new_lab(tok, data)
    for one in (long_lab, finished):
        shown(one, monkeypatch)
    long_lab.start(), finished.start(steps=2)
    finished.stop()
    assert long_lab.state == "running"
    long_lab.stop()
    cell()
    third = new_lab(tok, data)
    assert shown(third, monkeypatch).known["offer"] == ""
    assert "run again" in long_lab.trouble and long_lab._panel is None


def test_a_cell_run_again_offers_its_running_lab(
    long_lab, cell, tok, data, monkeypatch
):
    shown(long_lab, monkeypatch)
    long_lab.start()
    long_lab.wait(steps=3)
    record = long_lab.record
    cell()
    second = new_lab(tok, data)
    panel = shown(second, monkeypatch)
    assert long_lab.state == "running" and "still running" in panel.known["offer"]
    cell()
    third = new_lab(tok, data)
    panel = shown(third, monkeypatch)
    assert "still running" in panel.known["offer"], "an offer is handed on"
    panel.press("Show the running one")
    assert panel.known["offer"] == "" and panel.known["state"] == "running"
    assert third.record is record and third.model is long_lab.model
    del long_lab, second
    gc.collect()
    third.wait(steps=2)
    assert third.state == "running", "the first lab's end is not the training's"
    third.close()


@pytest.mark.parametrize("by", ["the button", "code"])
def test_a_cell_run_again_may_start_anew(long_lab, cell, tok, data, monkeypatch, by):
    shown(long_lab, monkeypatch)
    long_lab.start()
    long_lab.wait(steps=3)
    cell()
    second = new_lab(tok, data)
    panel = shown(second, monkeypatch)
    if by == "code":
        second.start(steps=1)
        second.wait()
    else:
        panel.press("Start anew")
    assert long_lab.state == "stopped" and panel.known["offer"] == ""
    second.close()


def test_a_cell_run_again_with_its_model_begins_with_the_first_weights(
    long_lab, cell, gpt, data, monkeypatch
):
    first = weights(gpt)
    shown(long_lab, monkeypatch)
    long_lab.set(dropout=0.4)
    long_lab.start()
    long_lab.wait(steps=3)
    cell()
    second = TrainingLab(gpt, data, CONFIG)
    assert long_lab.state == "running", "nothing is chosen yet"
    shown(second, monkeypatch).press("Start anew")
    assert long_lab.state == "stopped"
    assert torch.equal(weights(gpt), first) and second.knobs["dropout"] == 0.0
    second.close()


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
    with pytest.raises(KeyboardInterrupt, match="is paused after step") as caught:
        long_lab.wait()
    assert long_lab.state == "paused"
    assert caught.value._render_traceback_() == [str(caught.value)]


def test_a_wait_goes_on_after_a_pause_by_hand(long_lab, monkeypatch):
    panel = shown(long_lab, monkeypatch)
    ended = threading.Event()

    def cell() -> None:
        long_lab.wait(timeout=60)
        ended.set()

    long_lab.start(steps=2000)
    threading.Thread(target=cell, daemon=True).start()
    while not long_lab._runner._waiting:
        time.sleep(0.01)
    panel.press("Pause")
    paused = len(long_lab.record.history)
    assert long_lab.waited and panel.known["waited"] and paused < 2000
    panel.press("Step")
    while long_lab.state == "running":
        time.sleep(0.01)
    assert len(long_lab.record.history) == paused + 1
    assert not ended.wait(0.2)
    long_lab._runner._goal = paused + 5
    panel.press("Start")
    assert ended.wait(60) and long_lab.state == "paused" and not long_lab.waited
    assert len(long_lab.record.history) == paused + 5


def test_code_that_pauses_ends_a_wait(long_lab):
    long_lab.start()
    threading.Timer(0.2, long_lab.pause).start()
    long_lab.wait(timeout=30)
    assert long_lab.state == "paused" and not long_lab.waited


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
    assert "DivergedError" in panel.known["trouble"] and lab.record.checks == []


def test_a_drawing_that_fails_does_not_end_the_training(lab, monkeypatch):
    panel = shown(lab, monkeypatch)
    monkeypatch.setattr(panel.panel, "_tell", None)
    lab._runner.start()
    lab.wait()
    assert lab.state == "finished"


def test_closing_the_output_disturbs_nothing(lab, monkeypatch):
    panel = shown(lab, monkeypatch)
    lab.start(steps=10)
    panel.panel.close()
    lab.wait()
    lab.start()
    lab.wait()
    assert lab.state == "finished" and lab.trouble == ""


def test_panel_and_lab_follow_each_other(lab, monkeypatch):
    panel = shown(lab, monkeypatch)
    panel.set("dropout", 0.35, number=7)
    assert lab.knobs["dropout"] == 0.35 and panel.known["heard"] == 7
    lab.set(lr_scale=0.5)
    assert panel.known["knobs"] == lab.knobs
    panel.set("dropout", 1.5)
    assert "dropout" in panel.known["refused"] and lab.knobs["dropout"] == 0.35
    on = [name for name, enabled in panel.known["enabled"].items() if enabled]
    assert on == ["Start", "Step", "Stop", "Reset"]
    panel.press("Keep this run")
    assert "at least 50 steps" in panel.known["refused"]
    panel.press("Step")
    lab.wait()
    assert len(lab.record.history) == 1
    panel.press("Start")
    lab.wait()
    lab._runner._thread.join()  # the last drawing comes after the last change
    known = panel.known
    assert known["enabled"]["Keep this run"] and not known["enabled"]["Stop"]
    assert known["now"]["step"] == 60 and known["now"]["whole"] == lab.record.whole_val
    assert known["sample"] == lab.record.sample
    panel.press("Keep this run")
    assert [run["name"] for run in panel.known["kept"]] == ["dropout 0.35 rate × 0.5"]


def test_kept_runs_are_renamed_and_deleted_by_hand(lab, monkeypatch):
    panel = shown(lab, monkeypatch)
    lab.start()
    lab.wait()
    for name in ("a", "b"):
        lab.keep(name)
    panel.ask(do="rename", name="a", to="b")
    assert "another kept run" in panel.known["refused"]
    panel.ask(do="rename", name="a", to=" first ")
    assert [run["name"] for run in panel.known["kept"]] == ["first", "b"]
    panel.ask(do="delete", name="b")
    assert [run["name"] for run in panel.known["kept"]] == ["first"]
    panel.ask(do="delete", name="b")
    assert "no kept run is called 'b'" in panel.known["refused"]


def test_a_browser_that_comes_later_is_told_everything(lab, monkeypatch):
    early = shown(lab, monkeypatch)
    lab.start()
    lab.wait()
    lab._runner._thread.join()
    late = Browser(early.panel)
    assert late.known["whole"] and late.known["loss"]["from"] == 0
    assert len(late.known["loss"]["means"]) == 60
    assert [row[0] for row in late.known["checks"]["rows"]] == [50, 60]
    told = late.messages
    early.panel.draw(now=False)
    early.panel.draw(now=False)
    assert late.messages <= told + 1, "at most ten times a second"


def test_what_a_viewer_without_kernel_sees(lab, monkeypatch):
    panel = shown(lab, monkeypatch).panel
    data, metadata = panel._repr_mimebundle_()
    assert "before its first step" in metadata["image/png"]["alt"]
    lab.start()
    lab.wait()
    lab.keep("kept")
    later, metadata = panel._repr_mimebundle_()
    alt = metadata["image/png"]["alt"]
    assert alt == later["text/plain"] and "kept: val" in alt and "step 60" in alt
    picture = base64.b64decode(later["image/png"])
    assert picture.startswith(b"\x89PNG") and len(picture) < 100_000
    assert later["image/png"] != data["image/png"]


def history(steps: int) -> list[Step]:
    return [
        Step(i, 4 - i / steps, None, None, 1e-3, i * 64, i / 100)
        for i in range(1, steps + 1)
    ]


def test_a_feed_tells_each_thing_once():
    record = Record({"dropout": 0.0}, 200)
    feed = Feed(record)
    assert feed.news() == {}
    record.history += history(3)
    record.norms += [1.0, 2.0, 3.0]
    news = feed.news()
    assert news["norm"] == {"stride": 1, "from": 0, "means": [1.0, 2.0, 3.0]}
    record.history.append(Step(4, 1.5, None, None, 1e-3, 256, 0.04))
    record.norms.append(4.0)
    record.checks.append(Check(4, 2.0, 2.5))
    record.turns.append(Turn(4, "dropout", 0.2))
    news = feed.news()
    assert news["loss"] == {"stride": 1, "from": 3, "means": [1.5]}
    assert news["turns"] == [[4, "dropout 0.2"]]
    assert news["checks"]["rows"][0][-1] == 2.5, "the gradients' mean norm"
    assert feed.news() == {}
    assert len(feed.news(whole=True)["loss"]["means"]) == 4


def test_a_long_run_stays_small():
    series = Series()
    for i in range(10 * MOST_POINTS):
        series.extend([float(i % 2)])
    assert len(series.means) < MOST_POINTS and series.stride == 16
    assert set(series.means) == {0.5}
    assert series.news()["from"] == 0


def test_rows_turns_and_a_kept_run():
    checks = [Check(50, 2.0, 2.5), Check(100, 1.8, 2.4), Check(150, 1.5, 2.6)]
    passing = [Turn(60, "dropout", 0.2), Turn(61, "dropout", 0.4)]
    record = Record({"dropout": 0.0}, 150, "r", history(150), checks, passing)
    record.norms = [1.0] * 150
    assert [row[:3] for row in rows(record)] == [
        [50, 2.0, 2.5],
        [100, 1.8, 2.4],
        [150, 1.5, 2.6],
    ]
    assert rows(record, 2)[0][3] == pytest.approx(4 - 125.5 / 150)
    assert turns(record) == [[61, "dropout 0.4"]]
    run = kept_run(record)
    assert run["best"] == [100, 2.4] and run["done"] == 150
    # What was recorded elsewhere has checks only.
    bare = Record({"dropout": 0.0}, 150, "recorded", checks=checks)
    assert kept_run(bare)["done"] == 150
    assert kept_run(bare)["rows"][0] == [50, 2.0, 2.5, None, None, None]
    assert "lowest val 2.40 at step 100" in picture(record, [bare])[1]


def test_turns_in_close_succession_count_as_one():
    close = [
        Turn(10, "dropout", 0.1),
        Turn(11, "lr_scale", 2),
        Turn(12, "dropout", 0.3),
    ]
    assert settled(close, 5) == close[1:]
    assert settled(close, 1) == close


def test_a_run_of_another_lab_is_compared_and_stored(lab, monkeypatch):
    stored = []
    place = SimpleNamespace(update=lambda panel: stored.append(words_of(panel)))
    monkeypatch.setattr("IPython.display.display", lambda panel, display_id: place)
    lab.show()
    assert words_of(lab._panel).startswith("The training lab before its first step")
    checks = [Check(50, 2.0, 2.5), Check(100, 1.8, 2.4)]
    lab.compare(Record({"dropout": 0.3}, 100, "other lab", checks=checks))
    assert [run.name for run in lab.kept] == ["other lab"]
    assert len(stored) == 1 and "other lab: val 2.40" in stored[0]
    browser = Browser(lab._panel)
    assert [run["name"] for run in browser.known["kept"]] == ["other lab"]
    lab.compare(Record({"dropout": 0.4}, 100, "second", checks=checks))
    assert len(stored) == 1, "who looks at the panel sees it there"


def words_of(panel) -> str:
    return panel._repr_mimebundle_()[0]["text/plain"]
