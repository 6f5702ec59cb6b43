"""Finished runs of the lab in one figure. Read next: `training_lab.py`."""

import math
from collections.abc import Sequence
from itertools import cycle
from textwrap import fill

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from gptlib.plots import COLOURS, TRAIN, VAL, label_end


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
        label_end(ax, step, y, text, colour)
        top = y + half
    ax.set(xlabel="step", ylabel=f"loss (nats per {records[0].unit})")
    ax.set_xlim(0, max(record.checks[-1].step for record in records) * 1.28)
    return ax
