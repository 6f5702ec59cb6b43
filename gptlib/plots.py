"""Every figure that more than one notebook draws, in one style.

Train and validation have the same two colours everywhere (colour-blind safe, after
Okabe and Ito), reference lines are thin and grey.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence
from itertools import cycle, pairwise
from textwrap import fill

import matplotlib.pyplot as plt
import torch
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from gptlib.evaluation import surprises
from gptlib.training import Step

TRAIN, VAL, OTHER = "#0072B2", "#D55E00", "#009E73"
GREY = "#8A8A8A"
TOKEN_SHADES = ["#BFD9EC", "#F6D2B8", "#BFE3D5", "#E9CFE0"]
COLOURS = [TRAIN, VAL, OTHER, "#CC79A7", "#E69F00", "#56B4E9"]
STYLE = {
    "figure.figsize": (7.2, 3.6),
    "figure.constrained_layout.use": True,
    "savefig.facecolor": "white",
    "axes.prop_cycle": plt.cycler(color=COLOURS),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#444444",
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.labelsize": 10,
    "axes.grid": True,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.7,
    "axes.axisbelow": True,
    "lines.linewidth": 1.8,
    "legend.frameon": False,
    "font.family": "DejaVu Sans",
    "font.size": 10,
}
# A text that stands beside its point.
BESIDE = {"textcoords": "offset points", "va": "center"}

# The whole paragraph is in a play that no training text of the series holds.
PARAGRAPH = ("MIRANDA:\nIf by your art", "Against my very heart.")


def use_style() -> None:
    """Draw in the style of the series, in a notebook at twice the resolution."""
    from IPython import get_ipython
    from matplotlib_inline.backend_inline import set_matplotlib_formats

    plt.rcParams.update(STYLE)
    if get_ipython() is not None:
        set_matplotlib_formats("retina")


def loss_curves(
    history: Sequence[Step], *, smooth: int = 25, ax: Axes | None = None
) -> Axes:
    """Draw the training batches' loss, its running mean, and the validation loss."""
    ax = plt.subplots()[1] if ax is None else ax
    steps = [s.step for s in history]
    losses = [s.loss for s in history]
    ax.plot(steps, losses, color=TRAIN, alpha=0.2, linewidth=0.8)
    means = [_mean(losses[max(0, i - smooth) : i + 1]) for i in range(len(losses))]
    ax.plot(steps, means, color=TRAIN)
    _label(ax, steps[-1], means[-1], "train", TRAIN, below=True)
    measured = [s for s in history if s.val is not None]
    if measured:
        vals = [s.val for s in measured]
        ax.plot([s.step for s in measured], vals, color=VAL, marker="o", markersize=3)
        _label(ax, measured[-1].step, vals[-1], "val", VAL)
    ax.set(xlabel="step", ylabel="loss (nats per character)")
    ax.set_xlim(0, steps[-1] * 1.12)
    return ax


def surprise(model, tokens: Tensor, tokenizer, title: str = "") -> Figure:
    """Draw one validation paragraph, each letter coloured by its -ln p.

    tokens: the validation split, (N,). Each letter is predicted with the longest
    context that the model takes. White was expected, dark orange was not. The surprise
    of a subword token is divided among its letters; a line shows where it begins.
    """
    text = tokenizer.decode(tokens)
    start = text.index(PARAGRAPH[0])
    stop = text.index(PARAGRAPH[1]) + len(PARAGRAPH[1])
    first, last, begins = tokens_of(tokenizer, tokens, start, stop)
    losses = surprises(model, tokens, first, last).tolist()
    letters = _per_letter(losses, begins)[start - begins[0] : stop - begins[0]]
    lines = {at - start for at in begins} if len(letters) > len(losses) else ()
    return _draw_letters(text[start:stop], letters, title, lines)


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


def attention_map(
    weights: Float[Tensor, "T T"], text: str, *, title: str = "", ax: Axes | None = None
) -> Axes:
    """Draw who looks at whom: rows read, columns are looked at, dark is much."""
    ax = plt.subplots(figsize=(4.6, 4.6))[1] if ax is None else ax
    letters = [{"\n": "↵", " ": "␣"}.get(c, c) for c in text]
    ax.imshow(weights.detach().cpu().numpy(), cmap="Blues", vmin=0)
    ax.set_xticks(range(len(letters)), letters, family="DejaVu Sans Mono")
    ax.set_yticks(range(len(letters)), letters, family="DejaVu Sans Mono")
    ax.tick_params(length=0, labelsize=7, top=True, labeltop=True, labelbottom=False)
    ax.grid(visible=False)
    ax.set_title(title, fontsize=9.5)
    return ax


def bigram_table(
    probabilities: Float[Tensor, "V V"], chars: Sequence[str], ax: Axes, title: str
) -> None:
    """Draw a table of next-character probabilities: row now, column next."""
    names = [{"\n": "↵", " ": "␣"}.get(c, c) for c in chars]
    ax.imshow(probabilities.detach().cpu().numpy(), cmap="Blues", vmin=0, vmax=0.5)
    ax.set_xticks(range(len(names)), names, fontsize=4.5)
    ax.set_yticks(range(len(names)), names, fontsize=4.5)
    ax.tick_params(length=0)
    ax.grid(visible=False)
    ax.set(title=title, xlabel="next character", ylabel="this character")


