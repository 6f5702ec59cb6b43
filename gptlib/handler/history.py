"""A training's history: two tensors in a model's file, and `history.csv` for people."""

import csv
import math
from dataclasses import fields
from pathlib import Path

import torch
from torch import Tensor

from gptlib.errors import ModelFileError
from gptlib.files.atomic import write_table
from gptlib.training import Step

COLUMNS = [field.name for field in fields(Step)]
WHOLE, REAL = ("step", "tokens"), ("loss", "train", "val", "lr", "seconds")
TENSORS = {"history.whole": WHOLE, "history.real": REAL}


def to_tensors(history: list[Step]) -> dict[str, Tensor]:
    """The history as tensors (N, 2) and (N, 5); none for an empty one."""
    if not history:
        return {}
    whole = [[s.step, s.tokens] for s in history]
    real = [
        [math.nan if (x := getattr(s, name)) is None else x for name in REAL]
        for s in history
    ]
    return {
        "history.whole": torch.tensor(whole, dtype=torch.long),
        "history.real": torch.tensor(real, dtype=torch.double),
    }


def from_tensors(tensors: dict[str, Tensor]) -> list[Step]:
    """What `to_tensors` made of it."""
    if not tensors:
        return []
    rows = (tensors[name].tolist() for name in TENSORS)
    return [
        Step(step, loss, _measured(train), _measured(val), lr, tokens, seconds)
        for (step, tokens), (loss, train, val, lr, seconds) in zip(*rows, strict=True)
    ]


def _measured(value: float) -> float | None:
    return None if math.isnan(value) else value


def write_history(path: Path, history: list[Step]) -> None:
    """Write one row per step, atomically; a loss that was not measured stays empty."""
    # `asdict` would take four times as long, which shows with 600,000 steps.
    rows = ([_shown(value) for value in vars(step).values()] for step in history)
    write_table(path, COLUMNS, rows)


def read_history(path: Path) -> list[Step]:
    """Read what `write_history` wrote, for folders of older versions.

    No file is an empty history. Raises ModelFileError naming the row that cannot be
    read.
    """
    if not path.is_file():
        return []
    try:
        with open(path, newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            # Older versions did not measure train.
            names = reader.fieldnames
            if names not in (COLUMNS, [c for c in COLUMNS if c != "train"]):
                expected = ", ".join(COLUMNS)
                raise ModelFileError(f"{path}: expected the columns {expected}")
            return [_step(path, number, row) for number, row in enumerate(reader, 2)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ModelFileError(f"{path} is damaged: {error}") from None


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
