"""Dropout turned on in the middle: from the step that was meant, and no earlier."""

import pytest

from gptcourse.experiments import turns
from gptcourse.experiments.turns import (
    AFTER,
    LEAP_SEEDS,
    LEAPS,
    Look,
    begin,
    leap,
    loss_with_dropout,
    main,
)
from gptcourse.records import load_rows, table
from gptlib.evaluation import fixed_windows, window_loss


@pytest.fixture
def short(monkeypatch):
    """Trainings of four steps, looked at after each; a short val."""

    def few(characters, seed):
        training, data = begin(characters, seed)
        training.config = turns.replace(training.config, steps=4)
        return training, turns.replace(data, val=data.val[:2000])

    monkeypatch.setattr(turns, "begin", few)
    monkeypatch.setattr(turns, "PROBE_TOKENS", 640)


def test_a_look_is_at_one_model_with_dropout_off_and_on(short):
    first, later = leap(0, turn=2, after=(0, 2))
    assert (first.after, later.after) == (0, 2)
    training, data = turns.begin(turns.LEAP_TEXT, 0)
    turns.advance(training, 2)
    piece = fixed_windows(data.train, 64, 640)
    assert first.off == pytest.approx(window_loss(training.model, *piece))
    on = loss_with_dropout(training.model, piece, turns.LEAP_TO)
    assert first.on == pytest.approx(on) and on != first.off
    assert training.model.dropout == 0.0


def test_runs_are_recorded_and_not_repeated(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(turns, "LEAP_SEEDS", (1,))
    monkeypatch.setattr(turns, "leap", lambda s: iter([Look(s, 0, 1.0, 2.0, 3.0)]))
    main(tmp_path)
    main(tmp_path)
    assert capsys.readouterr().out.count("(") == 1
    assert load_rows(Look, tmp_path / LEAPS) == [Look(1, 0, 1.0, 2.0, 3.0)]


def test_recorded_leaps_are_complete():
    looks = load_rows(Look, table("turns_leap"))
    assert [(x.seed, x.after) for x in looks] == [
        (seed, after) for seed in LEAP_SEEDS for after in AFTER
    ]
    assert all(look.on > look.off for look in looks)
