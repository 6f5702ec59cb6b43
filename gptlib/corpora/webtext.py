"""Text of any size into shards of token ids, in several processes.

    python -m gptlib data --dataset HuggingFaceFW/fineweb --files "sample/10BT/*" \
        --to data/fineweb

Files (`documents.py`) are cut in runs of at most about 64 MB, small ones are put
together, and each such unit becomes one shard (`shards.py`). Nothing else is kept, and
what is done is not done again: after an interruption the same command does what is
missing.
"""

import hashlib
import json
import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache
from pathlib import Path

from gptlib.bpe import END_OF_TEXT, BPETokenizer
from gptlib.corpora.documents import Run, find_files, read, runs_of
from gptlib.corpora.shards import TOKENIZER, digest, read_header, write_shard
from gptlib.errors import DataError, require_int
from gptlib.files.atomic import remove_leftovers
from gptlib.files.interrupts import as_worker
from gptlib.tokenizer import Tokenizer

# Bytes of text in a shard: a 64th of all, so that there is enough to share and to show
# progress by, but no less and no more than this.
LEAST_UNIT, MOST_UNIT, UNITS = 2**20, 2**26, 64
PROCESSES = 6  # by default at most: so many need less than 1 GB
Unit = list[Run]  # what makes one shard
Job = tuple[Unit, Path, str]  # a unit, its shard, the tokenizer's digest


def tokenize(
    source: str | Path,
    folder: str | Path,
    tokenizer: Tokenizer,
    *,
    files: str = "*",
    column: str = "text",
    revision: str | None = None,
    processes: int | None = None,
    unit: int | None = None,
) -> Iterator[tuple[int, int]]:
    """Encode a text file, a folder, or a dataset of Hugging Face into shards.

    files: which of them, as `sample/10BT/*`. column: the field or column with the text.
    revision: of the dataset; default the newest. processes: default one a core, but no
    more than 6. unit: bytes of text in a shard; default a 64th of all, from 1 to 64 MB.
    Yields (done, all) in bytes. Every document begins with the tokenizer's end-of-text
    token, where it has one. Memory: 0.4 GB and 0.1 GB a process, however much text.
    Raises DataError when there is no text, when it is not UTF-8 or cannot be fetched,
    ValueError for characters that the tokenizer does not know.
    """
    if processes is None:
        processes = min(os.cpu_count() or 1, PROCESSES)
    require_int("processes", processes, 1)
    found = find_files(source, files, revision)
    if unit is None:
        # A power of two: with a little more text the shards that are there stay.
        unit = 1 << (sum(file.size for file in found) // UNITS).bit_length()
        unit = min(max(unit, LEAST_UNIT), MOST_UNIT)
    require_int("unit", unit, 1)
    units = units_of(runs_of(found, unit, column), unit)
    folder, made_by = Path(folder), digest(tokenizer.to_dict())
    shards = [folder / f"{number:06d}.tokens" for number in range(len(units))]
    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder)
    for old in set(folder.glob("*.tokens")) - set(shards):
        old.unlink()  # of a longer text, or of smaller units
    tokenizer.save(folder / TOKENIZER)
    everything = sum(size_of(one) for one in units)
    jobs = [
        (one, shard, made_by)
        for one, shard in zip(units, shards, strict=True)
        if not is_done(one, shard, made_by)
    ]
    done = everything - sum(size_of(one) for one, *_ in jobs)
    yield done, everything
    for size in _encoded(jobs, min(processes, len(jobs))):
        done += size
        yield done, everything


def units_of(runs: list[Run], size: int) -> list[Unit]:
    """Runs one after the other, small ones together until they have size bytes."""
    units, full = [], True
    for run in runs:
        if full:
            units.append([])
        units[-1].append(run)
        full = size_of(units[-1]) >= size
    return units


def size_of(unit: Unit) -> int:
    """Bytes of text."""
    return sum(run.size for run in unit)


def source_of(unit: Unit) -> list:
    """What a shard says of where it comes from; another text is another list."""
    first = unit[0].source()
    if len(unit) == 1:
        return first
    all_of_it = json.dumps([run.source() for run in unit]).encode()
    return [first[0], len(unit), hashlib.sha256(all_of_it).hexdigest()]


def is_done(unit: Unit, shard: Path, made_by: str) -> bool:
    """Is the shard there, of this text and by the tokenizer of this digest?"""
    if not shard.is_file():
        return False
    header = read_header(shard)
    return [header["source"], header["tokenizer"]] == [source_of(unit), made_by]


def _encoded(jobs: list[Job], processes: int) -> Iterator[int]:
    """Encode units; yields the size of each that is done."""
    if processes < 2:
        yield from map(_encode, jobs)
        return
    with ProcessPoolExecutor(processes, _context(), as_worker) as pool:
        waiting = [pool.submit(_encode, job) for job in jobs]
        try:
            for future in as_completed(waiting):
                yield future.result()
        except BrokenProcessPool:
            raise DataError(
                "a process was ended from outside, perhaps for want of memory; the "
                "same command goes on with what is missing, one process needs least"
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)


def _context() -> multiprocessing.context.BaseContext:
    """How to start a process: from a fresh one that has imported what all share.

    A copy of this one, which may run threads, could lock up. Windows cannot copy.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def _encode(job: Job) -> int:
    unit, shard, made_by = job
    tokenizer = _tokenizer(shard.parent / TOKENIZER, made_by)
    write_shard(shard, _ids(unit, tokenizer), tokenizer, source_of(unit), made_by)
    return size_of(unit)


@lru_cache(maxsize=1)
def _tokenizer(path: Path, made_by: str) -> Tokenizer:
    return Tokenizer.load(path)


def _ids(unit: Unit, tokenizer: Tokenizer) -> Iterator[list[int]]:
    first = []  # what a document begins with
    if isinstance(tokenizer, BPETokenizer) and END_OF_TEXT in tokenizer.special_tokens:
        first = tokenizer.encode(END_OF_TEXT, [END_OF_TEXT])
    for run in unit:
        for begins, text in read(run):
            ids = tokenizer.encode(text)
            yield [*first, *ids] if begins else ids
