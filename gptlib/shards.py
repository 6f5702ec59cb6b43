"""More text than memory: token ids in files that are mapped, not read.

`tokenize` turns a folder of text into shards, in several processes, a piece of a file
at a time; started again, it does what is missing. A shard is one line of JSON, filled
up with spaces to 1,024 bytes, and then its ids, two or four bytes each, the low byte
first (uint16 up to 65,536 tokens, else uint32):

    {"format": "gptlib-tokens", "version": 1, "dtype": "uint16", "tokens": 12345,
     "sha256": "...", "tokenizer": "...", "vocab_size": 50257, "source": [...]}

sha256 is that of the ids' bytes; tokenizer is a digest of what made them. The shell's
`head -c 1024` shows it. Read next: `training.py`, which takes `Shards` for a split.
"""

import copy
import hashlib
import json
import multiprocessing
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gptlib.bpe import END_OF_TEXT, BPETokenizer
from gptlib.errors import DataError, require_int
from gptlib.files import replacing
from gptlib.tokenizer import Tokenizer, tokenizer_from_dict

HEADER = 1024  # bytes
UNIT = 2**26  # bytes of text in a shard
BLOCK = 2**20  # bytes of text encoded at once: what bounds the memory
# No token reaches over these places: a line's end between printing characters is a
# piece of its own, a single space belongs to what comes after it.
SAFE = re.compile(rb"(?<=[!-~]\n)(?=[!-~])|(?<=[!-~])(?= [!-~])")
WHOLE = re.compile(rb"[\x00-\x7f\xc0-\xff]")  # the first byte of a character


@dataclass(frozen=True)
class Unit:
    """A run of bytes of one file, and the shard they become."""

    path: Path
    start: int
    stop: int
    shard: Path

    def source(self) -> list:
        """What the shard says of where it comes from; another text is another list."""
        stat = self.path.stat()
        return [self.path.name, self.start, self.stop, stat.st_size, stat.st_mtime_ns]


def tokenize(
    source: str | Path,
    folder: str | Path,
    tokenizer: Tokenizer,
    *,
    processes: int | None = None,
    unit: int = UNIT,
) -> Iterator[tuple[int, int]]:
    """Encode a text file, or all *.txt of a folder, into shards; yields (done, all).

    processes: default one a core. unit: bytes of text in a shard. Every file begins
    with the tokenizer's end-of-text token, where it has one. Memory: a few times
    1 MB a process, however long the text. Raises DataError when there is no text or
    it is not UTF-8, ValueError for characters that the tokenizer does not know.
    """
    processes = processes or os.cpu_count() or 1
    require_int("processes", processes, 1)
    require_int("unit", unit, 1)
    units = units_of(Path(source), Path(folder), unit)
    Path(folder).mkdir(parents=True, exist_ok=True)
    for old in set(Path(folder).glob("*.tokens")) - {one.shard for one in units}:
        old.unlink()  # of a longer text, or of smaller units
    described = tokenizer.to_dict()
    made_by = digest(described)
    jobs = [(one, described) for one in units if not is_done(one, made_by)]
    done = len(units) - len(jobs)
    yield done, len(units)
    if processes == 1 or len(jobs) < 2:
        for job in jobs:
            _encode_unit(job)
            done += 1
            yield done, len(units)
        return
    # A fresh start of each process: a copy of one that runs threads may lock up.
    context = multiprocessing.get_context("spawn")
    with context.Pool(min(processes, len(jobs))) as pool:
        for _ in pool.imap_unordered(_encode_unit, jobs):
            done += 1
            yield done, len(units)


def units_of(source: Path, folder: Path, size: int) -> list[Unit]:
    """The runs of about size bytes that a source is cut in, always the same."""
    files = [source] if source.is_file() else sorted(source.rglob("*.txt"))
    if not files:
        raise DataError(f"{source} is no text file and no folder with *.txt files")
    units = []
    for path in files:
        end = path.stat().st_size
        for start in range(0, max(end, 1), size):
            shard = folder / f"{len(units):06d}.tokens"
            units.append(Unit(path, start, min(end, start + size), shard))
    return units


def is_done(unit: Unit, made_by: str) -> bool:
    """Is the unit's shard there, of this text and by the tokenizer of this digest?"""
    if not unit.shard.is_file():
        return False
    header = read_header(unit.shard)
    return [header["source"], header["tokenizer"]] == [unit.source(), made_by]


def digest(described: dict) -> str:
    """A tokenizer's fingerprint: SHA-256 of its `to_dict()`."""
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()


def _encode_unit(job: tuple[Unit, dict]) -> None:
    unit, described = job
    tokenizer = tokenizer_from_dict(described)
    size = tokenizer.vocab_size
    kind = np.dtype("<u2" if size <= 2**16 else "<u4")
    count, sha = 0, hashlib.sha256()
    with replacing(unit.shard) as file:
        file.write(b" " * HEADER)
        for ids in _ids(unit, tokenizer):
            content = np.asarray(ids, dtype=kind).tobytes()
            count += len(ids)
            sha.update(content)
            file.write(content)
        header = {
            "format": "gptlib-tokens",
            "version": 1,
            "dtype": f"uint{8 * kind.itemsize}",
            "tokens": count,
            "sha256": sha.hexdigest(),
            "tokenizer": digest(described),
            "vocab_size": size,
            "source": unit.source(),
        }
        # Escaped, a long name that is not English would not fit.
        text = json.dumps(header, ensure_ascii=False).encode()
        file.seek(0)
        file.write(text.ljust(HEADER - 1) + b"\n")


