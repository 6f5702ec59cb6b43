"""Text in files: finding them, dividing them into chunks, and reading the documents.

    *.txt                             one document; divided where no token crosses
    *.jsonl, *.jsonl.gz, *.json.gz    one document per line; compressed files stay whole
    *.parquet                         one document per row; divided between row groups

Files are local, or in a dataset on the Hugging Face Hub, of which only the parts being
read are fetched. Read next: `webtext.py`, which encodes the chunks.
"""

import gzip
import json
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatch
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from gptlib.errors import DataError, describe

SUFFIXES = (".txt", ".jsonl", ".jsonl.gz", ".json.gz", ".parquet")
HUB = "hf://datasets/"
CONVERTED = "refs/convert/parquet"  # the Hub's branch with Parquet copies of a dataset
Readable = BinaryIO | BytesIO  # type checkers do not count the second as the first
BLOCK = 2**20  # bytes of text read at once, which bounds the memory
ROWS = 64  # rows of a Parquet file read at once
LINE = 2**26  # bytes of the longest line, which must fit in the memory
# No token crosses these boundaries: a newline between printing characters is a token of
# its own, and a single space belongs to the word after it.
BOUNDARY = re.compile(rb"(?<=[!-~]\n)(?=[!-~])|(?<=[!-~])(?= [!-~])")
# Of a UTF-8 character or of a Windows line end.
FIRST_BYTE = re.compile(rb"(?!(?<=\r)\n)[\x00-\x7f\xc0-\xff]")


@dataclass(frozen=True)
class File:
    """A text file: its name in its folder, its path or address, size and version."""

    name: str
    path: str
    size: int  # bytes
    version: str | int


@dataclass(frozen=True)
class Chunk:
    """A part of a file: bytes, or row groups of a Parquet file, from start to stop."""

    file: File
    start: int
    stop: int
    size: int  # bytes
    column: str  # with the text

    def source(self) -> list:
        """Identifies the text of this chunk: another text gives another list."""
        file = self.file
        name = file.name.encode()[-600:].decode(errors="ignore")  # a header is short
        return [name, self.start, self.stop, file.size, file.version, self.column]


def find_files(
    source: str | Path, files: str = "*", revision: str | None = None
) -> list[File]:
    """The text files of a folder, or of a dataset on the Hugging Face Hub, by name.

    files: a pattern for their names, such as "sample/10BT/*". revision: of the dataset,
    by default the newest. Raises DataError if there are none or the Hub fails.
    """
    path = Path(source)
    if path.is_file():
        return [_local(path, path.parent)]
    if path.is_dir():
        inside = sorted(path.rglob("*"))
        found = [_local(p, path) for p in inside if p.is_file()]
        chosen = _chosen(found, files)
        plain = (p for p in inside if p.is_dir() and not p.is_symlink())
        odd = [p for p in set(inside).difference(plain) if not p.is_file()]
        _say_left_out(path, found, chosen, sorted(odd))
    elif str(source).count("/") == 1:
        chosen = _chosen(_on_hub(str(source), revision or "main"), files)
        if not chosen and revision is None:
            with suppress(DataError):
                chosen = _chosen(_on_hub(str(source), CONVERTED), files)
    else:
        raise DataError(
            f"{source}: expected a text file, a folder, or a dataset on the Hugging "
            "Face Hub, named like 'HuggingFaceFW/fineweb'"
        )
    if not chosen:
        suffixes = ", ".join(f"*{suffix}" for suffix in SUFFIXES)
        raise DataError(f"{source} has no files {files!r} among its {suffixes}")
    return chosen


def _chosen(found: list[File], pattern: str) -> list[File]:
    return [f for f in found if _suffix(f.name) and fnmatch(f.name, pattern)]


def _suffix(name: str) -> str:
    """The ending that says what a file holds, in lower case; "" for no text."""
    endings = (end for end in SUFFIXES if name.lower().endswith(end))
    return next(endings, "")


def _say_left_out(folder: Path, found: list, chosen: list, odd: list) -> None:
    """Warn of what a folder holds and what is not read."""
    names = [f.name for f in found if f not in chosen] if chosen else []
    kinds = {True: "a link to a folder", False: "no file"}
    names += [f"{path.name} ({kinds[path.is_dir()]})" for path in odd]
    if names:
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        warnings.warn(f"{folder}: left out {', '.join(names[:3])}{more}", stacklevel=4)


