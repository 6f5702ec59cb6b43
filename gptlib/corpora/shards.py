"""Text larger than memory: token ids in files that are mapped, not read.

A shard is one line of JSON, padded with spaces to 1,024 bytes, and then its ids, two or
four bytes each, little-endian (uint16 up to 65,536 tokens, else uint32):

    {"format": "gptlib-tokens", "version": 1, "dtype": "uint16", "tokens": 12345,
     "sha256": "...", "tokenizer": "...", "vocab_size": 50257, "source": [...]}

sha256 is that of the ids' bytes; tokenizer is the digest of the tokenizer.json beside
the shards. `head -c 1024` shows a header. `corpus.json` says what the shards were made
of and, once all are written, lists them. Read next: `webtext.py`, which writes shards,
and `training.py`, which takes `Shards` as a split.
"""

import copy
import hashlib
import json
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from gptlib.bpe import BPETokenizer
from gptlib.data import CORPORA, Corpus, TokenSplits, load_corpus
from gptlib.errors import DataError
from gptlib.files.atomic import replacing, write_atomically
from gptlib.tokenizer import Tokenizer

HEADER = 1024  # bytes
TOKENIZER, MANIFEST = "tokenizer.json", "corpus.json"
FIELDS = {"tokens": int, "sha256": str, "tokenizer": str, "vocab_size": int}
UNUSED = "<|unused_{}|>"  # a special token that no text contains
VAL_FRACTION, VAL_TOKENS = 0.1, 2**22  # val is the smaller of the two


def digest(described: dict) -> str:
    """A tokenizer's fingerprint: SHA-256 of its `to_dict()`."""
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()


def padded(tokenizer: Tokenizer, vocab_size: int) -> Tokenizer:
    """The tokenizer padded to vocab_size with special tokens that no text contains.

    GPUs multiply a matrix of 50,304 rows faster than GPT-2's of 50,257. Raises
    ValueError if the tokenizer is larger, or a CharTokenizer that needs padding.
    """
    if vocab_size == tokenizer.vocab_size:
        return tokenizer
    if vocab_size < tokenizer.vocab_size or not isinstance(tokenizer, BPETokenizer):
        raise ValueError(
            f"vocab_size={vocab_size}: the tokenizer has {tokenizer.vocab_size}; "
            "expected the same number, which is the default, or more with a "
            "BPETokenizer, such as 50304 for GPT-2's 50257"
        )
    unused = [UNUSED.format(i) for i in range(tokenizer.vocab_size, vocab_size)]
    return BPETokenizer(tokenizer.merges, [*tokenizer.special_tokens, *unused])


def same_ids(one: Tokenizer, other: Tokenizer) -> bool:
    """Whether both give the same ids for every text, whatever tokens pad them."""
    descriptions = [tokenizer.to_dict() for tokenizer in (one, other)]
    before, after = UNUSED.split("{}")
    for described in descriptions:
        if "special_tokens" in described:
            described["special_tokens"] = [
                text
                for text in described["special_tokens"]
                if not (text.startswith(before) and text.endswith(after))
            ]
    return descriptions[0] == descriptions[1]


def write_shard(
    path: Path,
    parts: Iterable[list[int]],
    tokenizer: Tokenizer,
    source: list,
    made_by: str,
) -> None:
    """Write the ids of all parts, one after the other.

    source: identifies the text. made_by: the tokenizer's digest. Raises OSError.
    """
    size = tokenizer.vocab_size
    kind = np.dtype("<u2" if size <= 2**16 else "<u4")
    count, sha = 0, hashlib.sha256()
    with replacing(path) as file:
        file.write(b" " * HEADER)
        for ids in parts:
            content = np.asarray(ids, dtype=kind).tobytes()
            count += len(ids)
            sha.update(content)
            file.write(content)
        header = {
            "format": "gptlib-tokens",
            "version": 1,
            "dtype": kind.name,
            "tokens": count,
            "sha256": sha.hexdigest(),
            "tokenizer": made_by,
            "vocab_size": size,
            "source": source,
        }
        # Not escaped, so that a long name in another script fits.
        text = json.dumps(header, ensure_ascii=False).encode()
        file.seek(0)
        file.write(text.ljust(HEADER - 1) + b"\n")


