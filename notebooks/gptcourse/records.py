"""Recorded tables: CSV files of `notebooks/records`, whose rows are dataclasses.

A column is a field, read back as the field's type; a tuple of numbers is written with
spaces between them. Read next: `claims.py`, `ladder.py`.
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TypeVar

from gptlib.files.atomic import write_table
from gptlib.files.fetch import project_folder

Row = TypeVar("Row")


def table(name: str) -> Path:
    """Where a recorded table is kept."""
    return project_folder("notebooks") / "records" / f"{name}.csv"


def load_rows(kind: type[Row], path: str | Path) -> list[Row]:
    """Read a table of `kind`, a dataclass; a missing file is an empty table.

    Raises ValueError for a column that is no field, or a value of another type.
    """
    if not Path(path).is_file():
        return []
    types = {field.name: field.type for field in fields(kind)}
    with open(path, newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    if lines and set(lines[0]) != set(types):
        raise ValueError(f"{path}: columns {[*lines[0]]}, expected {[*types]}")
    return [kind(**{k: _read(types[k], v) for k, v in row.items()}) for row in lines]


def save_rows(
    path: str | Path, kind: type[Row], rows: Iterable[Row], **formats: str
) -> None:
    """Write a table of `kind`; formats: of numbers, by column (`minutes=".2f"`)."""
    names = [field.name for field in fields(kind)]
    written = (
        [_written(getattr(row, name), formats.get(name, "")) for name in names]
        for row in rows
    )
    write_table(Path(path), names, written)


def replace_rows(
    path: str | Path, rows: Sequence[Row], key: Sequence[str], **formats: str
) -> None:
    """Add rows to a table, in place of those whose key columns have the same values."""

    def key_of(row):
        return [getattr(row, name) for name in key]

    kind, new = type(rows[0]), [key_of(row) for row in rows]
    kept = [row for row in load_rows(kind, path) if key_of(row) not in new]
    save_rows(path, kind, [*kept, *rows], **formats)


def _read(kind, text: str):
    if kind in (int, float, str):
        return kind(text)
    return tuple(float(value) for value in text.split())


def _written(value, form: str) -> str:
    if isinstance(value, tuple):
        return " ".join(f"{one:{form}}" for one in value)
    return f"{value:{form}}"