def _ids(unit: Unit, tokenizer: Tokenizer) -> Iterator[list[int]]:
    if unit.start == 0 and isinstance(tokenizer, BPETokenizer):
        special = [END_OF_TEXT] if END_OF_TEXT in tokenizer.special_tokens else []
        yield tokenizer.encode("".join(special), special)
    for content in blocks(unit):
        try:
            yield tokenizer.encode(content.decode())
        except UnicodeDecodeError as error:
            raise DataError(
                f"{unit.path}: {content[error.start : error.start + 4]!r} is not "
                "UTF-8 text; save the file as UTF-8"
            ) from None


def blocks(unit: Unit) -> Iterator[bytes]:
    """The unit's bytes, cut where no token ends up different from the whole text's.

    A unit begins and ends at the first safe place after its first and last byte, so
    that units follow each other without gap or overlap.
    """
    with open(unit.path, "rb") as file:
        place = _safe_place(file, unit.start)
        while place < unit.stop:
            end = _safe_place(file, min(place + BLOCK, unit.stop))
            file.seek(place)
            yield file.read(end - place)
            place = end


def _safe_place(file, place: int) -> int:
    """The first place from `place` on where the file may be cut; 0 and its end may.

    Where a whole block has no safe one (a script without spaces), between characters.
    """
    end = os.fstat(file.fileno()).st_size
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


def read_header(path: Path) -> dict:
    """A shard's description. Raises DataError for what `tokenize` did not write."""
    with open(path, "rb") as file:
        first = file.read(HEADER)
    try:
        header = json.loads(first)
        size = np.dtype(header["dtype"]).itemsize * header["tokens"]
        known = (header["format"], header["version"]) == ("gptlib-tokens", 1)
    except (ValueError, KeyError, TypeError):
        known, size = False, 0
    if not known or path.stat().st_size != HEADER + size:
        raise DataError(
            f"{path} is damaged, or no shard of tokens: delete it and tokenize again"
        )
    return header


class Shards:
    """A folder of shards as one long row of ids, (N,), of which nothing is in memory.

    Stands where a split's tensor stands, for a model without counts: `shards[places]`
    gives int64 for places of any shape. Raises DataError when there are none, or of
    several tokenizers.
    """

    ndim, dtype = 1, torch.long

    def __init__(self, folder: str | Path, device: torch.device | str = "cpu"):
        self.folder, self.device = Path(folder), torch.device(device)
        self.paths = sorted(self.folder.glob("*.tokens"))
        self.headers = [read_header(path) for path in self.paths]
        if len({header["tokenizer"] for header in self.headers}) != 1:
            raise DataError(
                f"{folder} holds {len(self.paths)} shards of tokens, and not of one "
                "tokenizer: tokenize into an empty folder"
            )
        self.vocab_size = self.headers[0]["vocab_size"]
        self.ends = torch.tensor([h["tokens"] for h in self.headers]).cumsum(0)

    def __len__(self) -> int:
        return int(self.ends[-1])

    def __getitem__(self, places: Tensor | slice) -> Tensor:
        if isinstance(places, slice):
            places = torch.arange(len(self))[places]
        flat = places.flatten().cpu()
        shards = torch.searchsorted(self.ends, flat, right=True)
        ids = torch.empty_like(flat)
        for number in shards.unique().tolist():
            here = shards == number
            first = int(self.ends[number]) - self.headers[number]["tokens"]
            found = self._mapped[number][(flat[here] - first).numpy()]
            ids[here] = torch.from_numpy(found.astype(np.int64))
        return ids.view(places.shape).to(self.device)

    @cached_property
    def _mapped(self) -> list[np.ndarray]:
        return [
            np.memmap(path, header["dtype"], "r", HEADER, shape=(header["tokens"],))
            for path, header in zip(self.paths, self.headers, strict=True)
        ]

    def to(self, device: torch.device | str) -> "Shards":
        """The same shards, whose ids are handed out on device."""
        twin = copy.copy(self)
        twin.device = torch.device(device)
        return twin

    def min(self) -> int:
        """A bound of the ids, without reading them all."""
        return 0

    def max(self) -> int:
        """A bound of the ids: the largest that the tokenizer has."""
        return self.vocab_size - 1

    def verify(self) -> None:
        """Read everything once; DataError names the first shard with other bytes."""
        for path, header in zip(self.paths, self.headers, strict=True):
            with open(path, "rb") as file:
                file.seek(HEADER)
                found = hashlib.file_digest(file, "sha256").hexdigest()
            if found != header["sha256"]:
                raise DataError(
                    f"{path} is damaged: its ids have SHA-256 {found}, "
                    f"expected {header['sha256']}; delete it and tokenize again"
                )