def read_header(path: Path) -> dict:
    """Read a shard's header. Raises DataError for files not written by `tokenize`."""
    if not path.is_file():  # opening a pipe would wait for ever
        raise DataError(f"{path} is no regular file: delete it and tokenize again")
    with open(path, "rb") as file:
        first = file.read(HEADER)
    try:
        header = json.loads(first)
        known = (header["format"], header["version"]) == ("gptlib-tokens", 1)
        known &= all(type(header[name]) is kind for name, kind in FIELDS.items())
        known &= header["tokens"] >= 0 < header["vocab_size"]
        kind = np.dtype("<u2" if header["vocab_size"] <= 2**16 else "<u4")
        size = HEADER + kind.itemsize * header["tokens"]
        known &= (header["dtype"], path.stat().st_size) == (kind.name, size)
        known &= isinstance(header["source"], list)
    except (ValueError, KeyError, TypeError, RecursionError):
        known = False
    if not known:
        raise DataError(
            f"{path} is damaged, or not a shard: delete it and tokenize again"
        )
    return header


def read_manifest(folder: Path) -> dict:
    """What corpus.json says: source, settings and, at the end, shards; {} without one.

    Raises DataError for a damaged one.
    """
    path = folder / MANIFEST
    if not path.is_file():
        return {}
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        known = isinstance(manifest, dict) and isinstance(manifest.get("of"), list)
    except (ValueError, RecursionError):
        known = False
    if not known:
        raise DataError(f"{path} is damaged: delete it and tokenize again")
    return manifest


def write_manifest(folder: Path, of: list[str], shards: list[Path] | None) -> None:
    """Say what the folder's shards are made of; with shards: that these are all."""
    manifest = {"of": of}
    if shards is not None:
        manifest["shards"] = {p.name: read_header(p)["sha256"] for p in shards}
    text = json.dumps(manifest, indent=1, ensure_ascii=False) + "\n"
    write_atomically(folder / MANIFEST, text.encode())


class Shards:
    """A folder of shards as one sequence of ids, (N,), none of which is in memory.

    Replaces a split's tensor, for a model without n-gram counts: `shards[positions]`
    gives int64 ids for positions of any shape. Raises DataError if there are no shards,
    or shards of several tokenizers.
    """

    ndim, dtype = 1, torch.long

    def __init__(self, folder: str | Path, device: torch.device | str = "cpu"):
        self.folder, self.device = Path(folder), torch.device(device)
        self.paths = sorted(self.folder.glob("*.tokens"))
        self.headers = [read_header(path) for path in self.paths]
        if not self.paths:
            raise DataError(
                f"{folder} holds no shards, perhaps of a tokenization that did not "
                "end: run `data --dataset` for this folder again"
            )
        if len({header["tokenizer"] for header in self.headers}) != 1:
            raise DataError(
                f"{folder} holds {len(self.paths)} shards, not of one tokenizer: "
                "tokenize into an empty folder"
            )
        self.vocab_size = self.headers[0]["vocab_size"]
        counts = torch.tensor([header["tokens"] for header in self.headers])
        self._select(torch.zeros_like(counts), counts)

    def _select(self, starts: Tensor, counts: Tensor) -> None:
        """Use `counts` tokens from `starts` on of each shard, one after the other."""
        self.counts, self.ends = counts, counts.cumsum(0)
        self.shifts = (
            starts + counts - self.ends
        )  # position here -> position in a shard

    def split(self, fraction: float) -> tuple["Shards", "Shards"]:
        """Hold out the last `fraction` of every shard: (the rest, what is held out)."""
        rest, last = copy.copy(self), copy.copy(self)
        held_out = (self.counts * fraction).long()
        starts = self.shifts - self.counts + self.ends
        rest._select(starts, self.counts - held_out)
        last._select(starts + self.counts - held_out, held_out)
        return rest, last

    def __len__(self) -> int:
        return int(self.ends[-1])

    def __getitem__(self, positions: Tensor | slice) -> Tensor:
        if isinstance(positions, slice):
            positions = torch.arange(len(self))[positions]
        flat = positions.flatten().cpu()
        # Neighbours mostly lie in one shard: index once per run of equal shards.
        shards = torch.searchsorted(self.ends, flat, right=True)
        runs, sizes = shards.unique_consecutive(return_counts=True)
        inside = (flat + self.shifts[shards]).split(sizes.tolist())
        parts = [
            self._mapped[number][part.numpy()]
            for number, part in zip(runs.tolist(), inside, strict=True)
        ]
        ids = torch.from_numpy(np.concatenate([np.zeros(0, np.int64), *parts]))
        return ids.view(positions.shape).to(self.device)

    @cached_property
    def _mapped(self) -> list[np.ndarray]:
        self.verify()
        return [
            np.memmap(path, header["dtype"], "r", HEADER, shape=(header["tokens"],))
            if header["tokens"]  # an empty file cannot be mapped
            else np.zeros(0, header["dtype"])
            for path, header in zip(self.paths, self.headers, strict=True)
        ]

    def to(self, device: torch.device | str) -> "Shards":
        """The same shards, which return ids on device."""
        twin = copy.copy(self)
        twin.device = torch.device(device)
        return twin

    def min(self) -> int:
        """A lower bound of the ids, without reading them."""
        return 0

    def max(self) -> int:
        """An upper bound of the ids: the largest of the tokenizer."""
        return self.vocab_size - 1

    def verify(self) -> None:
        """Compare every checksum; DataError names the first damaged shard."""
        pairs = list(zip(self.paths, self.headers, strict=True))
        for path, header in tqdm(pairs, "verifying", delay=2, leave=False):
            with open(path, "rb") as file:
                file.seek(HEADER)
                found = hashlib.file_digest(file, "sha256").hexdigest()
            if found != header["sha256"]:
                raise DataError(
                    f"{path} is damaged: its ids have SHA-256 {found}, "
                    f"expected {header['sha256']}; delete it and tokenize again"
                )


