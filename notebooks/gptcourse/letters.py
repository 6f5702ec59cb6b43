"""Texts drawn letter by letter: their surprise, and the tokens they are cut into.

Read next: `figures.py`.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence
from itertools import pairwise

import matplotlib.pyplot as plt
import torch
from jaxtyping import Int
from matplotlib.figure import Figure
from torch import Tensor

from gptlib.evaluation import surprises
from gptlib.plots import GREY

TOKEN_SHADES = ["#BFD9EC", "#F6D2B8", "#BFE3D5", "#E9CFE0"]

# The whole paragraph is in a play that no training text of the series holds.
PARAGRAPH = ("MIRANDA:\nIf by your art", "Against my very heart.")
PASSAGE, LINE = 400, 80  # characters that are drawn of another text, and of a line


def paragraph_losses(
    model, tokens: Int[Tensor, " N"], tokenizer
) -> tuple[str, list[float], set[int]]:
    """-ln p of each letter of one validation paragraph, with all context that fits.

    tokens: the validation split. Of a text without that paragraph, the first characters
    with a whole context before them. Returns the paragraph, a number of nats per
    letter, and where tokens begin, if they are longer than letters: the loss of a
    subword token is divided among its letters.
    """
    text = tokenizer.decode(tokens)
    start, end = map(text.find, PARAGRAPH)
    stop = end + len(PARAGRAPH[1])
    if min(start, end) < 0:
        start = len(tokenizer.decode(tokens[: model.block_size]))
        stop = min(start + PASSAGE, len(text))
    first, last, begins = tokens_of(tokenizer, tokens, start, stop)
    step = max(1, model.block_size // 4)  # three quarters of the context are enough
    losses = surprises(model, tokens, first, last, step).tolist()
    letters = _per_letter(losses, begins)[start - begins[0] : stop - begins[0]]
    lines = {at - start for at in begins} if len(letters) > len(losses) else set()
    return text[start:stop], letters, lines


def surprise(model, tokens: Int[Tensor, " N"], tokenizer, title: str = "") -> Figure:
    """Draw one paragraph of a validation split, each letter coloured by its -ln p.

    White was expected, dark orange was not. A line shows where a subword token begins.
    """
    text, losses, begins = paragraph_losses(model, tokens, tokenizer)
    mean = sum(losses) / len(losses)
    bar = ("surprise −ln p (nats)", "Oranges", 0.0, 7.0)
    figure = _draw_letters(text, losses, bar, f"{title}  mean {mean:.2f} nats", begins)
    what = "The Tempest" if text.startswith(PARAGRAPH[0]) else "a text"
    figure.set_label(
        f"A paragraph of {what}, each letter coloured by its surprise under "
        f"{title or 'the model'}; the mean is {mean:.2f} nats."
    )
    return figure


def difference(
    text: str, now: Sequence[float], before: Sequence[float], title: str = ""
) -> Figure:
    """Draw a text whose letters' surprise has changed: blue less, red more than before.

    now, before: nats per letter.
    """
    changes = [a - b for a, b in zip(now, before, strict=True)]
    mean = sum(changes) / len(changes)
    bar = ("change of surprise (nats)", "RdBu_r", -4.0, 4.0)
    shown = f"{title}  mean {mean:+.2f} nats".replace("-", "−")
    figure = _draw_letters(text, changes, bar, shown)
    cooled = sum(change < -0.1 for change in changes) / len(changes)
    figure.set_label(
        f"A paragraph of The Tempest, {title}: each letter blue where it has become "
        f"less surprising ({cooled:.0%} of the letters), red where more; the mean "
        f"change is {mean:+.2f} nats."
    )
    return figure


def tokens_of(
    tokenizer, tokens: Int[Tensor, " N"], start: int, stop: int
) -> tuple[int, int, list[int]]:
    """Find the tokens that hold the characters start..stop of a text.

    Returns first, last (exclusive), and the character at which each of
    tokens[first:last] begins, and the one after the last.
    """

    def length(count: int) -> int:
        return len(tokenizer.decode(tokens[:count]))

    counts = range(len(tokens) + 1)
    first = bisect_right(counts, start, key=length) - 1
    last = bisect_left(counts, stop, key=length)
    before = length(first)
    some = tokens[first:last]
    lengths = [len(tokenizer.decode(some[:i])) for i in range(len(some) + 1)]
    return first, last, [before + characters for characters in lengths]


def _per_letter(losses: list[float], begins: list[int]) -> list[float]:
    """Losses per token -> losses per character; begins: where each token begins."""
    letters, owed = [], 0.0
    for loss, (begin, end) in zip(losses, pairwise(begins), strict=True):
        owed += loss  # a token inside a character leaves its loss to the next
        if end > begin:
            letters += [owed / (end - begin)] * (end - begin)
            owed = 0.0
    return letters


def token_view(text: str, tokenizers: dict[str, object]) -> Figure:
    """Draw how tokenizers split a text: one shade per token, their number beside it.

    tokenizers: name -> tokenizer, one row each. A token inside a character shows as
    part of it.
    """
    size = (0.4 + 0.115 * len(text), 0.42 * len(tokenizers))
    fig, axes = plt.subplots(len(tokenizers), squeeze=False, figsize=size)
    shown = text.replace("\n", "↵").replace(" ", "·")
    for ax, (name, tokenizer) in zip(axes.flat, tokenizers.items(), strict=True):
        ids = torch.tensor(tokenizer.encode(text))  # (N,)
        begins = tokens_of(tokenizer, ids, 0, len(text))[2]
        for i, (begin, end) in enumerate(pairwise(begins)):
            colour = TOKEN_SHADES[i % len(TOKEN_SHADES)]
            ax.add_patch(plt.Rectangle((begin, 0), end - begin, 1, color=colour, lw=0))
        for i, char in enumerate(shown):
            ax.text(i + 0.5, 0.46, char, **LETTER)
        ax.set(xlim=(0, len(text)), ylim=(0, 1), xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
        ax.set_ylabel(f"{name}  ", rotation=0, ha="right", va="center", fontsize=8.5)
        ax.text(len(text) + 0.8, 0.46, f"{len(ids)}", va="center", fontsize=8.5)
    return fig


def _draw_letters(
    text: str,
    values: Sequence[float],
    bar: tuple[str, str, float, float],
    title: str,
    begins: Collection[int] = (),
) -> Figure:
    """Colour letters by values; bar: its label, colour map, lowest and highest."""
    label, shades, low, high = bar
    # The ends of a colour map are too dark to read a letter on.
    wide = (high - low) * 0.1
    norm = plt.Normalize(low - (wide if low else 0), high + wide)
    scale = plt.cm.ScalarMappable(norm, shades)
    lines = [
        line[i : i + LINE]
        for line in text.splitlines(keepends=True)
        for i in range(0, len(line), LINE)
    ]
    columns = max(map(len, lines))
    fig, ax = plt.subplots(figsize=(7.2, 0.4 + 0.25 * len(lines)))
    cells = [(r, c) for r, line in enumerate(lines) for c in range(len(line))]
    letters = zip(cells, text, values, strict=True)
    for i, ((row, column), char, value) in enumerate(letters):
        colour = scale.to_rgba(min(max(value, low), high))
        ax.add_patch(plt.Rectangle((column, row), 1, 1, color=colour, linewidth=0))
        if i in begins:
            ax.plot([column] * 2, [row + 0.1, row + 0.9], color=GREY, linewidth=0.6)
        shown = {"\n": "↵"}.get(char, char)
        grey = GREY if char == "\n" else "black"
        x, y = column + 0.5, row + 0.55
        ax.text(x, y, shown, **LETTER, color=grey)
    ax.set(xlim=(0, columns), ylim=(len(lines), 0), xticks=[], yticks=[])
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    steps = [low + (high - low) * i / 70 for i in range(71)]
    colours = fig.colorbar(scale, ax=ax, aspect=12, pad=0.01, boundaries=steps)
    colours.set_ticks(range(int(low), int(high) + 1))
    colours.set_label(label, fontsize=8)
    colours.ax.tick_params(labelsize=7)
    ax.set_title(title, fontsize=10)
    return fig


LETTER = {
    "family": "DejaVu Sans Mono",
    "fontsize": 8.5,
    "ha": "center",
    "va": "center",
}
