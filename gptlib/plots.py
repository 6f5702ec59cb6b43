"""Every figure that more than one notebook draws, in one style.

Train and validation have the same two colours everywhere (colour-blind safe, after
Okabe and Ito), reference lines are thin and grey.
"""

import math
from collections.abc import Sequence

import matplotlib.pyplot as plt
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from gptlib.evaluation import surprises
from gptlib.ladder import UNIFORM, Rung, load_ladder
from gptlib.training import Step

TRAIN, VAL, OTHER = "#0072B2", "#D55E00", "#009E73"
GREY = "#8A8A8A"
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
# The whole paragraph is in a play that no training text of the series holds.
PARAGRAPH = ("MIRANDA:\nIf by your art", "Against my very heart.")
REFERENCES = [
    ("nanoGPT on a laptop, 2.5 minutes", 1.898, "-"),
    ("nanoGPT on a GPU (its own estimate)", 1.4697, "--"),
]


def use_style() -> None:
    """Draw in the style of the series, at twice the screen's resolution."""
    from matplotlib_inline.backend_inline import set_matplotlib_formats

    plt.rcParams.update(STYLE)
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


def loss_ladder(yours: Rung | None = None, *, upto: str | None = None) -> Figure:
    """Draw the ladder up to the rung you have just measured (or `upto`, or all).

    Blue dots are recorded, with their range over seeds; your own is the ring.
    """
    rungs = load_ladder()
    last = yours.name if yours is not None else upto
    names = [rung.name for rung in rungs]
    if last in names:
        rungs = rungs[: names.index(last) + 1]
    elif yours is not None:
        rungs = [*rungs, yours]
    fig, ax = plt.subplots(figsize=(7.2, 1.1 + 0.36 * len(rungs)))
    for row, rung in enumerate(rungs):
        ax.plot([rung.low, rung.high], [row, row], color=TRAIN, linewidth=4, alpha=0.4)
        ax.plot(rung.loss, row, "o", color=TRAIN)
        text = f"{rung.loss:.2f} nats · {rung.choices:.1f} characters"
        ax.annotate(text, (rung.loss, row), (9, 0), **BESIDE, fontsize=8.5)
        if yours is not None and rung.name == yours.name:
            ax.plot(yours.loss, row, "o", color=VAL, fillstyle="none", markersize=11)
    lowest = min(rung.loss for rung in rungs)
    near = [reference for reference in REFERENCES if reference[1] > lowest - 0.45]
    for text, loss, line in near:
        ax.axvline(loss, color=GREY, linewidth=0.9, linestyle=line)
        # Beside its line, where the first rungs leave room.
        place = {"color": GREY, "fontsize": 7.5, "rotation": 90, "va": "top"}
        ax.text(loss - 0.015, -0.4, text, ha="right", **place)
    ax.set_yticks(range(len(rungs)), [rung.name for rung in rungs])
    ax.set_ylim(len(rungs) - 0.5, -0.6)
    lowest = min([lowest, *(loss for _, loss, _ in near)])
    ax.set_xlim(lowest - 0.25, UNIFORM + 1.3)
    ax.grid(axis="y", visible=False)
    ax.set_xlabel("loss on the whole validation split (nats per character)")
    bits = ax.secondary_xaxis(
        1.03 if len(rungs) > 3 else 1.06,
        functions=(lambda x: x / math.log(2), lambda x: x * math.log(2)),
    )
    bits.set_xlabel("bits per character", fontsize=8.5)
    return fig


def surprise(model, tokens: Tensor, tokenizer, title: str = "") -> Figure:
    """Draw one validation paragraph, each letter coloured by its -ln p.

    tokens: the validation split, (N,). Every letter is judged with all the context
    the model takes. White was expected, dark orange was not.
    """
    text = tokenizer.decode(tokens)
    start = text.index(PARAGRAPH[0])
    stop = text.index(PARAGRAPH[1]) + len(PARAGRAPH[1])
    losses = surprises(model, tokens, start, stop).tolist()
    return _draw_letters(text[start:stop], losses, title)


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
    colours = COLOURS if len(records) > 1 else [VAL]
    for record, colour in zip(records, colours, strict=False):
        steps = [check.step for check in record.checks]
        ax.plot(steps, [check.val for check in record.checks], color=colour)
        if train:
            losses = [check.train for check in record.checks]
            ax.plot(steps, losses, color=colour, linewidth=1, linestyle="--")
            _label(ax, steps[-1], losses[-1], "train", colour)
        last, best = record.checks[-1], record.best
        ax.plot(best.step, best.val, "o", color=colour, fillstyle="none")
        _label(ax, last.step, last.val, record.name or "val", colour)
        for turn in record.turns:
            ax.axvline(turn.step, color=colour, linewidth=0.9, linestyle=":")
    ax.set(xlabel="step", ylabel="loss (nats per character)")
    ax.set_xlim(0, max(record.steps for record in records) * 1.2)
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


BESIDE = {"textcoords": "offset points", "va": "center"}


def _draw_letters(text: str, losses: list[float], title: str) -> Figure:
    lines = text.split("\n")
    columns = max(len(line) for line in lines) + 1
    fig, ax = plt.subplots(figsize=(7.2, 0.4 + 0.25 * len(lines)))
    shades = plt.get_cmap("Oranges")
    places = [(r, c) for r, line in enumerate(lines) for c in range(len(line) + 1)]
    for (row, column), char, loss in zip(places, text, losses, strict=False):
        colour = shades(min(loss / 7, 1) * 0.85)
        ax.add_patch(plt.Rectangle((column, row), 1, 1, color=colour, linewidth=0))
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