class TokenCorpus:
    """A folder of shards as a corpus that is already encoded.

    The last part of every shard is val: a tenth of all tokens, at most 4.2 million. Dev
    is as long, at the end of train and part of it. Raises DataError for a folder that
    `tokenize` did not finish.
    """

    def __init__(self, folder: str | Path):
        self.name, self.shards = str(Path(folder).resolve()), Shards(folder)
        found = zip(self.shards.paths, self.shards.headers, strict=True)
        listed = read_manifest(Path(folder)).get("shards")
        if listed != {path.name: header["sha256"] for path, header in found}:
            raise DataError(
                f"{folder} is unfinished: its {MANIFEST} does not list the "
                f"{len(self.shards.paths)} shards that are there; run the command that "
                "wrote them again, which does the rest"
            )
        file = Path(folder) / TOKENIZER
        if not file.is_file():
            raise DataError(f"{file} is no regular file: tokenize again")
        self.tokenizer = Tokenizer.load(file)
        made = digest(self.tokenizer.to_dict()), self.tokenizer.vocab_size
        if any((h["tokenizer"], h["vocab_size"]) != made for h in self.shards.headers):
            raise DataError(f"{file} did not encode these shards: tokenize again")
        if not len(self.shards):
            raise DataError(
                f"{folder} holds no tokens: the text it was made from is empty"
            )
        fraction = min(VAL_FRACTION, VAL_TOKENS / len(self.shards))
        self.train, self.val = self.shards.split(fraction)
        hashes = "".join(header["sha256"] for header in self.shards.headers)
        self.sha256 = hashlib.sha256(hashes.encode()).hexdigest()

    def encode(self, tokenizer: Tokenizer) -> TokenSplits:
        """The splits; train stays on disk. Raises ValueError for another tokenizer."""
        if not same_ids(tokenizer, self.tokenizer):
            raise ValueError(
                f"{self.name} was not encoded by {tokenizer!r:.50}: tokenize the text "
                "with the model's tokenizer"
            )
        val = self.val[:]
        dev = self.train[len(self.train) - len(val) :]
        return TokenSplits(self.train, val, dev, self.name, self.sha256, tokenizer)

    def __repr__(self) -> str:
        size = 100 * len(self.val) / len(self.shards)
        return (
            f"TokenCorpus({self.name!r}: {len(self.shards):,} tokens in "
            f"{len(self.shards.paths)} shards, {size:.2g}% of them val, by "
            f"{self.tokenizer!r})"
        )


def open_corpus(source: str | Path) -> Corpus | TokenCorpus:
    """Open a folder of shards, or whatever `load_corpus` knows. Raises as they do."""
    folder = str(source) not in CORPORA and Path(source).is_dir()
    return TokenCorpus(source) if folder else load_corpus(source)
