import csv
import itertools
import math
from dataclasses import replace

import pytest
import torch

from gptlib import load_corpus, train
from gptlib.commands import sweep as sweep_module
from gptlib.commands.spec import Text, encode_text
from gptlib.commands.sweep import (
    accepted,
    load_curves,
    load_rows,
    read_spec,
    run_point,
    sweep,
)
from gptlib.evaluation import PROBE_TOKENS, fixed_windows, window_loss
from gptlib.files.fetch import project_folder
from gptlib.handler.build import build_model

SPEC = """
about: a trial
hours: 0.01
corpus: TEXT
train_characters: 2000
model: {n_layer: 1, n_head: 2, n_embd: 16, block_size: 16}
training: {steps: 12, batch_size: 4, lr: 0.01, schedule: constant}
vary: {dropout: [0.0, 0.5], weight_decay: [0.1]}
seeds: [0, 1]
checks: 4
"""

GRID = "{dropout: [0.0, 0.5], weight_decay: [0.1]}"


@pytest.fixture
def spec_file(tmp_path):
    path = tmp_path / "trial.yaml"
    path.write_text(spec(tmp_path))
    return path


def spec(folder, old="", new=""):
    """The spec above over a small text of its own, with one thing changed."""
    text = folder / "text.txt"
    text.write_text("".join(f"{i} and {i * i}; " for i in range(400)))
    return SPEC.replace("TEXT", str(text)).replace(old, new)


def timeless(rows):
    return [{k: v for k, v in row.items() if k != "minutes"} for row in rows]


def test_a_sweep_is_resumed_and_repeats_itself(spec_file, monkeypatch):
    rows = sweep(spec_file)
    points = [(row["dropout"], row["seed"]) for row in rows]
    assert points == [(0, 0), (0.5, 0), (0, 1), (0.5, 1)]
    assert len(load_curves(spec_file)) == 4 * 4
    result, checks = run_point(read_spec(spec_file), {"dropout": 0.5}, 1)
    assert result.val == pytest.approx(rows[-1]["val"], abs=1e-3)
    assert [check["step"] for check in checks] == [3, 6, 9, 12]

    for name in ("trial.csv", "trial_curves.csv"):
        table = spec_file.with_name(name)
        lines = table.read_text().splitlines(keepends=True)
        table.write_text("".join(x for x in lines if not x.startswith("0.5,0.1,0,")))
    assert len(load_rows(spec_file)) == 3
    assert timeless(sweep(spec_file)) == timeless(rows)
    assert len(load_curves(spec_file)) == 4 * 4

    spec_file.write_text(spec(spec_file.parent, "steps: 12", "steps: 13"))
    with pytest.raises(ValueError, match="with other settings"):
        sweep(spec_file)
    spec_file.write_text(spec(spec_file.parent))
    monkeypatch.setattr(sweep_module, "ProcessPoolExecutor", None)
    assert timeless(sweep(spec_file)) == timeless(rows), "nothing is run again"


def test_a_failing_run_costs_only_itself(spec_file):
    points = "[{lr: 1000.0, warmup: 0.0}, {lr: 0.01, warmup: 0.0}]"
    spec_file.write_text(spec(spec_file.parent, GRID, points))
    with pytest.raises(ValueError, match=r"2 of 4 runs failed: .*'lr': 1000"):
        sweep(spec_file)
    assert [row["lr"] for row in load_rows(spec_file)] == [0.01, 0.01]


def test_one_point_alone(spec_file):
    spec = read_spec(spec_file)
    result, checks = run_point(spec, {"dropout": 0.0, "weight_decay": 0.1}, 0)
    assert result.val < 4.3
    assert result.stopped_step in [check["step"] for check in checks]
    whole = replace(spec, train_characters=0)
    assert run_point(whole, {}, 0)[0].stopped is None, "dev was trained on"


@pytest.fixture
def here(monkeypatch):
    """Runs in this process: starting another takes longer than all that it does."""

    def outcomes(spec, runs, jobs):
        return ((run, run_point(spec, *run)) for run in runs)

    monkeypatch.setattr(sweep_module, "_outcomes", outcomes)


