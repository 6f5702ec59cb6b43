"""Atomic writes: after a crash a file has its old or its new content, never a mixture.

Read next: `lock.py`, `fetch.py`.
"""

import csv
import io
import json
import os
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

TEMPORARY = ".gptlib-tmp"


def make_folder(folder: Path) -> None:
    """Create a folder and those above it. Raises OSError, for a file too."""
    if folder.is_file():
        raise NotADirectoryError(f"{folder} is a file: expected a folder")
    folder.mkdir(parents=True, exist_ok=True)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file beside path; at the end flush it and rename it to path.

    Creates missing folders. Raises OSError and leaves path unchanged.
    """
    make_folder(path.parent)
    # A name that nobody else has, opened only if nothing is there, not even a link.
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}{TEMPORARY}")
    try:
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    _flush_folder(path.parent)


def to_json(content, **form) -> str:
    """Return JSON text, in which NumPy's numbers are Python's; form: for json.dumps."""
    return json.dumps(content, default=lambda number: number.item(), **form)


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence]) -> None:
    """Write a CSV table atomically, the names of the columns first. Raises OSError."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    write_atomically(path, text.getvalue().encode())


def write_atomically(path: Path, content: bytes) -> None:
    """Write content to path atomically. Raises OSError."""
    with replacing(path) as file:
        file.write(content)


def remove_leftovers(folder: Path) -> None:
    """Delete the temporary files that a killed process left in folder.

    For the holder of the folder's lock: those of a running process look the same.
    """
    for leftover in folder.glob(f".*{TEMPORARY}"):
        leftover.unlink(missing_ok=True)


def _flush_folder(folder: Path) -> None:
    # A power cut can undo the rename until the folder is flushed, too. Windows cannot
    # open folders and does not need this.
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
