"""The training lab: steer a training while it runs, and compare what comes of it.

    lab = TrainingLab(model, data, TrainConfig(steps=1500, schedule="constant"))
    lab.show()                      # sliders, buttons and a live chart
    lab.start(); lab.wait(steps=300); lab.set(dropout=0.4); lab.wait()

The training runs in a thread, so that the cell returns at once and sliders act
while it runs. `run.py` holds one run, `runner.py` the thread, `chart.py` and
`panel.py` what is seen of it.
"""

import copy
import weakref
from contextlib import AbstractContextManager

from torch import nn

from gptlib.data import TokenSplits
from gptlib.errors import require_int
from gptlib.lab.panel import Panel
from gptlib.lab.run import Record, Run, copy_weights, first_knobs
from gptlib.lab.runner import OVER, PAUSED, READY, RUNNING, Runner
from gptlib.training import Knobs, TrainConfig

DEFAULT = TrainConfig(steps=1500, schedule="constant", warmup=0.03)

_of_model: weakref.WeakValueDictionary = weakref.WeakValueDictionary()
_of_cell: weakref.WeakValueDictionary = weakref.WeakValueDictionary()


class TrainingLab:
    """Trains `model` in the background; knobs, runs and a panel to show it all.

    config defaults to a constant rate after a short warm-up: under a falling rate,
    turning a knob late would change little. `.record` is the present run, `.kept`
    the runs kept for comparison, `.state` one of "ready", "running", "paused",
    "measuring", "finished", "stopped", "failed". The model is trained in place: use
    `snapshot()` or `between_steps()` to look at it meanwhile. A step draws from
    torch's random numbers and puts them back; whoever draws at the same moment from
    another cell without `between_steps()` disturbs both.
    Raises ValueError or TypeError when model, data and config do not fit together.
    """

    def __init__(
        self, model: nn.Module, data: TokenSplits, config: TrainConfig | None = None
    ):
        _replace(_of_model, id(model), self, "another lab trains its model now")
        self.model, self.data = model, data
        self.config = DEFAULT if config is None else config
        self.kept: list[Record] = []
        self._first_weights = copy_weights(model)
        self._panel: Panel | None = None
        self._notice = ""
        self._prepare(first_knobs(model, self.config))

    def show(self) -> None:
        """Display the panel; a lab shown by an earlier run of this cell is ended."""
        from IPython.display import display

        if self._panel is None:
            self._panel = Panel(self)
            self._panel.show_knobs(self.knobs)
            self._listen()
        cell = _cell_id()
        if cell is not None:
            _replace(_of_cell, cell, self, "its cell was run again")
        self._panel.draw()
        display(self._panel)

    def start(self, steps: int | None = None) -> None:
        """Train, or train on; returns at once. With steps, pause after so many.

        Raises ValueError when the run is over.
        """
        if steps is not None:
            require_int("steps", steps, 1)
        self._runner.start(steps)
        self._drawn()

    def step(self) -> None:
        """Take a single step, then pause."""
        self.start(steps=1)
        self._runner.wait()
        self._drawn()

    def pause(self) -> None:
        """Stop after the step under way; `start` goes on."""
        self._runner.pause()
        self._drawn()

    def stop(self, *, wait: bool = True) -> None:
        """End the run after the step under way and measure the whole val split."""
        self._runner.stop(wait=wait)
        self._drawn()

    def reset(self) -> None:
        """Back to the first weights; knobs and kept runs stay, batches repeat."""
        self._runner.stop(measure=False)
        self.model.load_state_dict(self._first_weights)
        self._notice = ""
        self._prepare(self.knobs)
        self._drawn()

    def set(self, **knobs: float) -> None:
        """Turn dropout, lr_scale or weight_decay, from the next step on.

        Raises TypeError or ValueError, changing nothing, for what is no such value.
        """
        checked = vars(Knobs(**self.knobs | knobs))
        if None in checked.values():
            raise ValueError(f"{knobs}: expected a number for each knob")
        self._run.wanted = checked
        if self._panel is not None:
            self._panel.show_knobs(checked)

    def wait(self, steps: int | None = None, timeout: float | None = None) -> None:
        """Wait for so many more steps, or until nothing runs.

        Interrupting the wait pauses the lab. Raises what ended the run if that was
        an error, TimeoutError after timeout seconds.
        """
        if steps is not None:
            require_int("steps", steps, 1)
        try:
            reached = self._runner.wait(steps, timeout)
        except KeyboardInterrupt:
            self.pause()
            raise
        if self._runner.error is not None:
            raise self._runner.error
        if not reached:
            raise TimeoutError(f"not there after {timeout} seconds; it is {self.state}")

    def keep(self, name: str | None = None) -> Record:
        """Leave this run's curve in the chart; name defaults to its settings."""
        with self.between_steps():
            record = copy.deepcopy(self.record)
        if not record.checks:
            raise ValueError("nothing to keep yet: train for at least 50 steps")
        record.name = record.settings() if name is None else name
        self.kept = [old for old in self.kept if old.name != record.name] + [record]
        self._drawn()
        return record

    def snapshot(self) -> nn.Module:
        """A copy of the model as it is between two steps, in eval mode."""
        with self.between_steps():
            return copy.deepcopy(self.model).eval()

    def between_steps(self) -> AbstractContextManager[None]:
        """with lab.between_steps(): no step is taken, the model is yours."""
        return self._runner.between_steps()

    def close(self, reason: str = "") -> None:
        """End the thread without measuring; the record stays."""
        self._runner.stop(measure=False)
        self._notice = f"This lab is over: {reason}." if reason else ""
        self._drawn()

    @property
    def record(self) -> Record:
        return self._run.record

    @property
    def state(self) -> str:
        return self._runner.state

    @property
    def knobs(self) -> dict[str, float]:
        """The knobs as last set."""
        return dict(self._run.wanted)

    @property
    def trouble(self) -> str:
        """What went wrong, in words; empty when nothing did."""
        error = self._runner.error
        return self._notice if error is None else f"{type(error).__name__}: {error}"

    def status(self) -> str:
        """One line: state, step, losses, speed, time left."""
        record, run = self.record, self._run
        words = [self.state, f"step {len(record.history):,} of {self.config.steps:,}"]
        if record.checks:
            last = record.checks[-1]
            words.append(f"gap {last.gap:+.3f}")
        if self.state == RUNNING and record.history:
            words.append(f"{run.tokens_per_second():,.0f} tokens/s")
            words.append(f"{run.seconds_left() / 60:.1f} minutes left")
        if record.whole_val is not None:
            words.append(f"whole validation split {record.whole_val:.3f}")
        return " · ".join(words)

    def ranking(self) -> list[dict]:
        """The kept runs, best val first, smaller gap first among equals."""
        ordered = sorted(self.kept, key=lambda r: (r.best.val, r.best.gap))
        return [
            {
                "run": record.name,
                "steps": len(record.history),
                "best val": f"{record.best.val:.3f}",
                "at step": record.best.step,
                "gap there": f"{record.best.gap:+.3f}",
                "gap at the end": f"{record.checks[-1].gap:+.3f}",
                "whole val at the end": _shown(record.whole_val),
            }
            for record in ordered
        ]

    def possible(self) -> list[str]:
        """The buttons that would do something now."""
        state = self.state
        names = ["Reset"]
        if state in (READY, PAUSED):
            names += ["Start", "Step"]
        if state == RUNNING:
            names += ["Pause"]
        if state not in OVER:
            names += ["Stop"]
        if self.record.checks:
            names += ["Keep this run"]
        return names

    def _prepare(self, knobs: dict[str, float]) -> None:
        self._run = Run(self.model, self.data, self.config, knobs)
        self._runner = Runner(self._run.advance, self._run.finish)
        self._listen()
        # The thread knows nothing of the lab, so that a forgotten lab ends its own.
        weakref.finalize(self, self._runner.stop, measure=False)

    def _listen(self) -> None:
        if self._panel is not None:
            self._runner.changed = _weak_drawing(self._panel)

    def _drawn(self) -> None:
        if self._panel is not None:
            self._panel.draw()


def _weak_drawing(panel: Panel):
    """Draw the panel as long as there is one."""
    known = weakref.ref(panel)

    def draw(*, now: bool) -> None:
        panel = known()
        if panel is not None:
            panel.draw(now=now)

    return draw


def _replace(labs, key, lab: TrainingLab, reason: str) -> None:
    old = labs.get(key)
    if old is not None and old is not lab:
        old.close(reason)
    labs[key] = lab


def _cell_id() -> str | None:
    """Which cell is being run, where the front end tells."""
    from IPython import get_ipython

    shell = get_ipython()
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return None
    return kernel.get_parent("shell").get("metadata", {}).get("cellId")


def _shown(loss: float | None) -> str:
    return "" if loss is None else f"{loss:.3f}"
