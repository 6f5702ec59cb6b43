"""Writing files so that a crash at any instant leaves the old one or the new one."""

import os
from pathlib import Path


def write_atomically(path: Path, content: bytes) -> None:
    """Write content to a temporary sibling, flush it to disk, rename it to path.

    Creates missing folders. Raises OSError, with path as it was before.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    _flush_folder(path.parent)


def remove_leftovers(folder: Path) -> None:
    """Delete the temporary files that a killed process left in folder."""
    for leftover in folder.glob(".*.tmp"):
        leftover.unlink(missing_ok=True)


def _flush_folder(folder: Path) -> None:
    # The rename itself is lost in a power cut until the folder is flushed, too.
    # Windows cannot open folders and needs no such thing.
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