def test_vocabularies_are_compared_in_bits_a_character(spec_file, here):
    points = "[{vocabulary: char}, {vocabulary: 270, steps: 6}]"
    points = points.replace("char}", "char, steps: 12}")
    spec_file.write_text(spec(spec_file.parent, GRID, points))
    rows = sweep(spec_file)
    assert [row["vocabulary"] for row in rows] == ["char", 270] * 2
    char, pieces = rows[0], rows[1]
    assert char["bits"] == pytest.approx(char["val"] / math.log(2), abs=1e-3)
    assert pieces["parameters"] - char["parameters"] == (270 - 15) * 16
    text = Text(str(spec_file.parent / "text.txt"), 2000, 270)
    data, dev_is_new = encode_text(text)
    corpus = load_corpus(text.corpus)
    assert dev_is_new and data.tokenizer.decode(data.train) == corpus.train[:2000]
    per_token = len(corpus.val) / len(data.val)
    expected = pieces["val"] / math.log(2) / per_token
    assert pieces["bits"] == pytest.approx(expected, rel=0.01)
    assert timeless(sweep(spec_file)) == timeless(rows), "nothing is run again"


def test_a_vocabulary_is_found_in_what_is_learned_alone(tmp_path):
    spec(tmp_path)
    text = (tmp_path / "text.txt").read_text()
    (tmp_path / "text.txt").write_text(text + "zyxzyx " * 2000)
    data, dev_is_new = encode_text(Text(str(tmp_path / "text.txt"), 1000, 300))
    assert dev_is_new and b"zyx" not in data.tokenizer.token_bytes
    whole, dev_is_new = encode_text(Text(str(tmp_path / "text.txt"), 0, 300))
    assert not dev_is_new and b"zyx" in whole.tokenizer.token_bytes


def test_a_table_from_before_bits_were_measured_is_gone_on_with(spec_file, here):
    new = sweep(spec_file)
    old = [{k: v for k, v in r.items() if k not in ("bits", "parameters")} for r in new]
    with open(spec_file.with_suffix(".csv"), "w", newline="") as file:
        writer = csv.DictWriter(file, list(old[0]))
        writer.writeheader()
        writer.writerows(old[:3])
    rows = sweep(spec_file)
    assert [row["val"] for row in rows] == [row["val"] for row in new]
    assert [row["bits"] for row in rows] == ["", "", "", new[3]["bits"]]


@pytest.mark.parametrize("name", ["dropout", "text", "laptop"])
def test_tables_made_before_belong_to_their_specs(name):
    path = project_folder("notebooks") / "records" / "sweeps" / f"{name}.yaml"
    assert {row["spec"] for row in load_rows(path)} == {read_spec(path).fingerprint()}


def test_a_damaged_table_is_refused(spec_file):
    table = spec_file.with_suffix(".csv")
    for text, message in [
        (b"dropout,seed\n0.1", "trial.csv, row 1: expected a value in each column"),
        (b"dropout,seed\n0.1,2,3", "trial.csv, row 1: expected a value in each"),
        (b"dropout,\xff", "trial.csv is not a table: 'utf-8' codec"),
        (b'dropout\n"' + b"x" * 200_000, "trial.csv is not a table: field larger"),
    ]:
        table.write_bytes(text)
        with pytest.raises(ValueError, match=message):
            sweep(spec_file)
    fingerprint = read_spec(spec_file).fingerprint()
    table.write_text(f"dropout,spec\n0.5,{fingerprint}\n")
    with pytest.raises(ValueError, match="with other settings"):
        sweep(spec_file)


def test_n_grams_are_counted_in_a_sweep(spec_file, here):
    points = "[{class: ModernGPT, count: 2}, {class: ModernGPT, count: 0}]"
    spec_file.write_text(spec(spec_file.parent, GRID, points))
    counted, plain = sweep(spec_file)[:2]
    assert counted["parameters"] > plain["parameters"]