def _local(path: Path, folder: Path) -> File:
    stat = path.stat()
    name = path.relative_to(folder).as_posix()
    return File(name, str(path), stat.st_size, stat.st_mtime_ns)


def _on_hub(name: str, revision: str) -> list[File]:
    # Imported here because it loads a web client, which is needed nowhere else.
    from huggingface_hub import HfApi, RepoFile

    try:
        # The commit, so that all processes read the same even after a push.
        commit = HfApi().dataset_info(name, revision=revision).sha
        tree = HfApi().list_repo_tree(
            name, recursive=True, revision=commit, repo_type="dataset"
        )
        found = [entry for entry in tree if isinstance(entry, RepoFile)]
    except Exception as error:  # a network fails in many ways
        raise DataError(
            f"{name}: no such folder, and no such dataset could be fetched from the "
            f"Hugging Face Hub ({describe(error)})"
        ) from None
    return [
        File(f.path, f"{HUB}{name}@{commit}/{f.path}", f.size, f.blob_id)
        for f in sorted(found, key=lambda f: f.path)
    ]


def open_file(path: str) -> BinaryIO:
    """Open a local file, or one on the Hub, of which only what is read is fetched."""
    if not path.startswith(HUB):
        return open(path, "rb")
    from huggingface_hub import HfFileSystem

    return HfFileSystem().open(path, "rb")


def divide(files: list[File], size: int, column: str) -> list[Chunk]:
    """Divide files into chunks of about `size` bytes, always in the same way."""
    with ThreadPoolExecutor(16) as pool:  # of a Parquet file the end must be fetched
        parts = list(pool.map(lambda file: list(_divide(file, size, column)), files))
    pairs = zip(files, parts, strict=True)
    return [Chunk(file, *part, column) for file, of_it in pairs for part in of_it]


def _divide(file: File, size: int, column: str) -> Iterator[tuple[int, int, int]]:
    """(start, stop, bytes) of the chunks of a file."""
    suffix = _suffix(file.name)
    if suffix == ".parquet":
        yield from _row_groups(file, size, column)
    elif suffix.endswith(".gz"):
        yield 0, file.size, file.size
    else:
        for start in range(0, max(file.size, 1), size):
            stop = min(file.size, start + size)
            yield start, stop, stop - start


def _row_groups(file: File, size: int, column: str) -> Iterator[tuple[int, int, int]]:
    with open_file(file.path) as opened:
        meta = _parquet(opened, file.name).metadata
    if meta.num_row_groups == 0:
        return  # a file without a row
    names = [
        meta.row_group(0).column(i).path_in_schema for i in range(meta.num_columns)
    ]
    if column not in names:
        raise DataError(f"{file.name} has no column {column!r}, but {names}")
    number = names.index(column)
    start = count = 0
    for group in range(meta.num_row_groups):
        count += meta.row_group(group).column(number).total_uncompressed_size
        if count >= size or group + 1 == meta.num_row_groups:
            yield start, group + 1, count
            start, count = group + 1, 0


def _parquet(opened: BinaryIO, name: str):
    try:
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise DataError(
            f"{name} is a Parquet file, which needs pyarrow: pip install pyarrow"
        ) from None
    try:
        return ParquetFile(opened, buffer_size=BLOCK)
    except Exception as error:  # pyarrow has errors of its own
        raise DataError(f"{name} is no Parquet file ({describe(error)})") from None


def read(chunk: Chunk) -> Iterator[tuple[bool, str]]:
    """Yield (whether a document begins here, text) for all text of a chunk.

    Raises DataError for text that is not UTF-8, lacks the column, or cannot be fetched.
    """
    suffix = _suffix(chunk.file.name).rpartition(".")[2]
    reader = {"parquet": _rows, "jsonl": _lines, "gz": _lines}.get(suffix, _text)
    try:
        with open_file(chunk.file.path) as file:
            yield from reader(file, chunk)
    except Exception as error:
        if isinstance(error, DataError):
            raise
        if not chunk.file.path.startswith(HUB):
            raise DataError(
                f"{chunk.file.path} could not be read to its end ({describe(error)})"
            ) from None
        raise DataError(  # a web client's errors cannot be sent between processes
            f"{chunk.file.path} could not be read to its end ({describe(error)}); the "
            "same command resumes with what is missing"
        ) from None


