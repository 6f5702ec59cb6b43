"""Encodes text of any size into shards of token ids, in several processes.

    python -m gptlib data --dataset HuggingFaceFW/fineweb --files "sample/10BT/*" \
        --to data/fineweb

Files are divided into chunks, and about 64 MB of chunks become one shard. Finished
shards are kept: after an interruption the same command writes the missing ones.
Read next: `shards.py`, the format of a shard.
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
from gptlib.corpora.documents import Chunk, divide, find_files, read
from gptlib.corpora.shards import (
    MANIFEST,
    TOKENIZER,
    digest,
    read_header,
    read_manifest,
    write_manifest,
    write_shard,
)
from gptlib.errors import DataError, require_int
from gptlib.files.atomic import remove_leftovers
from gptlib.files.interrupts import as_worker
from gptlib.files.lock import locked
from gptlib.tokenizer import Tokenizer

# Bytes of text per shard: a 64th of all within these limits, so that there is enough to
# divide among processes and to show progress.
MIN_SHARD, MAX_SHARD, SHARDS = 2**20, 2**26, 64
PROCESSES = 6  # the most by default: they need less than 1 GB
Job = tuple[list[Chunk], Path, str]  # the chunks of a shard, its file, the digest


def tokenize(
    source: str | Path,
    folder: str | Path,
    tokenizer: Tokenizer,
    *,
    files: str = "*",
    column: str = "text",
    revision: str | None = None,
    processes: int | None = None,
    shard_bytes: int | None = None,
) -> Iterator[tuple[int, int]]:
    """Encode a text file, a folder, or a dataset on the Hugging Face Hub into shards.

    files: a pattern for their names. column: the field or column with the text.
    revision: of the dataset, by default the newest. processes: by default one per core,
    at most 6. shard_bytes: text per shard, by default a 64th of all, from 1 to 64 MB.
    Yields (done, all) in bytes. Every document begins with the tokenizer's end-of-text
    token, if it has one. Needs 0.4 GB of memory and 0.1 GB per process, whatever the
    amount of text. Raises DataError if there is no text, it is not UTF-8 or it cannot
    be fetched, ValueError for characters that the tokenizer does not know.
    """
    if processes is None:
        processes = min(os.cpu_count() or 1, PROCESSES)
    require_int("processes", processes, 1)
    found = find_files(source, files, revision)
    if shard_bytes is None:
        # A power of two: with a little more text the existing shards stay valid.
        size = 1 << (sum(file.size for file in found) // SHARDS).bit_length()
        shard_bytes = min(max(size, MIN_SHARD), MAX_SHARD)
    require_int("shard_bytes", shard_bytes, 1)
    groups = _group(divide(found, shard_bytes, column), shard_bytes)
    folder, of = Path(folder), [_name(source), files, column]
    with locked(folder):
        yield from _write(groups, folder, of, tokenizer, processes)


def _write(
    groups: list[list[Chunk]],
    folder: Path,
    of: list[str],
    tokenizer: Tokenizer,
    processes: int,
) -> Iterator[tuple[int, int]]:
    """Write what is missing of a folder, one group a shard; yields (done, all)."""
    made_by = digest(tokenizer.to_dict())
    shards = [folder / f"{number:06d}.tokens" for number in range(len(groups))]
    pairs = list(zip(groups, shards, strict=True))
    finished = [shard for chunks, shard in pairs if _is_done(chunks, shard, made_by)]
    _require_ours(folder, of, finished, made_by)
    remove_leftovers(folder)
    write_manifest(folder, of, None)
    for old in set(folder.glob("*.tokens")) - set(shards):
        old.unlink()  # left from a longer text, or from smaller shards
    tokenizer.save(folder / TOKENIZER)
    total = sum(map(_size, groups))
    jobs = [(*pair, made_by) for pair in pairs if pair[1] not in finished]
    done = total - sum(_size(chunks) for chunks, *_ in jobs)
    yield done, total
    for size in _encoded(jobs, min(processes, len(jobs))):
        done += size
        yield done, total
    write_manifest(folder, of, shards)


def _name(source: str | Path) -> str:
    """What a source is called from wherever the command is run."""
    path = Path(source)
    return str(path.resolve() if path.exists() else source)


def _require_ours(
    folder: Path, of: list[str], finished: list[Path], made_by: str
) -> None:
    """Raise DataError if tokens of another text or tokenizer would be replaced."""
    before, there = read_manifest(folder).get("of"), {*folder.glob("*.tokens")}
    foreign = before is None and (there or (folder / TOKENIZER).exists())
    other = any(read_header(path)["tokenizer"] != made_by for path in there)
    replaced = before not in (None, of) and there - {*finished}
    if replaced or (foreign and not finished) or other:
        holds = "another tokenizer" if other else before or "another text"
        raise DataError(
            f"{folder} holds tokens of {holds}, not of {of}: choose another folder, or "
            f"delete its *.tokens, {TOKENIZER} and {MANIFEST}"
        )


def _group(chunks: list[Chunk], size: int) -> list[list[Chunk]]:
    """Chunks in order, small ones together until they have `size` bytes."""
    groups, full = [], True
    for chunk in chunks:
        if full:
            groups.append([])
        groups[-1].append(chunk)
        full = _size(groups[-1]) >= size
    return groups


def _size(chunks: list[Chunk]) -> int:
    """Bytes of text."""
    return sum(chunk.size for chunk in chunks)


def _source(chunks: list[Chunk]) -> list:
    """Identifies the text of a shard: another text gives another list."""
    first = chunks[0].source()
    if len(chunks) == 1:
        return first
    sources = json.dumps([chunk.source() for chunk in chunks]).encode()
    return [first[0], len(chunks), hashlib.sha256(sources).hexdigest()]


def _is_done(chunks: list[Chunk], shard: Path, made_by: str) -> bool:
    """Whether the shard holds this text, encoded by the tokenizer of this digest."""
    if not shard.is_file():
        return False
    header = read_header(shard)
    return [header["source"], header["tokenizer"]] == [_source(chunks), made_by]


def _encoded(jobs: list[Job], processes: int) -> Iterator[int]:
    """Encode shards; yields the bytes of text of each finished one."""
    if processes < 2:
        yield from map(_encode, jobs)
        return
    with ProcessPoolExecutor(processes, _context(), as_worker) as pool:
        try:
            for future in as_completed([pool.submit(_encode, job) for job in jobs]):
                yield future.result()
        except BrokenProcessPool:
            raise DataError(
                "a process was killed, perhaps for lack of memory; the same command "
                "resumes with what is missing, and one process needs the least memory"
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)


def _context() -> multiprocessing.context.BaseContext:
    """Start processes from a fresh one that has imported this module.

    A fork of this process, which may run threads, could lock up; Windows has no fork.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def _encode(job: Job) -> int:
    chunks, shard, made_by = job
    tokenizer = _tokenizer(shard.parent / TOKENIZER, made_by)
    write_shard(shard, _ids(chunks, tokenizer), tokenizer, _source(chunks), made_by)
    return _size(chunks)


@lru_cache(maxsize=1)
def _tokenizer(path: Path, made_by: str) -> Tokenizer:
    return Tokenizer.load(path)


def _ids(chunks: list[Chunk], tokenizer: Tokenizer) -> Iterator[list[int]]:
    first = []  # of every document
    if isinstance(tokenizer, BPETokenizer) and END_OF_TEXT in tokenizer.special_tokens:
        first = tokenizer.encode(END_OF_TEXT, [END_OF_TEXT])
    for chunk in chunks:
        for begins, text in read(chunk):
            ids = tokenizer.encode(text)
            yield [*first, *ids] if begins else ids
