"""The training lab: steer a training while it runs, and compare what comes of it.

    lab = TrainingLab(model, data, TrainConfig(steps=1500, schedule="constant"))
    lab.show()                      # sliders, buttons and a live chart
    lab.start(); lab.wait(steps=300); lab.set(dropout=0.4); lab.wait()

The training runs in a thread, so that the cell returns at once and sliders act
while it runs. `run.py` holds one run, `runner.py` the thread, `chart.py` and
`panel.py` what is seen of it.
"""

import atexit
import copy
import threading
import weakref
from contextlib import AbstractContextManager

from torch import nn

from gptlib.data import TokenSplits
from gptlib.errors import require_int
from gptlib.evaluation import check_tokens
from gptlib.lab.chat import ChatBox as ChatBox
from gptlib.lab.panel import Panel
from gptlib.lab.playground import Playground as Playground
from gptlib.lab.run import Record, Run, first_knobs
from gptlib.lab.runner import OVER, PAUSED, READY, RUNNING, Runner
from gptlib.model import copy_weights
from gptlib.training import Knobs, TrainConfig, train

DEFAULT = TrainConfig(steps=1500, schedule="constant", warmup=0.03)

_of_model: weakref.WeakValueDictionary = weakref.WeakValueDictionary()
_of_cell: dict[str, tuple] = {}  # cell -> the request that ran it, the labs it showed
_runners: weakref.WeakSet = weakref.WeakSet()


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
        self.config = DEFAULT if config is None else config
        # Refused before another lab of this model is ended.
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
        """Train, or train on; returns at once.

        With steps, pause after so many, counted from now; without, go to the end.
        Raises ValueError when the run is over.
        """
        if steps is not None:
            require_int("steps", steps, 1)
        self._runner.start(steps)
        self._drawn()

    def step(self) -> None:
        """Take a single step, then pause."""
        self._runner.pause()
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
        self._take_over()
        with self.between_steps():
            self.model.load_state_dict(self._first_weights)
        self._notice = ""
        self._prepare(self.knobs)
        self._drawn()

    def set(self, **knobs: float) -> None:
        """Turn dropout, lr_scale or weight_decay, from the next step on.

        Raises TypeError or ValueError, changing nothing, for what is no such value.
        """
        with self._setting:
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
        """Leave this run's curve in the chart; name defaults to its settings.

        A run kept before under the same name gives way.
        """
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

    def forget_panel(self) -> None:
        """Take the panel's widgets away; `show` would make new ones."""
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

    def _take_over(self) -> None:
        """End the lab that has this lab's model now, if it is another."""
        other = _of_model.get(id(self.model))
        if other is not None and other is not self:
            other.close("another lab trains its model now")
        _of_model[id(self.model)] = self

    def _prepare(self, knobs: dict[str, float]) -> None:
        self._run = Run(self.model, self.data, self.config, knobs)
        self._runner = Runner(self._run.advance, self._run.finish)
        self._listen()
        _runners.add(self._runner)
        # The thread knows nothing of its lab, so that one that nobody has any more
        # can be collected; then the thread ends.
        weakref.finalize(self, _end, weakref.ref(self._runner)).atexit = False

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


def _end(known: weakref.ref) -> None:
    runner = known()
    if runner is not None:
        runner.stop(measure=False, wait=False)


@atexit.register
def _end_all() -> None:
    for runner in list(_runners):
        runner.stop(measure=False)


def _end_earlier_labs_of_this_cell(lab: TrainingLab) -> None:
    """Running a cell again takes its output away, so what it showed must end."""
    cell, message = _cell_and_message()
    if cell is None:
        return
    known, labs = _of_cell.get(cell, (None, ()))
    if known != message:
        for old in list(labs):
            if old is not lab:
                old.close("its cell was run again")
                old.forget_panel()
        labs = weakref.WeakSet()
    labs.add(lab)
    _of_cell[cell] = (message, labs)


def _cell_and_message() -> tuple[str | None, str | None]:
    """Which cell is being run, by which request, where the front end tells."""
    from IPython import get_ipython

    kernel = getattr(get_ipython(), "kernel", None)
    if kernel is None:
        return None, None
    parent = kernel.get_parent("shell")
    return parent.get("metadata", {}).get("cellId"), parent["header"]["msg_id"]


def _shown(loss: float | None) -> str:
    return "" if loss is None else f"{loss:.3f}"
