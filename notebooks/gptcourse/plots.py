"""Figures of the lessons: the library's, and those that only notebooks draw.

Read next: `letters.py`, `figures.py`.
"""

# ruff: noqa: F401 - most of what is imported is passed on to the notebooks

import math
from collections.abc import Sequence
from statistics import fmean as mean

import matplotlib.pyplot as plt
from jaxtyping import Float
from matplotlib.axes import Axes
from torch import Tensor

from gptcourse.letters import (
    LETTER,
    PARAGRAPH,
    difference,
    paragraph_losses,
    surprise,
    token_view,
    tokens_of,
)
from gptlib.plots import (
    BESIDE,
    COLOURS,
    GREY,
    OTHER,
    STYLE,
    TRAIN,
    VAL,
    attention_map,
    label_end,
    live,
    loss_curves,
    show,
    use_style,
)


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
        ax.plot(range(len(values)), [mean(at[v]) for v in values], color=colour)
        ends.append((mean(at[values[-1]]), label, colour))
    lowest, apart = -math.inf, 0.06 * (ax.get_ylim()[1] - ax.get_ylim()[0])
    for y, label, colour in sorted(ends):
        lowest = max(y, lowest + apart)
        label_end(ax, len(values) - 1, lowest, label, colour)
    ax.set_xticks(range(len(values)), [f"{v:,}" for v in values])
    ax.set_xlim(-0.3, len(values) - 0.35)
    ax.set(xlabel=xlabel or x, ylabel="loss (nats per character)")
    return ax