def _text(file: Readable, chunk: Chunk) -> Iterator[tuple[bool, str]]:
    for number, content in enumerate(_blocks(file, chunk)):
        try:
            text = content.decode()
        except UnicodeDecodeError as error:
            raise DataError(
                f"{chunk.file.path}: {content[error.start : error.start + 4]!r} is not "
                "UTF-8 text; save the file as UTF-8"
            ) from None
        begins = chunk.start == number == 0
        # As `load_corpus` does.
        text = text.removeprefix("\ufeff") if begins else text
        yield begins, text.replace("\r\n", "\n").replace("\r", "\n")


def _lines(file: Readable, chunk: Chunk) -> Iterator[tuple[bool, str]]:
    """The documents of the lines that begin in the chunk."""
    if _suffix(chunk.file.name).endswith(".gz"):
        file, position, stop = gzip.GzipFile(fileobj=file), 0, sys.maxsize
    else:
        file.seek(max(0, chunk.start - 1))
        stop = chunk.stop
        position = chunk.start and chunk.start - 1 + _skip_line(file)
    lines = _until(file.readline, position, stop, chunk.file.name)
    for line in lines:
        if not line.strip():
            continue
        try:
            text = json.loads(line)[chunk.column]
        except (ValueError, KeyError, TypeError):
            raise DataError(
                f"{chunk.file.name}: the line {line[:60]!r} is no JSON object with "
                f"{chunk.column!r}"
            ) from None
        yield from _document(text, chunk)


def _skip_line(file: Readable) -> int:
    """Read to the end of a line; returns its bytes."""
    count = 0
    while part := file.readline(BLOCK):
        count += len(part)
        if part.endswith(b"\n"):
            break
    return count


def _until(
    readline: Callable[[int], bytes], position: int, stop: int, name: str
) -> Iterator[bytes]:
    """The lines that begin between two positions."""
    while position < stop and (line := readline(LINE)):
        position += len(line)
        if len(line) == LINE:
            raise DataError(
                f"{name}: the line {line[:60]!r} has more than {LINE:,} bytes, too "
                "many for one document; divide it"
            )
        yield line


def _rows(file: Readable, chunk: Chunk) -> Iterator[tuple[bool, str]]:
    batches = _parquet(file, chunk.file.name).iter_batches(
        ROWS, range(chunk.start, chunk.stop), [chunk.column], use_threads=False
    )
    for batch in batches:
        for text in batch.column(0).to_pylist():
            yield from _document(text, chunk)


def _document(text: object, chunk: Chunk) -> Iterator[tuple[bool, str]]:
    """A document in blocks: the ids of a long one would fill the memory."""
    if not text:
        return
    if not isinstance(text, str):
        raise DataError(
            f"{chunk.file.name}: {chunk.column!r} holds {text!r:.60}, expected text; "
            "name another --column"
        )
    # JSON can hold half a surrogate pair, which becomes a question mark.
    content = text.encode(errors="replace")
    size = len(content)
    whole = Chunk(File("", "", size, 0), 0, size, size, "")
    yield from _text(BytesIO(content), whole)


def _blocks(file: Readable, chunk: Chunk) -> Iterator[bytes]:
    """The bytes of a chunk in blocks; no token of the whole text crosses a boundary.

    A chunk begins and ends at the first boundary after its first and last byte, so
    that chunks follow each other without gap or overlap.
    """
    size = chunk.file.size
    position = _boundary(file, chunk.start, size)
    while position < chunk.stop:
        end = _boundary(file, min(position + BLOCK, chunk.stop), size)
        file.seek(position)
        yield file.read(end - position)
        position = end


def _boundary(file: Readable, position: int, end: int) -> int:
    """The first boundary from `position` on; 0 and the file's end are boundaries.

    Between characters if a whole block has none, as in a script without spaces.
    """
    if not 0 < position < end:
        return min(position, end)
    begin = max(0, position - 2)
    file.seek(begin)
    content = file.read(BLOCK)
    found = BOUNDARY.search(content, position - begin)
    if not found and begin + len(content) == end:
        return end
    found = found or FIRST_BYTE.search(content, position - begin)
    return begin + found.start() if found else end
