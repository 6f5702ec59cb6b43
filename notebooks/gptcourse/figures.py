"""Figures of what was measured: the ladder, the paragraph, a notebook's claims.

They come from the tables of `ladder.py`, `paragraph.py` and `claims.py`; each describes
itself for `plots.show()`. Read next: `refresh.py`.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gptcourse import plots
from gptcourse.claims import Record, load_claims, measured
from gptcourse.ladder import SPINE, UNIFORM, Rung, load_ladder
from gptcourse.paragraph import recorded
from gptcourse.start import current_notebook
from gptlib.data import load_corpus
from gptlib.plots import BESIDE, GREY, TRAIN, VAL

FAMILY = "counted n-grams"
REFERENCES = [
    ("nanoGPT on a laptop, 2.5 minutes", 1.898, "-"),
    ("nanoGPT on a GPU (its own estimate)", 1.4697, "--"),
]


def claims() -> Figure:
    """Draw the differences this notebook claims: one dot per seed, a bar their range.

    Those whose seeds disagree on the sign, or that have fewer than three, are grey.
    """
    # Without a record, as in the first run, draw what was measured just now.
    known = load_claims(current_notebook()) or measured
    records = [r for r in known if r.kind == "difference"]
    units = list(dict.fromkeys(r.unit for r in records)) or ["nats"]
    sizes = [sum(r.unit == unit for r in records) or 1 for unit in units]
    fig, axes = plt.subplots(
        len(units),
        squeeze=False,
        figsize=(7.2, 0.25 + 0.75 * len(units) + 0.34 * len(records)),
        height_ratios=[size + 1 for size in sizes],
    )
    for ax, unit in zip(axes[:, 0], units, strict=True):
        shown = [r for r in records if r.unit == unit]
        for row, record in enumerate(shown):
            colour = TRAIN if record.beyond_noise else GREY
            low, high = min(record.values), max(record.values)
            ax.plot([low, high], [row, row], color=colour, linewidth=4, alpha=0.4)
            rows = [row] * len(record.values)
            ax.plot(record.values, rows, "o", color=colour, markersize=4)
        ax.axvline(0, color=GREY, linewidth=0.9)
        ax.set_yticks(range(len(shown)), [record.name for record in shown])
        ax.set_ylim(len(shown) - 0.5, -0.5)
        ax.grid(axis="y", visible=False)
        ax.set_xlabel(f"difference ({unit}); grey: seeds disagree, or fewer than three")
    fig.supxlabel(_where(known), fontsize=8.5, color=GREY)
    fig.set_label(
        "Differences measured, one dot per seed: " + "; ".join(map(str, records))
    )
    return fig


def compared(losses: dict[str, Sequence[float]], xlabel: str) -> Figure:
    """Draw the losses of several kinds of run: a row per kind, a dot per seed."""
    fig, ax = plt.subplots(figsize=(7.2, 0.8 + 0.34 * len(losses)))
    sign = "+" if min(map(min, losses.values())) < 0 else ""
    for row, values in enumerate(losses.values()):
        ax.plot(values, [row] * len(values), "o", color=TRAIN, alpha=0.7)
        ax.annotate(_mean(values, sign), (max(values), row), (9, 0), **BESIDE)
    ax.set_yticks(range(len(losses)), list(losses))
    ax.set_ylim(len(losses) - 0.5, -0.5)
    ax.margins(x=0.12)
    ax.grid(axis="y", visible=False)
    ax.set_xlabel(f"← better     {xlabel}")
    means = (f"{name} {_mean(values, sign)}" for name, values in losses.items())
    fig.set_label(f"Means over seeds, {xlabel}: " + "; ".join(means) + ".")
    return fig


def _mean(values: Sequence[float], sign: str) -> str:
    return f"{sum(values) / len(values):{sign}.3f}".replace("-", "−")


def _where(records: Sequence[Record]) -> str:
    """Where the claims were measured, and in how many minutes."""
    places = {f"{r.device}, {r.threads} threads, torch {r.torch}" for r in records}
    # Claims measured by one training share its minutes.
    minutes = sum({round(r.minutes, 2) for r in records})
    return "; ".join([*sorted(places), f"{minutes:.1f} minutes"])


def paragraph(rung: Rung, before: str) -> Figure:
    """Draw the validation paragraph: what has changed from one rung to another.

    rung: measured just now; before: name of the rung to compare with.
    """
    now, then = recorded(rung.name).losses, recorded(before).losses
    return plots.difference(_text(), now, then, f"{rung.name} instead of {before}")


def _text() -> str:
    text, (first, last) = load_corpus("tinyshakespeare").val, plots.PARAGRAPH
    return text[text.index(first) : text.index(last) + len(last)]


def loss_ladder(yours: Rung | None = None, *, everything: bool = False) -> Figure:
    """Draw the rungs of the reader's way up to the one you have just measured, or all.

    Dots are recorded, bars their range over seeds; your own is the ring. With
    everything: also the rungs beside that way, and n-gram counts of all orders.
    """
    rungs = load_ladder()
    if not everything:
        rungs = [rung for rung in rungs if rung.name in SPINE]
    if yours is not None:
        names = [rung.name for rung in rungs]
        if yours.name in names:
            rungs = rungs[: names.index(yours.name) + 1]
        else:
            before = (rung for rung in rungs if rung.notebook <= yours.notebook)
            rungs = [*before, yours]
    rungs.sort(key=lambda rung: -rung.loss)
    fig = _draw_ladder(rungs, yours)
    said = "; ".join(f"{rung.name} {rung.loss:.2f}" for rung in rungs)
    fig.set_label(f"Loss on validation in nats per character, from worst: {said}.")
    return fig


def _draw_ladder(rungs: list[Rung], yours: Rung | None) -> Figure:
    rows = list(dict.fromkeys(FAMILY if r.order > 2 else r.name for r in rungs))
    fig, ax = plt.subplots(figsize=(7.2, 1.1 + 0.36 * len(rows)))
    for rung in rungs:
        row = rows.index(FAMILY if rung.order > 2 else rung.name)
        ax.plot([rung.low, rung.high], [row, row], color=TRAIN, linewidth=4, alpha=0.4)
        ax.plot(rung.loss, row, "o", color=TRAIN)
        if rung.order <= 2:
            text = f"{rung.loss:.2f} nats · {rung.choices:.1f} characters"
            label = ax.annotate(text, (rung.loss, row), (9, 0), **BESIDE, fontsize=8.5)
            label.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1})
        if yours is not None and rung.name == yours.name:
            ax.plot(yours.loss, row, "o", color=VAL, fillstyle="none", markersize=11)
    if FAMILY in rows:
        _counted(ax, rows.index(FAMILY), [rung for rung in rungs if rung.order])
    lowest = min(rung.loss for rung in rungs)
    near = [reference for reference in REFERENCES if reference[1] > lowest - 0.45]
    for text, loss, line in near:
        ax.axvline(loss, color=GREY, linewidth=0.9, linestyle=line)
        # Beside its line, where the first rungs leave space.
        place = {"color": GREY, "fontsize": 7.5, "rotation": 90, "va": "top"}
        ax.text(loss - 0.015, -0.4, text, ha="right", **place)
    ax.set_yticks(range(len(rows)), rows)
    ax.set_ylim(len(rows) - 0.5, -0.6)
    lowest = min([lowest, *(loss for _, loss, _ in near)])
    ax.set_xlim(lowest - 0.25, UNIFORM + 1.3)
    ax.grid(axis="y", visible=False)
    ax.set_xlabel(
        "← better     loss on the whole validation split (nats per character)"
    )
    return fig


def _counted(ax: Axes, row: int, rungs: Sequence[Rung]) -> None:
    """Draw n-gram counts in one row, n above each dot; 1 and 2 have own rows, too."""
    ax.plot([r.loss for r in rungs], [row] * len(rungs), color=GREY, lw=0.9, zorder=1)
    best = min(rungs, key=lambda rung: rung.loss)
    for rung in rungs:
        if rung.order <= 2:
            ax.plot(rung.loss, row, "o", color=GREY, markersize=4)
        # The two longest lie close together.
        side = "right" if rung is best else "center"
        place = {"xytext": (0, 5), "textcoords": "offset points", "ha": side}
        at = rung.loss, row
        ax.annotate(rung.order, at, **place, fontsize=7.5, color="0.3")
    text = f"n = {best.order}: {best.loss:.2f} nats · {best.choices:.1f} characters"
    ax.annotate(text, (rungs[0].loss, row), (9, 0), **BESIDE, fontsize=8.5)
