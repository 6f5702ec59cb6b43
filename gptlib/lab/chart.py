"""What the lab's chart is made of: numbers for the browser, a picture to be stored.

The browser draws (`static/lab.js`). It is told only what is new, so that watching a
training costs it next to nothing. Read next: `panel.py`, which sends it.
"""

import io
import math
from collections.abc import Sequence
from statistics import fmean

from gptlib.lab.run import WORDS, Record, settled

MOST_POINTS = 1200  # per line; more would not be visible at any width


class Series:
    """Means of equal stretches of a growing list of numbers, at most MOST_POINTS."""

    def __init__(self):
        self.stride, self.means = 1, []
        self._open: list[float] = []
        self.sent = 0

    def extend(self, values: Sequence[float]) -> None:
        for value in values:
            self._open.append(value)
            if len(self._open) == self.stride:
                self.means.append(float(f"{fmean(self._open):.4g}"))
                self._open.clear()
            if len(self.means) == MOST_POINTS:
                self._halve()

    def _halve(self) -> None:
        pairs = zip(self.means[::2], self.means[1::2], strict=True)
        self.means = [float(f"{(a + b) / 2:.4g}") for a, b in pairs]
        self.stride, self.sent = 2 * self.stride, 0

    def news(self) -> dict | None:
        """The means that have not been told yet; None if there are none."""
        if self.sent == len(self.means):
            return None
        first, self.sent = self.sent, len(self.means)
        return {"stride": self.stride, "from": first, "means": self.means[first:]}


class Feed:
    """Tells what has been added to a record since it was last asked."""

    def __init__(self, record: Record):
        self.record = record
        self.series = {"loss": Series(), "lr": Series(), "norm": Series()}
        self._steps = self._rows = self._turns = 0

    def news(self, *, whole: bool = False) -> dict:
        """Return what is new; with whole, everything."""
        record = self.record
        if whole:
            self._rows = self._turns = 0
            for series in self.series.values():
                series.sent = 0
        new = record.history[self._steps :]
        columns = {
            "loss": [step.loss for step in new],
            "lr": [step.lr for step in new],
            "norm": record.norms[self._steps : self._steps + len(new)],
        }
        self._steps += len(new)
        told: dict = {}
        for name, series in self.series.items():
            series.extend(columns[name])
            if series.sent != len(series.means):
                told[name] = series.news()
        if self._rows < len(record.checks) or whole:
            told["checks"] = {"from": self._rows, "rows": rows(record, self._rows)}
            self._rows = len(record.checks)
        if self._turns != len(record.turns) or whole:
            told["turns"] = turns(record)
            self._turns = len(record.turns)
        return told


def rows(record: Record, first: int = 0) -> list[list]:
    """One row a check: step, train, val, mean batch loss since the last, rate, norm."""
    found = []
    for i, check in enumerate(record.checks[first:], first):
        before = record.checks[i - 1].step if i else 0
        steps = record.history[before : check.step]
        norms = record.norms[before : check.step]
        extra = [fmean(s.loss for s in steps), steps[-1].lr] if steps else [None, None]
        norm = fmean(norms) if norms else None
        found.append([check.step, check.train, check.val, *extra, norm])
    return found


def turns(record: Record) -> list[list]:
    """Step and words of each turned knob, without those that were passing through."""
    return [
        [turn.step, f"{WORDS[turn.knob]} {turn.value:.3g}"]
        for turn in settled(record.turns, record.steps // 50)
    ]


def kept_run(record: Record) -> dict:
    """All that the browser shows of a kept run."""
    best = record.best
    return {
        "name": record.name,
        "steps": record.steps,
        "done": max(len(record.history), record.checks[-1].step),
        "rows": rows(record),
        "turns": turns(record),
        "best": [best.step, best.val],
        "whole": record.whole_val,
    }


def picture(record: Record, kept: Sequence[Record] = ()) -> tuple[bytes, str]:
    """Draw the runs for a viewer without a kernel: a PNG, and words that tell it."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from gptlib.lab.figure import lab_runs
    from gptlib.plots import STYLE

    runs = [*kept, record] if record.checks else list(kept)
    # No pyplot: the picture may be drawn in the training's thread.
    with rc_context(STYLE):
        figure = Figure(figsize=(7.2, 3.6))
        canvas = FigureCanvasAgg(figure)
        ax = figure.add_subplot()
        if runs:
            lab_runs(runs, train=len(runs) == 1, ax=ax)
        else:
            _nothing_yet(ax, record)
        file = io.BytesIO()
        canvas.print_png(file)
    return file.getvalue(), words(record, runs)


def _nothing_yet(ax, record: Record) -> None:
    ax.set(xlim=(0, record.steps), ylim=(1, math.log(65) + 0.2))
    ax.set(xlabel="step", ylabel=f"loss (nats per {record.unit})")
    what = "train and val will be drawn here\nwhile you turn the knobs"
    ax.text(0.5, 0.5, what, transform=ax.transAxes, ha="center", va="center")


def words(record: Record, runs: Sequence[Record]) -> str:
    """What the picture shows, for somebody who does not see it."""
    if not runs:
        return "The training lab before its first step: an empty chart of loss by step."
    told = [_curve(run) for run in runs]
    return f"Loss by step, nats per {record.unit}. " + " ".join(told)


def _curve(run: Record) -> str:
    best, last = run.best, run.checks[-1]
    ends = f"val {last.val:.2f} and train {last.train:.2f} at step {last.step:,}"
    lowest = (
        "" if best == last else f"; lowest val {best.val:.2f} at step {best.step:,}"
    )
    return f"{run.name or run.settings()}: {ends}{lowest}."
