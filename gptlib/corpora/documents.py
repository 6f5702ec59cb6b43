"""Text in files: which there are, how they are cut in runs, and what a run holds.

    *.txt                  one document; cut where no token ends up different
    *.jsonl, *.jsonl.gz    a document a line, in one field; compressed files stay whole
    *.parquet              a document a row, in one column; cut between groups of rows

Files are in a folder here, or in a dataset of Hugging Face, of which only what is being
read is fetched. Read next: `webtext.py`, which makes shards of tokens of the runs.
"""

import gzip
import itertools
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatch
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from gptlib.errors import DataError

KINDS = (".txt", ".jsonl", ".jsonl.gz", ".json.gz", ".parquet")
HUB = "hf://datasets/"
CONVERTED = "refs/convert/parquet"  # where the Hub keeps datasets of other formats
BLOCK = 2**20  # bytes of text read at once: what bounds the memory
Readable = BinaryIO | BytesIO
ROWS = 64  # documents of a Parquet file read at once
# No token reaches over these places: a line's end between printing characters is a
# piece of its own, a single space belongs to what comes after it.
SAFE = re.compile(rb"(?<=[!-~]\n)(?=[!-~])|(?<=[!-~])(?= [!-~])")
WHOLE = re.compile(rb"[\x00-\x7f\xc0-\xff]")  # the first byte of a character


@dataclass(frozen=True)
class File:
    """A file of text: its name in its folder, where it is, what tells it apart."""

    name: str
    path: str
    size: int  # bytes
    version: str | int


@dataclass(frozen=True)
class Run:
    """A part of a file: bytes start..stop, of a Parquet file groups of rows."""

    file: File
    start: int
    stop: int
    size: int  # bytes
    column: str

    def source(self) -> list:
        """What it is a part of; of another text this is another list."""
        file = self.file
        name = file.name.encode()[-600:].decode(errors="ignore")  # a header is short
        return [name, self.start, self.stop, file.size, file.version, self.column]


def find_files(
    source: str | Path, files: str = "*", revision: str | None = None
) -> list[File]:
    """The files of text of a folder, or of a dataset of Hugging Face, by name.

    files: which of them, as "sample/10BT/*". Raises DataError when there are none, or
    when they cannot be had.
    """
    path = Path(source)
    if path.is_file():
        return [_local(path, path.parent)]
    if path.is_dir():
        found = [_local(p, path) for p in sorted(path.rglob("*")) if p.is_file()]
        chosen = _chosen(found, files)
    elif str(source).count("/") == 1:
        chosen = _chosen(_on_hub(str(source), revision or "main"), files)
        if not chosen and revision is None:
            with suppress(DataError):
                chosen = _chosen(_on_hub(str(source), CONVERTED), files)
    else:
        raise DataError(
            f"{source} is no text file, no folder, and no dataset of Hugging Face, "
            "whose names are like 'HuggingFaceFW/fineweb'"
        )
    if not chosen:
        kinds = ", ".join(f"*{kind}" for kind in KINDS)
        raise DataError(f"{source} has no files {files!r} among its {kinds}")
    return chosen


def _chosen(found: list[File], pattern: str) -> list[File]:
    return [f for f in found if f.name.endswith(KINDS) and fnmatch(f.name, pattern)]


def _local(path: Path, folder: Path) -> File:
    stat = path.stat()
    name = path.relative_to(folder).as_posix()
    return File(name, str(path), stat.st_size, stat.st_mtime_ns)


def _on_hub(name: str, revision: str) -> list[File]:
    # Not at the top: it brings a web client along, which nobody else needs.
    from huggingface_hub import HfApi, RepoFile

    try:
        # The commit, so that all processes read the same, whatever is pushed meanwhile.
        commit = HfApi().dataset_info(name, revision=revision).sha
        tree = HfApi().list_repo_tree(
            name, recursive=True, revision=commit, repo_type="dataset"
        )
        found = [entry for entry in tree if isinstance(entry, RepoFile)]
    except Exception as error:  # a network fails in many ways
        first = str(error).strip().partition("\n")[0]
        raise DataError(
            f"{name}: no such folder here, and no such dataset could be had from "
            f"Hugging Face ({type(error).__name__}: {first:.200})"
        ) from None
    return [
        File(f.path, f"{HUB}{name}@{commit}/{f.path}", f.size, f.blob_id)
        for f in sorted(found, key=lambda f: f.path)
    ]


def open_file(path: str) -> BinaryIO:
    """A file here, or on Hugging Face: of that one only what is read is fetched."""
    if not path.startswith(HUB):
        return open(path, "rb")
    from huggingface_hub import HfFileSystem

    return HfFileSystem().open(path, "rb")


def runs_of(files: list[File], size: int, column: str) -> list[Run]:
    """The runs of about size bytes that files are cut in, always the same."""
    with ThreadPoolExecutor(16) as pool:  # of a Parquet file the end must be fetched
        runs = list(pool.map(lambda file: list(_cut(file, size, column)), files))
    return [
        Run(file, *run, column)
        for file, of_it in zip(files, runs, strict=True)
        for run in of_it
    ]


