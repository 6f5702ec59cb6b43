"""Recorded tables: what is written is read back, rows of the same key are replaced."""

from dataclasses import dataclass, replace

import pytest

from gptcourse.records import load_rows, replace_rows, save_rows, table


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


def test_another_table_is_refused(tmp_path):
    path = tmp_path / "points.csv"
    path.write_text("name,score\na,1\n")
    with pytest.raises(ValueError, match=r"score.*expected.*seed"):
        load_rows(Point, path)


def test_recorded_tables_are_there():
    assert table("claims").is_file()
