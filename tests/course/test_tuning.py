"""Fine-tuning on answers: what is mixed in, what is written, what is refused."""

import csv
from dataclasses import replace

import pytest
import torch

from gptcourse.experiments import tuning
from gptcourse.experiments.answers import QuestionSet, load_questions
from gptlib import ModelHandler
from gptlib.data import Examples
from gptlib.evaluation import evaluate
from gptlib.files.fetch import project_folder
from gptlib.lora import load_adapters


@pytest.fixture(scope="module")
def few():
    """Some of the questions, of every kind."""
    train, dev, test = load_questions()
    return QuestionSet(train[::250], dev[::60], test[::60])


def test_windows_of_plain_text_are_learned_whole():
    rows = torch.arange(30).view(6, 5)
    answers = Examples.of_answers(rows, rows % 5 == 4)
    mixed = tuning.with_plain_text(answers, torch.arange(100, 200), every=3)
    assert len(mixed) == 8 and torch.equal(mixed.idx[:6], answers.idx)
    assert torch.equal(mixed.targets[6:], mixed.idx[6:] + 1)
    other = tuning.with_plain_text(answers, torch.arange(100, 200), every=3, seed=1)
    assert not torch.equal(other.idx, mixed.idx)


@pytest.mark.parametrize("method", ["none", "lora", "full"])
def test_the_command_measures_writes_a_table_and_saves(
    method, few, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(tuning, "load_questions", lambda: few)
    monkeypatch.setattr(tuning, "evaluate", lambda m, val: evaluate(m, val[:600]))
    table, folder = tmp_path / "answers.csv", tmp_path / "saved"
    command = ["--method", method, "--steps", "2", "--shots", "1"]
    command += ["--table", str(table), "--save", str(folder)]
    tuning.main(command)
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["split"] for row in rows} == {"dev", "test"}
    kinds = {(row["shots"], row["split"], row["kind"]) for row in rows}
    assert len(kinds) == len(rows)
    assert {row["shots"] for row in rows} == ({"0", "1"} if method == "none" else {"0"})
    moved = {row["trained"] for row in rows}
    base = ModelHandler(project_folder("models") / "model3").load().model.model
    whole = sum(p.numel() for p in base.parameters())
    if method == "none":
        assert moved == {"0"} and not folder.exists()
    elif method == "full":
        assert moved == {str(whole)}
        assert ModelHandler(folder).load().model.config == base.config
    else:
        assert 0 < int(moved.pop()) < whole
        load_adapters(base, folder / "adapters.safetensors")


def test_a_run_made_anew_takes_the_place_of_its_rows(tmp_path):
    row = tuning.Row("full", 0, 0, 7, 9, 0, 5, 10, 1.0, 1, "2.0", 1.5, 0.1, "line")
    for val in (1.5, 1.6):
        tuning.add_rows(tmp_path / "t.csv", [replace(row, val=val)])
    tuning.add_rows(tmp_path / "t.csv", [replace(row, seed=1)])
    with (tmp_path / "t.csv").open(newline="") as file:
        rows = [(row["seed"], row["val"]) for row in csv.DictReader(file)]
    assert rows == [("0", "1.6"), ("1", "1.5")]


def test_an_unknown_method_is_refused(tok):
    with pytest.raises(ValueError, match="method='lore'"):
        tuning.fine_tune(torch.nn.Linear(2, 2), [], tok, "lore")
