"""Recorded tables: what is written is read back, rows of the same key are replaced."""

import re
from dataclasses import dataclass, replace
from importlib import import_module

import pytest
import tyro

from gptcourse.records import load_rows, replace_rows, save_rows, table
from gptlib.files.fetch import project_folder

ROOT = project_folder("")
EXPERIMENTS = ROOT / "notebooks" / "gptcourse" / "experiments"
COMMAND = re.compile(r"python -m gptcourse\.experiments\.(\w+)([^`\n]*)")


@dataclass(frozen=True)
class Point:
    name: str
    seed: int
    loss: float
    values: tuple[float, ...] = ()


ROWS = [Point("a, b", 0, 1.5, (1.0, -0.25)), Point("", 1, 0.1 + 0.2)]


def test_rows_are_read_back_as_written(tmp_path):
    path = tmp_path / "points.csv"
    assert load_rows(Point, path) == []
    save_rows(path, Point, ROWS)
    assert load_rows(Point, path) == ROWS
    save_rows(path, Point, ROWS, loss=".2f", values=".1f")
    lines = path.read_text().splitlines()
    assert lines == ["name,seed,loss,values", '"a, b",0,1.50,1.0 -0.2', ",1,0.30,"]


def test_rows_of_the_same_key_are_replaced(tmp_path):
    path = tmp_path / "points.csv"
    replace_rows(path, ROWS, ["name", "seed"])
    replace_rows(path, [replace(ROWS[0], loss=9.0)], ["name", "seed"])
    assert load_rows(Point, path) == [ROWS[1], replace(ROWS[0], loss=9.0)]


def test_recorded_tables_are_there():
    assert table("claims").is_file()


def test_the_commands_in_docstrings_and_notes_are_understood(capsys):
    """Those of the studies, as readers find them: each option is one of the study."""
    notes = (ROOT / "models" / "notes.md").read_text()
    texts = [notes, *(path.read_text() for path in EXPERIMENTS.glob("*.py"))]
    found = COMMAND.findall("\n".join(texts).replace("\\\\\n", " "))
    assert len(found) >= 6
    for name, arguments in found:
        study = import_module(f"gptcourse.experiments.{name}")
        with pytest.raises(SystemExit):
            tyro.cli(study.main, args=["--help"])
        known = set(re.findall(r"--[\w-]+", capsys.readouterr().out))
        assert known.issuperset(re.findall(r"--[\w-]+", arguments)), arguments
