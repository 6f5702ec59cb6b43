"""Texts that a model learns from while it reads them, and what was recorded."""

import math

import pytest

from gptcourse.drawings.score_then_learn import TEXT, WINDOW, surprises
from gptcourse.experiments import reading
from gptcourse.experiments.reading import RUNS, TEMPEST, Reading, load_text, main, run
from gptcourse.records import load_rows, table
from gptlib.data import load_corpus
from gptlib.files.fetch import project_folder


def test_the_rest_of_the_play_begins_where_val_ends():
    rest, corpus = load_text(TEMPEST), load_corpus("tinyshakespeare")
    assert len(rest) == 56_856 and corpus.val.rstrip().endswith(
        "Whiles thou art waking."
    )
    assert rest.startswith("SEBASTIAN:\nThou dost snore distinctly;")
    long = [line for line in rest.splitlines() if len(line) > 30]
    assert sum(line in corpus.text for line in long) < 0.01 * len(long)


def test_the_other_texts_are_as_long_and_what_their_names_say():
    rest, mixed = load_text(TEMPEST), load_text("29 plays")
    shuffled = load_text("speeches shuffled")
    assert sorted(shuffled.split("\n\n")) == sorted(rest.strip().split("\n\n"))
    assert shuffled != rest and load_text("speeches shuffled") == shuffled
    assert len(load_text("Hamlet")) == len(rest) > len(mixed) > len(rest) - 29
    names = [mixed[i : i + 1960].partition(":")[0] for i in range(0, 29 * 1960, 1960)]
    assert len(names) == 29 and all(len(name) < 25 for name in names)
    assert load_text("train, 20,000") == load_corpus("tinyshakespeare").train[:20_000]


def test_a_run_learns_and_afterwards_reads_as_it_is():
    stored = run("Hamlet", "frozen", 1_500)
    learned = run("Hamlet", "both", 1_500)
    after = run("Hamlet", reading.AFTER, 1_500)
    assert stored.windows[0] == pytest.approx(learned.windows[0], abs=1e-4)
    assert len({round(one.loss, 5) for one in (stored, learned, after)}) == 3
    assert len(stored.windows) == 5 and stored.characters == 1_500


def test_runs_are_recorded_and_not_repeated(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(reading, "RUNS", [("a", "both"), ("b", "both"), ("c", "both")])
    row = (9, 1.5, 0.01, 0.2, (1.0, 2.0))
    monkeypatch.setattr(reading, "run", lambda text, way: Reading(text, way, *row))
    monkeypatch.setattr(reading, "table", lambda name: tmp_path / f"{name}.csv")
    main(runs=2)
    assert [r.text for r in load_rows(Reading, tmp_path / "reading.csv")] == ["a", "b"]
    main()
    assert capsys.readouterr().out.count("1.5000") == 3


def test_the_table_holds_every_run_and_val_once():
    rows = load_rows(Reading, table("reading"))
    assert sorted((row.text, row.way) for row in rows) == sorted(RUNS)
    assert [row.way for row in rows if row.text == "val"] == ["both"]
    loss = {(row.text, row.way): row.loss for row in rows}
    val = next(row for row in rows if row.text == "val")
    page = (project_folder("models") / "RECORDS.md").read_text("utf-8")
    assert f"| {val.loss:.4f} ± {val.stderr:.4f} |" in page.split("## While reading")[1]
    for text in (TEMPEST, "speeches shuffled", "Hamlet"):
        assert loss[text, "both"] < loss[text, "frozen"] - 0.02
    for row in rows:
        assert row.loss == pytest.approx(sum(row.windows) / len(row.windows), abs=0.01)


def test_the_drawn_text_is_scored_before_it_is_learned():
    learned, frozen = surprises(), surprises(learn=False)
    assert frozen == pytest.approx([math.log(65)] * (len(TEXT) - 1))
    assert learned[:WINDOW] == frozen[:WINDOW]
    assert max(learned[WINDOW + 1 : 2 * WINDOW]) < 1 < min(frozen)
