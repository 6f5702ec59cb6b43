"""Every figure that more than one notebook draws, in one style.

Train and validation have the same two colours everywhere (colour-blind safe, after
Okabe and Ito), reference lines are thin and grey. `show` shows a figure with a
description for those who cannot see it.
"""

import time
from collections.abc import Iterator, Sequence

import matplotlib.pyplot as plt
from jaxtyping import Float
from matplotlib.axes import Axes
from torch import Tensor

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
# The future, in every attention map and drawing.
HIDDEN = {"facecolor": "#F0F0F0", "edgecolor": "#C4C4C4", "hatch": "////", "lw": 0}
# A text that stands beside its point.
BESIDE = {"textcoords": "offset points", "va": "center"}


def use_style() -> None:
    """Draw in the style of the series, in a notebook at twice the resolution."""
    from IPython import get_ipython
    from matplotlib_inline.backend_inline import set_matplotlib_formats

    plt.rcParams.update(STYLE)
    if get_ipython() is not None:
        set_matplotlib_formats("retina")


def show(alt: str | None = None) -> None:
    """Show the current figure, and close it.

    alt: what is seen in it, in a sentence or two, for those who cannot see it; figures
    of this module that describe themselves need none. Raises ValueError without one.
    """
    figure = plt.gcf()
    alt = alt or figure.get_label()
    if not alt:
        raise ValueError("alt=None: say in a sentence what the figure shows")
    from IPython.display import display

    display(figure, metadata={"image/png": {"alt": alt}})
    plt.close(figure)


def live(training, *, seconds: float = 2.0, unit: str = "character") -> Iterator[Step]:
    """Iterate a training and draw its `loss_curves` meanwhile, every so many seconds.

    Train and val are drawn where they were measured (`eval_every`, `eval_tokens`).
    """
    shown, drawn = None, time.perf_counter()
    for step in training:
        yield step
        if time.perf_counter() - drawn >= seconds:
            shown = _redraw(training.history, shown, unit)
            drawn = time.perf_counter()
    _redraw(training.history, shown, unit)


def _redraw(history: Sequence[Step], shown, unit: str):
    """Draw the losses where they were shown before, or anew; return the place."""
    from IPython.display import display

    figure = loss_curves(history, unit=unit).figure
    plt.close(figure)
    done = [step for step in history if step.val is not None][-1:]
    ends = f"; val {done[0].val:.2f} at step {done[0].step}" if done else ""
    alt = {"image/png": {"alt": f"Loss of train and val against steps{ends}."}}
    if shown is None:
        return display(figure, metadata=alt, display_id=True)
    shown.update(figure, metadata=alt)
    return shown


def loss_curves(
    history: Sequence[Step],
    *,
    smooth: int = 25,
    unit: str = "character",
    ax: Axes | None = None,
) -> Axes:
    """Draw train and val where they were measured, over the batches' losses.

    Where train was not measured, the running mean of `smooth` batches stands for it.
    unit: what a token of the model is. Raises ValueError for an empty history.
    """
    if not history:
        raise ValueError("history is empty: this model has none, so train it first")
    ax = plt.subplots()[1] if ax is None else ax
    steps = [s.step for s in history]
    losses = [s.loss for s in history]
    ax.plot(steps, losses, color=TRAIN, alpha=0.2, linewidth=0.8)
    means = [_mean(losses[max(0, i - smooth) : i + 1]) for i in range(len(losses))]
    train = [(s.step, s.train) for s in history if s.train is not None]
    train = train or list(zip(steps, means, strict=True))
    ax.plot(*zip(*train, strict=True), color=TRAIN)
    label_end(ax, *train[-1], "train", TRAIN, below=True)
    val = [(s.step, s.val) for s in history if s.val is not None]
    if val:
        ax.plot(*zip(*val, strict=True), color=VAL, marker="o", markersize=3)
        label_end(ax, *val[-1], "val", VAL)
    ax.set(xlabel="step", ylabel=f"loss (nats per {unit})")
    ax.set_xlim(0, steps[-1] * 1.12)
    return ax


def attention_map(
    weights: Float[Tensor, "T T"],
    text: Sequence[str],
    *,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw who looks at whom: rows look, columns are looked at, the future is hatched.

    text: one character, or one token's text, for each row. Up to 8 the weights stand in
    the cells. Raises ValueError when there are more or fewer.
    """
    if len(text) != len(weights):
        raise ValueError(
            f"text has {len(text)} letters, weights has {len(weights)} rows: expected "
            "one a row; of tokens, [tokenizer.decode([i]) for i in ids]"
        )
    small = len(text) <= 8
    size = (5.2, 4.6) if ax is None else None
    ax = plt.subplots(figsize=size)[1] if ax is None else ax
    letters = [{"\n": "↵", " ": "␣"}.get(c, c) for c in text]
    shares = weights.detach().cpu().numpy()
    drawn = ax.imshow(shares, cmap="Blues", vmin=0, vmax=max(shares.max(), 1e-6))
    for row in range(len(text)):
        for column in range(len(text)):
            if column > row:
                corner = (column - 0.5, row - 0.5)
                ax.add_patch(plt.Rectangle(corner, 1, 1, **HIDDEN))
            elif small:
                share = shares[row, column]
                ink = "white" if share > 0.6 * shares.max() else "black"
                centre = {"ha": "center", "va": "center", "fontsize": 9}
                ax.text(column, row, f"{share:.2f}", color=ink, **centre)
    ax.set_xticks(range(len(letters)), letters, family="DejaVu Sans Mono")
    ax.set_yticks(range(len(letters)), letters, family="DejaVu Sans Mono")
    letter_size = 11 if small else 8.5
    place = {"top": True, "labeltop": True, "labelbottom": False}
    ax.tick_params(length=0, labelsize=letter_size, **place)
    ax.grid(visible=False)
    ax.set_title(title, fontsize=9.5)
    if size:
        ax.set(xlabel="looked at", ylabel="looks")
        ax.xaxis.set_label_position("top")
        ax.figure.colorbar(drawn, ax=ax, label="weight", shrink=0.8, pad=0.03)
    return ax


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def label_end(ax: Axes, x, y, text: str, colour: str, below: bool = False) -> None:
    """Write a line's name beside its end, in its colour."""
    offset = (6, -6 if below else 6)
    ax.annotate(text, (x, y), offset, **BESIDE, color=colour, fontweight="bold")