def test_settings_that_change_together(spec_file):
    points = "[{batch_size: 2, steps: 6}, {batch_size: 4, steps: 3}]"
    spec_file.write_text(spec(spec_file.parent, GRID, points))
    rows = sweep(spec_file, jobs=2)
    assert [(r["batch_size"], r["steps"]) for r in rows] == [(2, 6), (4, 3)] * 2


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("dropout: [0.0, 0.5]", "droput: [0.1]"), "vary='droput'"),
        (("dropout: [0.0, 0.5]", "dropout: [1.5]"), "dropout=1.5"),
        (("n_layer: 1", "n_layer: 0"), "n_layer=0"),
        (("seeds:", "seed:"), "key='seed'"),
        (("about: a trial", ""), "needs at least about, hours and vary"),
        (("train_characters: 2000", "train_characters: -1"), "train_characters=-1"),
        (
            ("{dropout: [0.0, 0.5], weight_decay: [0.1]}", "[{steps: 3}, {lr: 1}]"),
            "all",
        ),
        (("dropout: [0.0, 0.5]", "dropout: [0.1, 0.1]"), "occurs twice"),
        (("seeds: [0, 1]", "seeds: []"), "at least one seed"),
        (("checks: 4", "vocabulary: words"), "vocabulary='words': expected .*char"),
        (("checks: 4", "vocabulary: 255"), "vocabulary=255"),
        (("dropout: [0.0, 0.5]", "vocabulary: [100]"), "vocabulary=100"),
        (("dropout: [0.0, 0.5]", "dropout: 0.5"), "expected lists of values"),
        (("checks: 4", "checks: 4\nchecks: 5"), "line 11: the key 'checks' occurs"),
        (("seeds: [0, 1]", "seeds: 3"), "trial.yaml: seeds=3: expected list"),
        (("hours: 0.01", "hours: long"), "hours='long': expected"),
        (("vary:", "vary: ["), "trial.yaml, line 9: expected"),
    ],
)
def test_a_wrong_spec_is_refused_by_name(spec_file, change, message):
    spec_file.write_text(spec(spec_file.parent, *change))
    with pytest.raises(ValueError, match=message):
        read_spec(spec_file)


def test_accepted_range():
    rows = [{"p": 0.1, "val": v} for v in (2.0, 2.01, 2.05)] + [{"p": 0.2, "val": 9.0}]
    assert accepted(rows, "val", p=0.1) == pytest.approx((1.95, 2.1))
    assert accepted(rows, "val", p=0.2) == pytest.approx((8.98, 9.02))
    with pytest.raises(ValueError, match="no such point"):
        accepted(rows, "val", p=0.3)


def test_tables_read_back_as_numbers(spec_file):
    path = spec_file.with_suffix(".csv")
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([["dropout", "device", "stopped"], [0.2, "cpu", ""]])
    assert load_rows(spec_file) == [{"dropout": 0.2, "device": "cpu", "stopped": ""}]


@pytest.mark.parametrize("dropout", [0.0, 0.3, 0.5])
def test_recorded_runs_come_again_as_far_as_their_first_reading(dropout):
    """A cheap piece of a committed table, within what is normal on any machine."""
    path = project_folder("notebooks") / "records" / "sweeps" / "dropout.yaml"
    spec, curves, point = read_spec(path), load_curves(path), {"dropout": dropout}
    first = min(c["step"] for c in curves)
    low, high = accepted(curves, "val", step=first, **point)
    shape, config, _ = spec.settings(point, 0)
    data, _ = encode_text(spec.text(point))
    torch.manual_seed(0)
    shape = replace(shape, vocab_size=data.tokenizer.vocab_size)
    model = build_model(shape, data.train)
    for _ in itertools.islice(train(model, data, config), first):
        pass
    pieces = fixed_windows(data.val, model.block_size, PROBE_TOKENS)
    assert low <= window_loss(model, *pieces) <= high
