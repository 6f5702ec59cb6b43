"""The training lab: steer a training while it runs, and compare several runs.

The training runs in a thread, so that a cell returns at once and sliders act during
the run. Read next: `run.py` (one run), `runner.py` (the thread), `panel.py` (the view).
"""

import copy
import weakref
from contextlib import AbstractContextManager
from threading import Lock

from torch import nn

from gptlib.data import TokenSplits
from gptlib.errors import require_int
from gptlib.evaluation import check_tokens
from gptlib.lab.cells import earlier_of_this_cell, show_in_this_cell
from gptlib.lab.kept import KeptRuns
from gptlib.lab.panel import Panel
from gptlib.lab.run import Record, Run, first_knobs
from gptlib.lab.runner import MEASURING, PAUSED, RUNNING, Runner, weak
from gptlib.lab.serving import Interrupted, served_messages
from gptlib.model import copy_weights
from gptlib.training import Knobs, TrainConfig, train

DEFAULT = TrainConfig(steps=1500, schedule="constant", warmup=0.03)

_lab_of_model: weakref.WeakValueDictionary = weakref.WeakValueDictionary()


ADOPTED = ("model", "data", "config", "kept")
ADOPTED += ("_first_weights", "_first_knobs", "_run", "_runner", "_notice")


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
    Running the lab's cell again while it trains leaves the choice to the reader: the
    panel offers the running lab, which this object then is, or to start anew, as
    `start()` does.
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
        self.kept = KeptRuns()
        self._panel: Panel | None = None
        self._notice = ""
        self._setting = Lock()
        self._finalizer: weakref.finalize | None = None
        self._first_weights = copy_weights(model)
        self._first_knobs = first_knobs(model, self.config)
        self._earlier = self._lab_to_choose()
        if self._earlier is None:
            self._take_over()
        self._prepare(self._first_knobs)

    def show(self) -> None:
        """Display the panel; what this cell showed before ends, or is offered."""
        if self._panel is None:
            self._panel = Panel(self)
            self._listen()
        replaced = show_in_this_cell(self)
        chosen = [lab._earlier or lab for lab in replaced if lab._earlier or lab.begun]
        if chosen and self._earlier is None:
            self._earlier = chosen[-1]
        for old in {*replaced, *chosen} - {self, self._earlier}:
            old._retire()
        self._panel.show()

    def start(self, steps: int | None = None) -> None:
        """Start or resume the training; return at once.

        steps: pause after so many more; by default, train to the end.
        Raises ValueError when the run is over.
        """
        if steps is not None:
            require_int("steps", steps, 1)
        self._end_earlier()
        self._runner.start(steps)
        self._draw()

    def resume(self, steps: int | None = None) -> None:
        """Continue a paused run to where it was to pause; steps: look up on the way."""
        self._end_earlier()
        if steps is not None:
            self._runner.pause(hold=True)
        self._runner.resume(steps)
        self._draw()

    def step(self) -> None:
        """Take one step, then pause."""
        self._runner.pause()
        self.start(steps=1)
        self._runner.wait()
        self._draw()

    def pause(self, *, hold: bool = False) -> None:
        """Pause after the current step; `start` resumes.

        hold: a cell that waits goes on waiting, until somebody resumes the run.
        """
        self._runner.pause(hold=hold)
        self._draw()

    def stop(self, *, wait: bool = True) -> None:
        """End the run after the current step and measure the whole val split."""
        self._runner.stop(wait=wait)
        self._draw()

    def reset(self) -> None:
        """Restore the first weights and knobs; kept runs stay, the batches repeat."""
        self._end_earlier()
        self._runner.stop(measure=False)
        self._take_over()
        self._begin_anew()

    def set(self, **knobs: float) -> None:
        """Set dropout, lr_scale or weight_decay, from the next step on.

        Raises TypeError or ValueError for an impossible value and changes nothing.
        """
        with self._setting:
            checked = vars(Knobs(**self.knobs | knobs))
            if None in checked.values():
                raise ValueError(f"{knobs}: expected a number for each knob")
            self._run.wanted = checked
        self._draw()

    def wait(self, steps: int | None = None, timeout: float | None = None) -> None:
        """Wait for so many more steps, or until the lab is not running.

        Sliders and buttons act meanwhile; after a Pause by hand it goes on waiting.
        Interrupting the wait pauses the lab. Raises the error that ended the run, if
        any, and TimeoutError after timeout seconds.
        """
        if steps is not None:
            require_int("steps", steps, 1)
        try:
            with served_messages() as serve:
                reached = self._runner.wait(steps, timeout, serve)
        except KeyboardInterrupt:
            self.pause()
            step = len(self.record.history)
            message = f"Interrupted: the training is paused after step {step:,}."
            raise Interrupted(message) from None
        if isinstance(self._runner.error, Exception):  # SystemExit only ends the run
            raise self._runner.error
        if not reached:
            raise TimeoutError(f"no end after {timeout} seconds; it is {self.state}")
        self._store_picture()

    def keep(self, name: str | None = None) -> Record:
        """Keep this run's curve in the chart; name: by default its settings.

        Replaces a kept run of the same name. Raises ValueError before 50 steps.
        """
        with self.between_steps():
            record = copy.deepcopy(self.record)
        if not record.checks:
            raise ValueError("nothing to keep yet: train for at least 50 steps")
        record.name = record.settings() if name is None else name
        self.compare(record)
        return record

    def compare(self, record: Record) -> None:
        """Show a run that another lab has kept, as if this one had kept it."""
        self.kept.add(record)
        self._draw()
        self._store_picture()

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
    def waited(self) -> bool:
        """Whether a cell waits for a run that was paused by hand."""
        return self._runner.held

    @property
    def begun(self) -> bool:
        """Whether ending the lab now would lose a training."""
        paused = self.state == PAUSED and len(self.record.history) > 0
        return paused or self.state in (RUNNING, MEASURING)

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
        return self.kept.table()

    def offer(self) -> str:
        """What the reader has to choose about this cell's earlier lab; mostly empty."""
        if self._earlier is None:
            return ""
        earlier = self._earlier
        return f"This cell was run again, and its training is still {earlier.status()}."

    def adopt(self) -> None:
        """Become the lab that this cell showed before, with its training and runs."""
        earlier, self._earlier = self._earlier, None
        if earlier is None:
            return
        self._runner.stop(measure=False)
        for name in ADOPTED:
            setattr(self, name, getattr(earlier, name))
        _lab_of_model[id(self.model)] = self
        for lab in (self, earlier):
            lab._finalizer.detach()
        earlier.remove_panel()
        self._own_runner()
        self._draw()

    def start_anew(self) -> None:
        """End the lab that this cell showed before, and take its place."""
        self._end_earlier()
        self._draw()

    def _lab_to_choose(self) -> "TrainingLab | None":
        """A lab of this model whose training runs, if this cell has shown it."""
        other = _lab_of_model.get(id(self.model))
        shown = other is not None and other in earlier_of_this_cell()
        return other if shown and other.begun else None

    def _end_earlier(self) -> None:
        earlier, self._earlier = self._earlier, None
        if earlier is None:
            return
        earlier._retire()
        if earlier.model is self.model:
            self._first_weights = earlier._first_weights
            self._first_knobs = earlier._first_knobs
            self._take_over()
            self._begin_anew()

    def _retire(self) -> None:
        self.close("its cell was run again")
        self.remove_panel()

    def _take_over(self) -> None:
        """End another lab that trains this lab's model."""
        other = _lab_of_model.get(id(self.model))
        if other is not None and other is not self:
            other.close("another lab trains its model now")
        _lab_of_model[id(self.model)] = self

    def _begin_anew(self) -> None:
        with self.between_steps():
            self.model.load_state_dict(self._first_weights)
            self.model.dropout = self._first_knobs["dropout"]
        self._notice = ""
        self._prepare(self._first_knobs)
        self._draw()

    def _prepare(self, knobs: dict[str, float]) -> None:
        self._run = Run(self.model, self.data, self.config, dict(knobs))
        self._runner = Runner(self._run.advance, self._run.finish)
        self._own_runner()

    def _own_runner(self) -> None:
        """The thread holds no reference to the lab: collecting the lab ends it."""
        self._listen()
        stop = weak(self._runner.stop)
        self._finalizer = weakref.finalize(self, stop, measure=False, wait=False)
        self._finalizer.atexit = False

    def _listen(self) -> None:
        if self._panel is not None:
            self._runner.changed = weak(self._panel.draw)

    def _draw(self) -> None:
        if self._panel is not None:
            self._panel.draw()

    def _store_picture(self) -> None:
        if self._panel is not None and not self._panel.seen:
            self._panel.store_picture()
