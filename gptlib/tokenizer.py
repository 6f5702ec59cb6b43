"""Text to token ids and back, one token per character.

Read next: `bpe.py`, for subword tokens.
"""

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

from torch import Tensor

from gptlib.files.atomic import write_atomically


class Tokenizer:
    """Base class of tokenizers: stores them as JSON, by default those of characters."""

    special_tokens: Sequence[str] = ()  # texts that `encode` can take for one token

    def to_dict(self) -> dict:
        return {"type": "char", "chars": "".join(self.chars)}

    def __repr__(self) -> str:
        return f"CharTokenizer({self.vocab_size} characters: {''.join(self.chars)!r})"

    def save(self, path: str | Path) -> None:
        """Write the vocabulary as JSON, atomically. Raises OSError."""
        content = json.dumps(self.to_dict(), ensure_ascii=False, indent=1)
        write_atomically(Path(path), content.encode())

    @classmethod
    def load(cls, path: str | Path) -> "Tokenizer":
        """Read what `save` wrote. Raises OSError, or ValueError for other files."""
        try:
            stored = json.loads(Path(path).read_text(encoding="utf-8"))
            return tokenizer_from_dict(stored)
        except ValueError as error:
            raise ValueError(f"{path}: not a tokenizer of gptlib ({error})") from None


class CharTokenizer(Tokenizer):
    """One token per character; the vocabulary is the sorted characters of a text.

    Raises ValueError for an empty text.
    """

    def __init__(self, text: str):
        self.chars = sorted(set(text))
        self.ids = {char: i for i, char in enumerate(self.chars)}
        self.vocab_size = len(self.chars)
        if not self.chars:
            raise ValueError("a vocabulary needs at least one character")

    def encode(self, text: str) -> list[int]:
        """Text -> ids; raises ValueError that names an unknown character."""
        return [self.ids[char] for char in known_chars(text, self.ids)]

    def decode(self, ids: Iterable[int] | Tensor) -> str:
        """Ids (a list or 1-D tensor) -> text; raises ValueError for an id outside V."""
        return "".join(self.chars[i] for i in known_ids(ids, self.vocab_size))


def tokenizer_from_dict(stored: object) -> Tokenizer:
    """Rebuild a tokenizer from its `to_dict()`. Raises ValueError for anything else."""
    kind = stored.get("type") if isinstance(stored, dict) else None
    if not isinstance(kind, str) or kind not in READERS:
        known = " or ".join(map(repr, READERS))
        raise ValueError(
            f"expected an object of type {known}, got {str(stored)[:60]!r}"
        )
    return READERS[kind](stored)


def _char_tokenizer(stored: dict) -> CharTokenizer:
    chars = stored.get("chars")
    if not isinstance(chars, str) or list(chars) != sorted(set(chars)):
        raise ValueError("'chars' must be a string of distinct characters, in order")
    return CharTokenizer(chars)


# By the stored "type"; tokenizers in other modules add themselves.
READERS: dict[str, Callable[[dict], Tokenizer]] = {"char": _char_tokenizer}


def known_chars(text: str, chars: Collection[str]) -> str:
    """Return text, or raise ValueError for its first character that is not in chars."""
    if unknown := set(text).difference(chars):
        position = next(i for i, char in enumerate(text) if char in unknown)
        raise ValueError(
            f"character {text[position]!r} at position {position} is not in the "
            f"vocabulary of {len(chars)} characters: {''.join(chars)!r}"
        )
    return text


def replace_unknown(text: str, tokenizer: Tokenizer, by: str) -> str:
    """Replace every character of text that the tokenizer does not know.

    by: characters that it knows, or "" to drop the unknown ones. A BPETokenizer knows
    every character. Raises ValueError for a character in `by` that is unknown itself.
    """
    chars = getattr(tokenizer, "chars", None)
    if chars is None:
        return text
    tokenizer.encode(by)
    return "".join(char if char in chars else by for char in text)


def known_ids(ids: Iterable[int] | Tensor, vocab_size: int) -> list[int]:
    """Return ids as a list, or raise ValueError for the first one outside 0..V-1."""
    ids = ids.tolist() if hasattr(ids, "tolist") else list(ids)
    for position, i in enumerate(ids):
        if not 0 <= i < vocab_size:
            raise ValueError(
                f"token {i} at position {position} is outside the vocabulary "
                f"0..{vocab_size - 1}"
            )
    return ids