def _cut(file: File, size: int, column: str) -> Iterator[tuple[int, int, int]]:
    """(start, stop, bytes) of the runs of a file."""
    if file.name.endswith(".parquet"):
        yield from _row_groups(file, size, column)
    elif file.name.endswith(".gz"):
        yield 0, file.size, file.size
    else:
        for start in range(0, max(file.size, 1), size):
            stop = min(file.size, start + size)
            yield start, stop, stop - start


def _row_groups(file: File, size: int, column: str) -> Iterator[tuple[int, int, int]]:
    with open_file(file.path) as opened:
        about = _parquet(opened, file.name).metadata
    if about.num_row_groups == 0:
        return  # a file without a row
    names = [
        about.row_group(0).column(i).path_in_schema for i in range(about.num_columns)
    ]
    if column not in names:
        raise DataError(f"{file.name} has no column {column!r}, but {names}")
    start = weight = 0
    for group in range(about.num_row_groups):
        place = names.index(column)
        weight += about.row_group(group).column(place).total_uncompressed_size
        if weight >= size or group + 1 == about.num_row_groups:
            yield start, group + 1, weight
            start, weight = group + 1, 0


def _parquet(opened: BinaryIO, name: str):
    try:
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise DataError(
            f"{name} is a Parquet file, which gptlib reads with pyarrow: "
            "pip install pyarrow"
        ) from None
    return ParquetFile(opened, buffer_size=BLOCK)


def read(run: Run) -> Iterator[tuple[bool, str]]:
    """(does a document begin here?, text) for all text of a run, piece by piece.

    Raises DataError for what is not UTF-8, lacks the column, or cannot be fetched.
    """
    kind = run.file.name.rpartition(".")[2]
    pieces = {"parquet": _rows, "jsonl": _lines, "gz": _lines}.get(kind, _text)
    try:
        with open_file(run.file.path) as file:
            yield from pieces(file, run)
    except Exception as error:
        if isinstance(error, DataError) or not run.file.path.startswith(HUB):
            raise
        raise DataError(  # what a web client raises does not travel between processes
            f"{run.file.path} could not be read to its end ({type(error).__name__}: "
            f"{error!s:.200}); the same command goes on with what is missing"
        ) from None


def _text(file: Readable, run: Run) -> Iterator[tuple[bool, str]]:
    for number, content in enumerate(blocks(file, run)):
        try:
            yield run.start == number == 0, content.decode()
        except UnicodeDecodeError as error:
            raise DataError(
                f"{run.file.path}: {content[error.start : error.start + 4]!r} is not "
                "UTF-8 text; save the file as UTF-8"
            ) from None


def _lines(file: BinaryIO, run: Run) -> Iterator[tuple[bool, str]]:
    """The documents of the lines that begin in the run."""
    if run.file.name.endswith(".gz"):
        lines = gzip.GzipFile(fileobj=file)
    else:
        file.seek(max(0, run.start - 1))
        place = run.start and run.start - 1 + len(file.readline())
        lines = _until(file, place, run.stop)
    for line in lines:
        if not line.strip():
            continue
        try:
            text = json.loads(line)[run.column]
        except (ValueError, KeyError, TypeError):
            raise DataError(
                f"{run.file.name}: the line {line[:60]!r} is no JSON object with "
                f"{run.column!r}"
            ) from None
        if text:
            yield from _document(text, run)


def _until(file: BinaryIO, place: int, stop: int) -> Iterator[bytes]:
    while place < stop and (line := file.readline()):
        place += len(line)
        yield line


def _rows(file: BinaryIO, run: Run) -> Iterator[tuple[bool, str]]:
    batches = _parquet(file, run.file.name).iter_batches(
        ROWS, range(run.start, run.stop), [run.column], use_threads=False
    )
    rows = itertools.chain.from_iterable(b.column(0).to_pylist() for b in batches)
    for text in rows:
        if text:
            yield from _document(text, run)


def _document(text: object, run: Run) -> Iterator[tuple[bool, str]]:
    """A document, a long one in pieces: its ids at once would be what fills memory."""
    if not isinstance(text, str):
        raise DataError(
            f"{run.file.name}: {run.column!r} holds {text!r:.60}, expected text; name "
            "another --column"
        )
    # Half a character, which JSON can hold, becomes a question mark.
    content = text.encode(errors="replace")
    size = len(content)
    if size <= BLOCK:
        yield True, content.decode()
    else:
        yield from _text(
            BytesIO(content), Run(File("", "", size, 0), 0, size, size, "")
        )


def blocks(file: Readable, run: Run) -> Iterator[bytes]:
    """The run's bytes, cut where no token ends up different from the whole text's.

    A run begins and ends at the first safe place after its first and last byte, so
    that runs follow each other without gap or overlap.
    """
    size = run.file.size
    place = _safe_place(file, run.start, size)
    while place < run.stop:
        end = _safe_place(file, min(place + BLOCK, run.stop), size)
        file.seek(place)
        yield file.read(end - place)
        place = end


def _safe_place(file: Readable, place: int, end: int) -> int:
    """The first place from `place` on where the file may be cut; 0 and its end may.

    Where a whole block has no safe one (a script without spaces), between characters.
    """
    if not 0 < place < end:
        return min(place, end)
    begin = max(0, place - 2)
    file.seek(begin)
    content = file.read(BLOCK)
    found = SAFE.search(content, place - begin)
    if not found and begin + len(content) == end:
        return end
    found = found or WHOLE.search(content, place - begin)
    return begin + found.start() if found else end
