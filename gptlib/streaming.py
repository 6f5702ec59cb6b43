"""Text as it is generated: in whole characters, up to where it stops.

A text stops at the tokenizer's end-of-text token, before a stop text, or after the
given number of tokens. Read next: `handler/`.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import takewhile, tee

import torch
from jaxtyping import Int
from torch import Tensor, nn

from gptlib.bpe import END_OF_TEXT
from gptlib.generation import stream, token_ids
from gptlib.tokenizer import Tokenizer


def stream_text(
    model: nn.Module, tokenizer: Tokenizer, prompt: str, max_new_tokens: int, **settings
) -> Iterator[str]:
    """Yield the continuation of a prompt in whole characters.

    settings: as for `stream_texts`. Raises as `stream`, and ValueError for a character
    that the tokenizer does not know.
    """
    device = next(model.parameters()).device
    idx = torch.tensor(tokenizer.encode(prompt), device=device)  # (T,)
    return stream_texts(model, tokenizer, [idx], max_new_tokens, **settings)[0]


def stream_texts(
    model: nn.Module,
    tokenizer: Tokenizer,
    prompts: Sequence[Int[Tensor, " _"]],
    max_new_tokens: int,
    *,
    stop: str | Collection[str] = (),
    stop_tokens: int | Collection[int] | None = None,
    **settings,
) -> list[Iterator[str]]:
    """One iterator for each prompt: its continuation, in whole characters.

    stop: a text or several; a continuation ends before the one that is complete first,
    wherever tokens begin and end. stop_tokens: it ends before the first of these, too;
    by default the tokenizer's end-of-text token, if it has one. settings: as for
    `generation.stream`. Tokens are drawn for all prompts at once, as far as the longest
    continuation needs. Raises as `stream`, and ValueError for an empty stop text.
    """
    several = isinstance(stop, Collection) and not isinstance(stop, str)
    stops = list(stop) if several else [stop]
    if not all(isinstance(text, str) and text for text in stops):
        raise ValueError(f"stop={stop!r}: expected a text or several, none empty")
    if stop_tokens is None:
        stop_tokens = getattr(tokenizer, "special_ids", {}).get(END_OF_TEXT, ())
    ends = set(token_ids(stop_tokens))
    columns = stream(model, prompts, max_new_tokens, **settings)  # (B,) each
    copies = tee((column.tolist() for column in columns), len(prompts))

    def continuation(row, columns):
        ids = takewhile(lambda i: i not in ends, (column[row] for column in columns))
        return before_stop(whole_characters(ids, tokenizer.decode), stops)

    return [continuation(row, copy) for row, copy in enumerate(copies)]


def before_stop(texts: Iterator[str], stops: Sequence[str]) -> Iterator[str]:
    """Yield texts up to the first stop text, and nothing of that.

    An end that may still become a stop text is held back. The result does not depend on
    how the whole text is divided: of several stop texts the one that is complete first
    counts, and of those that end together the longest.
    """
    held = ""
    for text in texts:
        held += text
        found = [(held.find(s) + len(s), -len(s)) for s in stops if s in held]
        if found:
            end, length = min(found)
            held = held[: end + length]
            break
        begun = (n for s in stops for n in range(1, len(s)) if held.endswith(s[:n]))
        ready = len(held) - max(begun, default=0)
        if ready:
            yield held[:ready]
            held = held[ready:]
    if held:
        yield held


def whole_characters(
    tokens: Iterator[int], decode: Callable[[list[int]], str]
) -> Iterator[str]:
    """Yield text as tokens arrive, holding back incomplete characters.

    The texts together equal the decoding of all tokens at once, without an incomplete
    character at the end.
    """
    held: list[int] = []
    shown = 0  # characters of the held tokens' text already yielded
    for token in tokens:
        held.append(int(token))
        text = decode(held)
        # U+FFFD at the end stands for bytes that may still become a character.
        settled = text.removesuffix("\ufffd")
        if len(settled) > shown:
            yield settled[shown:]
            shown = len(settled)
        if settled == text:
            held, shown = [], 0
        elif len(held) > 8:  # no character has more than 4 bytes
            held = held[-4:]
            shown = len(decode(held).removesuffix("\ufffd"))
    rest = decode(held)[shown:].removesuffix("\ufffd")
    if rest:
        yield rest
