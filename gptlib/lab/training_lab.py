"""The training lab: steer a training while it runs, and compare several runs.

The training runs in a thread, so that a cell returns at once and sliders act during
the run. Read next: `run.py` (one run), `runner.py` (the thread), `panel.py` (the view).
"""

import atexit
import copy
import threading
import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager

from torch import nn

from gptlib.data import TokenSplits
from gptlib.errors import require_int
from gptlib.evaluation import check_tokens
from gptlib.lab.panel import Panel
from gptlib.lab.run import Record, Run, first_knobs
from gptlib.lab.runner import OVER, PAUSED, READY, RUNNING, Runner
from gptlib.model import copy_weights
from gptlib.training import Knobs, TrainConfig, train

DEFAULT = TrainConfig(steps=1500, schedule="constant", warmup=0.03)

_lab_of_model: weakref.WeakValueDictionary = weakref.WeakValueDictionary()
_labs_of_cell: dict[str, tuple] = {}  # cell -> (request that ran it, labs it showed)
_runners: weakref.WeakSet = weakref.WeakSet()


class TrainingLab:
    """Trains `model` in a thread, with knobs that act during the run.

        lab = TrainingLab(model, data, TrainConfig(steps=1500, schedule="constant"))
        lab.show()                      # sliders, buttons and a live chart
        lab.start(); lab.wait(steps=300); lab.set(dropout=0.4); lab.wait()

    config: by default a constant rate after a short warm-up; under a falling rate a
    late change of a knob would have little effect. `.record` is the current run,
    `.kept` the runs kept for comparison, `.state` one of "ready", "running", "paused",
    "measuring", "finished", "stopped", "failed". The model is trained in place: use
    `snapshot()` or `between_steps()` to use it during a run. A step restores torch's
    random state, so another cell should draw inside `between_steps()`.
    Raises ValueError or TypeError when model, data and config do not fit together.
    """

    def __init__(
        self, model: nn.Module, data: TokenSplits, config: TrainConfig | None = None
    ):
        self.config = DEFAULT if config is None else config
        # Check everything before the other lab of this model is ended.
        train(model, data, self.config)
        check_tokens(model, data.val, "the validation split", model.block_size + 1)
        self.model, self.data = model, data
        self.kept: list[Record] = []
        self._panel: Panel | None = None
        self._notice = ""
        self._setting = threading.Lock()
        self._take_over()
        self._first_weights = copy_weights(model)
        self._prepare(first_knobs(model, self.config))

    def show(self) -> None:
        """Display the panel; a lab shown by an earlier run of this cell is ended."""
        from IPython.display import display

        if self._panel is None:
            self._panel = Panel(self)
            self._panel.show_knobs(self.knobs)
            self._listen()
        _end_earlier_labs_of_this_cell(self)
        self._panel.draw()
        display(self._panel)

    def start(self, steps: int | None = None) -> None:
        """Start or resume the training; return at once.

        steps: pause after so many more; by default, train to the end.
        Raises ValueError when the run is over.
        """
        if steps is not None:
            require_int("steps", steps, 1)
        self._runner.start(steps)
        self._draw()

    def step(self) -> None:
        """Take one step, then pause."""
        self._runner.pause()
        self.start(steps=1)
        self._runner.wait()
        self._draw()

    def pause(self) -> None:
        """Pause after the current step; `start` resumes."""
        self._runner.pause()
        self._draw()

    def stop(self, *, wait: bool = True) -> None:
        """End the run after the current step and measure the whole val split."""
        self._runner.stop(wait=wait)
        self._draw()

    def reset(self) -> None:
        """Restore the first weights; knobs and kept runs stay, the batches repeat."""
        self._runner.stop(measure=False)
        self._take_over()
        with self.between_steps():
            self.model.load_state_dict(self._first_weights)
        self._notice = ""
        self._prepare(self.knobs)
        self._draw()

    def set(self, **knobs: float) -> None:
        """Set dropout, lr_scale or weight_decay, from the next step on.

        Raises TypeError or ValueError for an impossible value and changes nothing.
        """
        with self._setting:
            checked = vars(Knobs(**self.knobs | knobs))
            if None in checked.values():
                raise ValueError(f"{knobs}: expected a number for each knob")
            self._run.wanted = checked
        if self._panel is not None:
            self._panel.show_knobs(checked)

    def wait(self, steps: int | None = None, timeout: float | None = None) -> None:
        """Wait for so many more steps, or until the lab is not running.

        Interrupting the wait pauses the lab. Raises the error that ended the run, if
        any, and TimeoutError after timeout seconds.
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
            raise TimeoutError(f"no end after {timeout} seconds; it is {self.state}")

    def keep(self, name: str | None = None) -> Record:
        """Keep this run's curve in the chart; name: by default its settings.

        Replaces a kept run of the same name. Raises ValueError before 50 steps.
        """
        with self.between_steps():
            record = copy.deepcopy(self.record)
        if not record.checks:
            raise ValueError("nothing to keep yet: train for at least 50 steps")
        record.name = record.settings() if name is None else name
        self.kept = [old for old in self.kept if old.name != record.name] + [record]
        self._draw()
        return record

    def snapshot(self) -> nn.Module:
        """Return a copy of the model, taken between two steps, in eval mode."""
        with self.between_steps():
            return copy.deepcopy(self.model).eval()

    def between_steps(self) -> AbstractContextManager[None]:
        """Hold the training between two steps while a `with` block uses the model."""
        return self._runner.between_steps()

    def close(self, reason: str = "") -> None:
        """End the thread without measuring; keep the record."""
        self._runner.stop(measure=False)
        self._notice = f"This lab has ended: {reason}." if reason else ""
        self._draw()

    def remove_panel(self) -> None:
        """Remove the panel's widgets; `show` makes new ones."""
        if self._panel is not None:
            self._panel.close()
            self._panel = None

    @property
    def record(self) -> Record:
        return self._run.record

    @property
    def state(self) -> str:
        return self._runner.state

    @property
    def knobs(self) -> dict[str, float]:
        """The knobs, as last set."""
        return dict(self._run.wanted)

    @property
    def trouble(self) -> str:
        """A message about what went wrong; empty if nothing did."""
        error = self._runner.error
        return self._notice if error is None else f"{type(error).__name__}: {error}"

    def status(self) -> str:
        """One line: state, step, gap, speed, time left."""
        record, run = self.record, self._run
        words = [self.state, f"step {len(record.history):,} of {self.config.steps:,}"]
        if record.checks:
            words.append(f"gap {record.checks[-1].gap:+.3f}")
        if self.state == RUNNING and record.history:
            words.append(f"{run.tokens_per_second():,.0f} tokens/s")
            words.append(f"{run.seconds_left() / 60:.1f} minutes left")
        if record.whole_val is not None:
            words.append(f"whole validation split {record.whole_val:.3f}")
        return " · ".join(words)

    def ranking(self) -> list[dict]:
        """The rows of a table of kept runs, lowest val first, then smallest gap."""
        ordered = sorted(self.kept, key=lambda r: (r.best.val, r.best.gap))
        return [
            {
                "run": run.name,
                "steps": len(run.history),
                "best val": f"{run.best.val:.3f}",
                "at step": run.best.step,
                "gap there": f"{run.best.gap:+.3f}",
                "gap at the end": f"{run.checks[-1].gap:+.3f}",
                "whole val": "" if run.whole_val is None else f"{run.whole_val:.3f}",
            }
            for run in ordered
        ]

    def enabled(self) -> dict[str, bool]:
        """For each button, whether it has an effect now."""
        can_start = self.state in (READY, PAUSED)
        return {
            "Start": can_start,
            "Pause": self.state == RUNNING,
            "Step": can_start,
            "Stop": self.state not in OVER,
            "Reset": True,
            "Keep this run": bool(self.record.checks),
        }

    def _take_over(self) -> None:
        """End another lab that trains this lab's model."""
        other = _lab_of_model.get(id(self.model))
        if other is not None and other is not self:
            other.close("another lab trains its model now")
        _lab_of_model[id(self.model)] = self

    def _prepare(self, knobs: dict[str, float]) -> None:
        self._run = Run(self.model, self.data, self.config, knobs)
        self._runner = Runner(self._run.advance, self._run.finish)
        self._listen()
        _runners.add(self._runner)
        # The thread holds no reference to the lab, so that an unused lab can be
        # collected; then its thread ends.
        stop = _weak(self._runner.stop)
        finalizer = weakref.finalize(self, stop, measure=False, wait=False)
        finalizer.atexit = False

    def _listen(self) -> None:
        if self._panel is not None:
            self._runner.changed = _weak(self._panel.draw)

    def _draw(self) -> None:
        if self._panel is not None:
            self._panel.draw()


def _weak(method: Callable) -> Callable[..., None]:
    """Call a method as long as its object exists, without keeping it alive."""
    known = weakref.WeakMethod(method)

    def call(**settings) -> None:
        method = known()
        if method is not None:
            method(**settings)

    return call


@atexit.register
def _end_all() -> None:
    for runner in list(_runners):
        runner.stop(measure=False)


def _end_earlier_labs_of_this_cell(lab: TrainingLab) -> None:
    """Running a cell again removes its output, so the labs shown there must end."""
    cell, message = _cell_and_message()
    if cell is None:
        return
    known, labs = _labs_of_cell.get(cell, (None, ()))
    if known != message:
        for old in list(labs):
            if old is not lab:
                old.close("its cell was run again")
                old.remove_panel()
        labs = weakref.WeakSet()
    labs.add(lab)
    _labs_of_cell[cell] = (message, labs)


def _cell_and_message() -> tuple[str | None, str | None]:
    """The ids of the running cell and of its request, if the front end sends them."""
    from IPython import get_ipython

    kernel = getattr(get_ipython(), "kernel", None)
    if kernel is None:
        return None, None
    parent = kernel.get_parent("shell")
    return parent.get("metadata", {}).get("cellId"), parent["header"]["msg_id"]
