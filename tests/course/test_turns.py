"""Dropout turned on in the middle: from the step that was meant, and no earlier."""

import pytest

from gptcourse.experiments import turns
from gptcourse.experiments.turns import (
    AFTER,
    CURES,
    LEAP_SEEDS,
    Check,
    End,
    Look,
    begin,
    cure,
    leap,
    loss_with_dropout,
    main,
)
from gptcourse.records import load_rows, table
from gptlib.commands.sweep import load_curves
from gptlib.evaluation import fixed_windows, window_loss
from gptlib.files.fetch import project_folder

SWEEPS = project_folder("notebooks") / "records" / "sweeps"


@pytest.fixture
def short(monkeypatch):
    """Trainings of four steps, looked at after each; a short val."""

    def few(characters, seed):
        training, data = begin(characters, seed)
        training.config = turns.replace(training.config, steps=4)
        return training, turns.replace(data, val=data.val[:2000])

    monkeypatch.setattr(turns, "begin", few)
    monkeypatch.setattr(turns, "EVERY", 1)
    monkeypatch.setattr(turns, "PROBE_TOKENS", 640)


def test_dropout_acts_from_the_step_after_the_turn(short):
    plain, turned = cure(0.0, 0, turn=2)[1], cure(0.5, 0, turn=2)[1]
    same = [a.train == b.train for a, b in zip(plain, turned, strict=True)]
    assert same == [True, True, False, False]


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


def test_runs_are_recorded_and_not_repeated(short, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(turns, "CURES", ((0.3, 0),))
    monkeypatch.setattr(turns, "LEAP_SEEDS", (1,))
    monkeypatch.setattr(turns, "leap", lambda s: iter([Look(s, 0, 1.0, 2.0, 3.0)]))
    main(tmp_path)
    main(tmp_path)
    assert capsys.readouterr().out.count("(") == 2
    assert [e.steps for e in load_rows(End, tmp_path / "turns.csv")] == [4]
    assert len(load_rows(Check, tmp_path / "turns_curves.csv")) == 4
    assert load_rows(Look, tmp_path / "turns_leap.csv") == [Look(1, 0, 1.0, 2.0, 3.0)]


def test_recorded_cures_begin_as_the_run_without_dropout():
    """To the turn they are the recorded run of the text sweep, on any processor."""
    checks = load_rows(Check, table("turns_curves"))
    ends = {(e.dropout, e.seed) for e in load_rows(End, table("turns"))}
    assert ends == set(CURES) == {(c.dropout, c.seed) for c in checks}
    plain = {
        (c["seed"], c["step"]): c["val"]
        for c in load_curves(SWEEPS / "text.yaml")
        if c["train_characters"] == turns.CURED_TEXT
    }
    for check in checks:
        if check.step <= 200:
            assert check.val == pytest.approx(plain[check.seed, check.step], abs=0.02)


def test_recorded_leaps_are_complete():
    looks = load_rows(Look, table("turns_leap"))
    assert [(x.seed, x.after) for x in looks] == [
        (seed, after) for seed in LEAP_SEEDS for after in AFTER
    ]
    assert all(look.on > look.off for look in looks)
