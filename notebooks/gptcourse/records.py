"""Recorded tables: CSV files of `notebooks/records`, whose rows are dataclasses.

A column is a field, read back as the field's type; a tuple of numbers is written with
spaces between them. Read next: `claims.py`, `ladder.py`.
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import fields
from operator import attrgetter
from pathlib import Path
from typing import TypeVar

from gptlib.files.atomic import write_table
from gptlib.files.fetch import project_folder

Row = TypeVar("Row")


def table(name: str) -> Path:
    """Where the recorded table of this name is kept."""
    return project_folder("notebooks") / "records" / f"{name}.csv"


def load_rows(kind: type[Row], path: str | Path) -> list[Row]:
    """Read a table of `kind`, a dataclass; a missing file is an empty table."""
    if not Path(path).is_file():
        return []
    types = {field.name: field.type for field in fields(kind)}
    with open(path, newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
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
    """Add rows in place of those with the same key columns; sorted by key."""
    key_of, kind = attrgetter(*key), type(rows[0])
    new = {key_of(row) for row in rows}
    kept = [row for row in load_rows(kind, path) if key_of(row) not in new]
    save_rows(path, kind, sorted([*kept, *rows], key=key_of), **formats)


def _read(kind, text: str):
    numbers = kind not in (int, float, str)
    return tuple(map(float, text.split())) if numbers else kind(text)


def _written(value, form: str) -> str:
    values = value if isinstance(value, tuple) else [value]
    return " ".join(format(one, form) for one in values)
