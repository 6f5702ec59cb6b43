"""A training's history as a small table on disk, `history.csv`."""

import csv
from dataclasses import fields
from pathlib import Path

from gptlib.errors import ModelFileError
from gptlib.files.atomic import write_table
from gptlib.training import Step

COLUMNS = [field.name for field in fields(Step)]


def write_history(path: Path, history: list[Step]) -> None:
    """Write one row per step, atomically; a loss that was not measured stays empty."""
    # `asdict` would take four times as long, which shows with 600,000 steps.
    rows = ([_shown(value) for value in vars(step).values()] for step in history)
    write_table(path, COLUMNS, rows)


def read_history(path: Path) -> list[Step]:
    """Read what `write_history` wrote; no file is an empty history.

    Raises ModelFileError naming the row that cannot be read.
    """
    if not path.is_file():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        # Older versions did not measure train.
        if reader.fieldnames not in (COLUMNS, [c for c in COLUMNS if c != "train"]):
            raise ModelFileError(f"{path}: expected the columns {', '.join(COLUMNS)}")
        return [_step(path, number, row) for number, row in enumerate(reader, 2)]


def _shown(value):
    return f"{value:.6g}" if isinstance(value, float) else value


def _step(path: Path, number: int, row: dict) -> Step:
    try:
        return Step(
            int(row["step"]),
            float(row["loss"]),
            float(row["train"]) if row.get("train") else None,
            float(row["val"]) if row["val"] else None,
            float(row["lr"]),
            int(row["tokens"]),
            float(row["seconds"]),
        )
    except (TypeError, ValueError):
        raise ModelFileError(f"{path}, line {number}: not a step ({row})") from None
