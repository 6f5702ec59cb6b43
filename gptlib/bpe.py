"""Subword tokens by byte-pair encoding: merge the most frequent adjacent pair, repeat.

Byte-level as in GPT-2 (Radford et al., 2019; the algorithm: Sennrich et al., arXiv
1508.07909). The trainer is written to be read; encoding runs on tiktoken. Read next:
`attention.py`.
"""

import heapq
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from torch import Tensor

from gptlib.errors import require_choice, require_int
from gptlib.files.fetch import fetch, project_folder
from gptlib.files.merges import GPT2_MERGES, cut_long, read_merges
from gptlib.tokenizer import READERS, CharTokenizer, Tokenizer, known_ids

Pair = tuple[int, int]

# GPT-2's pattern splits a text into pieces that no merge crosses: a word with the space
# before it, a number, 's, 't, 're ... \p{White_Space} as \s depends on the library.
PATTERN = (
    r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+"
    r"|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+"
)
# The first 256 tokens are the bytes, in GPT-2's order: printable bytes first.
PRINTABLE = [*range(33, 127), *range(161, 173), *range(174, 256)]
BYTES = [*PRINTABLE, *(b for b in range(256) if b not in PRINTABLE)]
ID_OF_BYTE = {byte: i for i, byte in enumerate(BYTES)}
# Files of merges spell each byte as one visible character: its own if it is printable,
# else one from 256 on. " the" is "Ġthe".
LETTERS = {
    byte: chr(byte if i < len(PRINTABLE) else 256 + i - len(PRINTABLE))
    for i, byte in enumerate(BYTES)
}
END_OF_TEXT = "<|endoftext|>"
LONGEST = 2**12  # bytes of a token


class BPETokenizer(Tokenizer):
    """Tokens 0..255 are bytes; each further token merges two earlier ones.

    merges: pairs of token ids in the order in which they are applied; the i-th makes
    token 256 + i. special_tokens: texts with one token each, after all others.
    `.token_bytes` holds the bytes of all other tokens. Raises ValueError for merges
    that are impossible.
    """

    def __init__(self, merges: Sequence[Pair], special_tokens: Sequence[str] = ()):
        self.merges = [(int(a), int(b)) for a, b in merges]
        self.special_tokens = list(special_tokens)
        self.token_bytes = [bytes([byte]) for byte in BYTES]
        known = set(self.token_bytes)
        for i, (a, b) in enumerate(self.merges):
            if not (0 <= a < 256 + i and 0 <= b < 256 + i):
                raise ValueError(
                    f"merge {i} joins tokens {a} and {b}: expected two of 0..{255 + i}"
                )
            size = len(self.token_bytes[a]) + len(self.token_bytes[b])
            if size > LONGEST:  # a few merges that double would fill any memory
                raise ValueError(
                    f"merge {i} makes a token of {size:,} bytes: expected at most "
                    f"{LONGEST:,}"
                )
            new = self.token_bytes[a] + self.token_bytes[b]
            if new in known:
                raise ValueError(f"merge {i} makes {new!r}, which is a token already")
            self.token_bytes.append(new)
            known.add(new)
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
        """Learn the merges from a text.

        vocab_size: bytes, merges and special tokens together. A piece of more than
        1,000 bytes, such as letters without a space, counts as parts of 64. Raises
        ValueError if vocab_size is too small, or larger than the text has pairs for.
        """
        least = 256 + len(special_tokens)
        require_int("vocab_size", vocab_size, least)
        require_unicode(text)
        if not text:
            raise ValueError("text is empty: there is nothing to find merges in")
        merges = merges_of(text, vocab_size - least)
        if len(merges) < vocab_size - least:
            raise ValueError(
                f"vocab_size={vocab_size}: this text of {len(text):,} characters "
                f"allows {least + len(merges)} at most"
            )
        return cls(merges, special_tokens)

    @classmethod
    def gpt2(cls, folder: str | Path | None = None) -> "BPETokenizer":
        """GPT-2's 50,257 tokens, fetched once and verified.

        folder: for the file of merges, by default the project's `data/`. Raises
        DataError if it cannot be fetched.
        """
        folder = project_folder("data") if folder is None else Path(folder)
        lines = fetch(GPT2_MERGES, folder).decode().split("\n")[1:-1]
        pairs = (line.split(" ") for line in lines)
        return cls(read_merges(pairs, LETTERS.values()), [END_OF_TEXT])

    @property
    def vocab_size(self) -> int:
        """V, the number of tokens."""
        return len(self.token_bytes) + len(self.special_tokens)

    @property
    def special_ids(self) -> dict[str, int]:
        """The id of each special token."""
        first = len(self.token_bytes)
        return {text: first + i for i, text in enumerate(self.special_tokens)}

    def encode(self, text: str, allowed_special: Iterable[str] = ()) -> list[int]:
        """Text -> ids; only allowed special tokens are encoded as one token.

        Raises ValueError for an allowed_special that is no special token.
        """
        one = isinstance(allowed_special, str)
        allowed = {allowed_special} if one else set(allowed_special)
        require_unicode(text)
        unknown = allowed - set(self.special_tokens)
        if unknown:
            raise ValueError(
                f"allowed_special: {unknown.pop()!r} is not one of the special tokens "
                f"{self.special_tokens}"
            )
        try:
            return self._encoding.encode(
                text, allowed_special=allowed, disallowed_special=()
            )
        except ValueError:  # its regular expression has gone too far back
            longest = max(map(len, re.findall(r"\s+", text)), default=0)
            raise ValueError(
                f"text has {longest:,} white-space characters in a row, which cannot "
                "be split into pieces; remove most of them"
            ) from None

    def decode(self, ids: Iterable[int] | Tensor) -> str:
        """Ids -> text; bytes that form no character become U+FFFD.

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
        import tiktoken  # loaded only if it is needed

        return tiktoken.Encoding(
            "gptlib",
            pat_str=PATTERN,
            mergeable_ranks={token: i for i, token in enumerate(self.token_bytes)},
            special_tokens=self.special_ids,
        )


READERS["bpe"] = BPETokenizer.from_dict


@dataclass(frozen=True)
class TokenizerConfig:
    """The tokenizer of a recipe: "char", "bpe" with vocab_size, or "gpt2".

    Raises ValueError or TypeError naming the wrong value.
    """

    type: str = "char"  # or bpe, gpt2
    vocab_size: int | None = None  # for bpe only, at least 256

    def __post_init__(self):
        require_choice("type", self.type, ("char", "bpe", "gpt2"))
        if self.type == "bpe":
            require_int("vocab_size", self.vocab_size, 256)
        elif self.vocab_size is not None:
            raise ValueError(
                f"vocab_size={self.vocab_size}: only type 'bpe' has one, not "
                f"{self.type!r}"
            )


def build_tokenizer(config: TokenizerConfig, text: str) -> Tokenizer:
    """The tokenizer that config describes, built from a text."""
    if config.type == "bpe":
        return BPETokenizer.train(text, config.vocab_size)
    return BPETokenizer.gpt2() if config.type == "gpt2" else CharTokenizer(text)


def require_unicode(text: str) -> None:
    """Raise ValueError for half a surrogate pair, which has no UTF-8 bytes."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"character {text[error.start]!r} at position {error.start} is half of a "
            "surrogate pair, not Unicode text"
        ) from None