def lab_runs(records: Sequence, *, train: bool = True, ax: Axes | None = None) -> Axes:
    """Draw runs of the lab beside each other: val thick, train thin and dashed.

    The lowest val of each is ringed; a dotted line marks where a knob was turned.
    """
    ax = plt.subplots()[1] if ax is None else ax
    colours = cycle(COLOURS) if len(records) > 1 else [VAL]
    ends = []
    for record, colour in zip(records, colours, strict=False):
        steps = [check.step for check in record.checks]
        ax.plot(steps, [check.val for check in record.checks], color=colour)
        last, best = record.checks[-1], record.best
        if train:
            low = TRAIN if len(records) == 1 else colour
            losses = [check.train for check in record.checks]
            ax.plot(steps, losses, color=low, linewidth=1, linestyle="--")
            ends.append((last.train, last.step, "train", low))
        ax.plot(best.step, best.val, "o", color=colour, fillstyle="none")
        ends.append((last.val, last.step, record.name or "val", colour))
        for turn in record.turns:
            ax.axvline(turn.step, color=colour, linewidth=0.9, linestyle=":")
    top, line = -math.inf, 0.06 * (ax.get_ylim()[1] - ax.get_ylim()[0])
    for y, step, name, colour in sorted(ends):
        text = fill(name, 24)
        half = line * (text.count("\n") + 1) / 2  # a label's height, from its middle
        y = max(y, top + half)
        _label(ax, step, y, text, colour)
        top = y + half
    ax.set(xlabel="step", ylabel=f"loss (nats per {records[0].unit})")
    ax.set_xlim(0, max(record.checks[-1].step for record in records) * 1.28)
    return ax


def spread(
    rows: Sequence[dict],
    x: str,
    columns: dict[str, str],
    *,
    ax: Axes | None = None,
    xlabel: str | None = None,
) -> Axes:
    """Draw columns of a sweep's rows against x: one dot a seed, a line of means.

    columns: name in the rows -> label beside its line.
    """
    ax = plt.subplots()[1] if ax is None else ax
    values = sorted({row[x] for row in rows})
    ends = []
    for (column, label), colour in zip(columns.items(), COLOURS, strict=False):
        colour = {"train": TRAIN, "val": VAL}.get(column, colour)
        at = {v: [row[column] for row in rows if row[x] == v] for v in values}
        for i, value in enumerate(values):
            ax.plot([i] * len(at[value]), at[value], "o", color=colour, alpha=0.5)
        ax.plot(range(len(values)), [_mean(at[v]) for v in values], color=colour)
        ends.append((_mean(at[values[-1]]), label, colour))
    lowest, apart = -math.inf, 0.06 * (ax.get_ylim()[1] - ax.get_ylim()[0])
    for y, label, colour in sorted(ends):
        lowest = max(y, lowest + apart)
        _label(ax, len(values) - 1, lowest, label, colour)
    ax.set_xticks(range(len(values)), [f"{v:,}" for v in values])
    ax.set_xlim(-0.3, len(values) - 0.35)
    ax.set(xlabel=xlabel or x, ylabel="loss (nats per character)")
    return ax


def _draw_letters(
    text: str, losses: list[float], title: str, begins: Collection[int] = ()
) -> Figure:
    lines = text.split("\n")
    columns = max(len(line) for line in lines) + 1
    fig, ax = plt.subplots(figsize=(7.2, 0.4 + 0.25 * len(lines)))
    shades = plt.get_cmap("Oranges")
    cells = [(r, c) for r, line in enumerate(lines) for c in range(len(line) + 1)]
    letters = zip(cells, text, losses, strict=False)
    for i, ((row, column), char, loss) in enumerate(letters):
        colour = shades(min(loss / 7, 1) * 0.85)
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
    scale = plt.cm.ScalarMappable(plt.Normalize(0, 7 / 0.85), "Oranges")
    bar = fig.colorbar(scale, ax=ax, aspect=12, pad=0.01, boundaries=_steps(0, 7))
    bar.set_ticks(range(8))
    bar.set_label("surprise −ln p (nats)", fontsize=8)
    bar.ax.tick_params(labelsize=7)
    ax.set_title(f"{title}  mean {_mean(losses):.2f} nats", fontsize=10)
    return fig


LETTER = {
    "family": "DejaVu Sans Mono",
    "fontsize": 8.5,
    "ha": "center",
    "va": "center",
}


def _steps(low: float, high: float, count: int = 70) -> list[float]:
    return [low + (high - low) * i / count for i in range(count + 1)]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _label(ax: Axes, x, y, text: str, colour: str, below: bool = False) -> None:
    offset = (6, -6 if below else 6)
    ax.annotate(text, (x, y), offset, **BESIDE, color=colour, fontweight="bold")
