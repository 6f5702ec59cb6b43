"""One writer at a time: a folder's lock, which ends with the process that holds it.

Read next: `atomic.py`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from gptlib.errors import FolderInUseError
from gptlib.files.atomic import make_folder

LOCK = ".lock"


@contextmanager
def locked(folder: Path, *, keep: bool = True) -> Iterator[None]:
    """Hold a folder's lock inside; the folder is made if there is none.

    keep: whether its file stays, as it must where others may be waiting for it.
    Raises FolderInUseError at once if somebody else writes to the folder, OSError if it
    cannot be written to.
    """
    make_folder(folder)
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise FolderInUseError(
            f"{folder} is being written to by another training or save: wait for its "
            "end, or choose another folder"
        ) from None
    try:
        yield
    finally:
        if not keep:
            (folder / LOCK).unlink(missing_ok=True)
        lock.release()