def count_pieces(text: str) -> Counter:
    """Split a text by PATTERN and count each piece, as a tuple of byte ids."""
    import regex  # Python's re has no \p{L}, a letter of any script

    pieces = Counter(regex.findall(PATTERN, text))
    return Counter(
        {
            tuple(ID_OF_BYTE[byte] for byte in piece.encode()): count
            for piece, count in pieces.items()
        }
    )


def merge(ids: Sequence[int], pair: Pair, new: int) -> list[int]:
    """Replace every occurrence of pair in ids, from the left, by new."""
    merged, i = [], 0
    while i < len(ids):
        if tuple(ids[i : i + 2]) == pair:
            merged.append(new)
            i += 2
        else:
            merged.append(ids[i])
            i += 1
    return merged


def merges_of(text: str, count: int) -> list[Pair]:
    """The first `count` merges of a text, or fewer if it has no more pairs."""
    return train_merges(cut_long(count_pieces(text)), count)


def train_merges(pieces: dict[tuple[int, ...], int], count: int) -> list[Pair]:
    """The first `count` merges, or fewer if there are no more pairs.

    Each step merges the most frequent adjacent pair; among equals the one with the
    smaller first, then second id. Counts are updated instead of recomputed: a merge
    changes only the pieces that contain its pair.
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
            continue  # an outdated count; the pair is in the queue once more
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
    """Apply merges to one piece in their order, as `encode` does.

    tiktoken merges any two tokens whose bytes form a token. For merges learned from a
    text the result is the same; for hand-written merges it can differ.
    """
    ids = list(ids)
    while len(ids) > 1:
        pair = min(pairwise(ids), key=lambda p: ranks.get(p, len(ranks)))
        if pair not in ranks:
            break
        ids = merge(ids, pair, 256 + ranks[pair])
    return ids
