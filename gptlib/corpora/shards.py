"""More text than memory: token ids in files that are mapped, not read.

A shard is one line of JSON, filled up with spaces to 1,024 bytes, and then its ids, two
or four bytes each, the low byte first (uint16 up to 65,536 tokens, else uint32):

    {"format": "gptlib-tokens", "version": 1, "dtype": "uint16", "tokens": 12345,
     "sha256": "...", "tokenizer": "...", "vocab_size": 50257, "source": [...]}

sha256 is that of the ids' bytes; tokenizer is a digest of what made them, which is
beside the shards in tokenizer.json. The shell's `head -c 1024` shows it. `webtext.py`
makes them. Read next: `training.py`, which takes `Shards` for a split.
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
from gptlib.data import Corpus, TokenSplits, load_corpus
from gptlib.errors import DataError
from gptlib.files.atomic import replacing
from gptlib.tokenizer import Tokenizer

HEADER = 1024  # bytes
TOKENIZER = "tokenizer.json"
UNUSED = "<|unused_{}|>"  # the text of a token that never occurs
VAL_SHARE, VAL_TOKENS = 0.1, 2**22  # val is the smaller of the two


def digest(described: dict) -> str:
    """A tokenizer's fingerprint: SHA-256 of its `to_dict()`."""
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()


def padded(tokenizer: Tokenizer, vocab_size: int) -> Tokenizer:
    """The tokenizer filled up to vocab_size with tokens that no text ever has.

    GPUs multiply a matrix of 50,304 rows quicker than one of 50,257, GPT-2's. Raises
    ValueError for more tokens than that, or single characters.
    """
    lacking = vocab_size - tokenizer.vocab_size
    if lacking == 0:
        return tokenizer
    if lacking < 0 or not isinstance(tokenizer, BPETokenizer):
        raise ValueError(
            f"vocab_size={vocab_size}: the tokenizer has {tokenizer.vocab_size}; "
            "expected as many, which is the default, or more with a tokenizer of "
            "pieces, as 50304 with GPT-2's 50257"
        )
    unused = [UNUSED.format(i) for i in range(tokenizer.vocab_size, vocab_size)]
    return BPETokenizer(tokenizer.merges, [*tokenizer.special_tokens, *unused])


def same_ids(one: Tokenizer, other: Tokenizer) -> bool:
    """Do both make the same ids of every text? Unused tokens make no difference."""
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

    source says what they are of; made_by is the tokenizer's digest.
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
            "dtype": f"uint{8 * kind.itemsize}",
            "tokens": count,
            "sha256": sha.hexdigest(),
            "tokenizer": made_by,
            "vocab_size": size,
            "source": source,
        }
        # Escaped, a long name that is not English would not fit.
        text = json.dumps(header, ensure_ascii=False).encode()
        file.seek(0)
        file.write(text.ljust(HEADER - 1) + b"\n")


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
        counts = torch.tensor([header["tokens"] for header in self.headers])
        self._take(torch.zeros_like(counts), counts)

    def _take(self, starts: Tensor, counts: Tensor) -> None:
        """Of each shard the `counts` tokens from `starts` on, one after the other."""
        self.counts, self.ends = counts, counts.cumsum(0)
        self.shifts = starts + counts - self.ends  # from a place here to one in a shard

    def split(self, share: float) -> tuple["Shards", "Shards"]:
        """The first parts of all shards, and the last ones: a share of every shard."""
        first, last = copy.copy(self), copy.copy(self)
        held_out = (self.counts * share).long()
        starts = self.shifts - self.counts + self.ends
        first._take(starts, self.counts - held_out)
        last._take(starts + self.counts - held_out, held_out)
        return first, last

    def __len__(self) -> int:
        return int(self.ends[-1])

    def __getitem__(self, places: Tensor | slice) -> Tensor:
        if isinstance(places, slice):
            places = torch.arange(len(self))[places]
        shape, flat = places.shape, places.flatten().cpu()
        # Windows are runs of places; of each run one look into its shard is enough.
        shards = torch.searchsorted(self.ends, flat, right=True)
        runs, sizes = shards.unique_consecutive(return_counts=True)
        inside = (flat + self.shifts[shards]).split(sizes.tolist())
        parts = [
            self._mapped[number][there.numpy()]
            for number, there in zip(runs.tolist(), inside, strict=True)
        ]
        ids = torch.from_numpy(np.concatenate([np.zeros(0, np.int64), *parts]))
        return ids.view(shape).to(self.device)

    @cached_property
    def _mapped(self) -> list[np.ndarray]:
        return [
            np.memmap(path, header["dtype"], "r", HEADER, shape=(header["tokens"],))
            if header["tokens"]  # nothing cannot be mapped
            else np.zeros(0, header["dtype"])
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
        both = zip(self.paths, self.headers, strict=True)
        count = len(self.paths)
        for path, header in tqdm(both, "verifying", count, delay=2, leave=False):
            with open(path, "rb") as file:
                file.seek(HEADER)
                found = hashlib.file_digest(file, "sha256").hexdigest()
            if found != header["sha256"]:
                raise DataError(
                    f"{path} is damaged: its ids have SHA-256 {found}, "
                    f"expected {header['sha256']}; delete it and tokenize again"
                )


class TokenCorpus:
    """A folder of shards as a corpus: what it is encoded with is settled.

    The last part of every shard is val, 4.2 million tokens or a tenth of all, whichever
    is less; dev is as much at the end of train, and part of it. Raises DataError for
    what `tokenize` did not finish writing.
    """

    def __init__(self, folder: str | Path):
        self.name, self.shards = str(folder), Shards(folder)
        file = Path(folder) / TOKENIZER
        self.tokenizer = Tokenizer.load(file)
        made_by = self.shards.headers[0]["tokenizer"]
        if digest(self.tokenizer.to_dict()) != made_by:
            raise DataError(f"{file} is not what made the shards: tokenize them again")
        if not len(self.shards):
            raise DataError(
                f"{folder} holds no tokens: the text it was made of is empty"
            )
        share = min(VAL_SHARE, VAL_TOKENS / len(self.shards))
        self.train, self.val = self.shards.split(share)
        hashes = "".join(header["sha256"] for header in self.shards.headers)
        self.sha256 = hashlib.sha256(hashes.encode()).hexdigest()

    def encode(self, tokenizer: Tokenizer) -> TokenSplits:
        """The splits; train stays on the disk. ValueError for another tokenizer."""
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
    """A folder of shards, or what `load_corpus` knows. Raises as they do."""
    return TokenCorpus(source) if Path(source).is_dir() else load_corpus(source)
