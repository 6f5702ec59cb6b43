"""The training lab's view in a notebook: it tells the browser, and does what it asks.

The browser's part is `static/lab.js`. `draw` is called from the training's thread, so
it must never print. Read next: `chart.py`.
"""

import base64
import threading
import time
from pathlib import Path

import anywidget

from gptlib.lab.chart import Feed, kept_run, picture
from gptlib.lab.runner import OVER, PAUSED, READY, RUNNING

SECONDS_BETWEEN_DRAWINGS = 0.1
STATIC = Path(__file__).parent / "static"
SCRIPTS = ("lab.js", "chart.js", "tools.js")


class Panel(anywidget.AnyWidget):
    """The view of one `TrainingLab`."""

    # One module for the browser, in three files for readers.
    _esm = "\n".join((STATIC / name).read_text("utf-8") for name in SCRIPTS)
    _css = (STATIC / "lab.css").read_text("utf-8")

    def __init__(self, lab):
        super().__init__()
        self.lab = lab
        self.seen = False  # whether a browser has asked for the panel
        self.heard = 0  # number of the last knob the browser has set
        self._drawn_at = 0.0
        self._drawing = threading.Lock()
        self._feed = Feed(lab.record)
        self._told: dict = {}
        self._display = None
        self._stored: tuple | None = None
        self.on_msg(lambda _, content, __: self._asked(content))

    def show(self) -> None:
        """Display the panel below the running cell."""
        from IPython.display import display

        self._stored = self._shape()
        self._display = display(self, display_id=True)

    def draw(self, *, now: bool = True) -> None:
        """Tell the browser what is new; with now=False at most ten times a second."""
        if not now and time.monotonic() - self._drawn_at < SECONDS_BETWEEN_DRAWINGS:
            return
        with self._drawing:
            self._drawn_at = time.monotonic()
            self._tell()

    def _tell(self, *, whole: bool = False) -> None:
        lab = self.lab
        if self._feed.record is not lab.record:
            self._feed, whole = Feed(lab.record), True
        if whole:
            self._told = {}
        news = self._feed.news(whole=whole)
        if whole:
            news |= {"whole": True, "steps": lab.config.steps, "unit": lab.record.unit}
        news |= self._changed("kept", [(id(run), run.name) for run in lab.kept])
        if "kept" in news:
            news["kept"] = [kept_run(run) for run in lab.kept.ranked()]
        for name, value in self._small().items():
            news |= self._changed(name, value)
        self.send(news | {"now": progress(lab)})

    def _small(self) -> dict:
        """What is sent when it has changed."""
        lab = self.lab
        return {
            "state": lab.state,
            "waited": lab.waited,
            "knobs": lab.knobs,
            "heard": self.heard,
            "enabled": enabled(lab),
            "trouble": lab.trouble,
            "offer": lab.offer(),
            "sample": lab.record.sample,
            "name": lab.record.settings(),
        }

    def _changed(self, name: str, value) -> dict:
        if name in self._told and self._told[name] == value:
            return {}
        self._told[name] = value
        return {name: value}

    def _asked(self, content: dict) -> None:
        """Do what somebody asks in the browser; a refusal is shown there."""
        try:
            getattr(self, f"_do_{content['do']}")(content)
        except ValueError as error:
            self.send({"refused": str(error)})

    def _do_hello(self, content: dict) -> None:
        self.seen = True
        with self._drawing:
            self._tell(whole=True)

    def _do_set(self, content: dict) -> None:
        self.heard = content["number"]
        self.lab.set(**{content["knob"]: float(content["value"])})
        self.draw()

    def _do_press(self, content: dict) -> None:
        lab = self.lab
        actions = {
            "Start": lab.resume,
            "Pause": lambda: lab.pause(hold=True),
            "Step": lambda: lab.resume(steps=1),
            "Stop": lambda: lab.stop(wait=False),
            "Reset": lab.reset,
            "Keep this run": lab.keep,
            "Show the running one": lab.adopt,
            "Start anew": lab.start_anew,
        }
        actions[content["button"]]()

    def _do_rename(self, content: dict) -> None:
        self.lab.kept.rename(content["name"], content["to"])
        self.draw()

    def _do_delete(self, content: dict) -> None:
        self.lab.kept.delete(content["name"])
        self.draw()

    def store_picture(self) -> None:
        """Renew what a viewer without a kernel will see, if it has changed."""
        shape = self._shape()
        if self._display is not None and self._stored != shape:
            self._stored = shape
            self._display.update(self)

    def _shape(self) -> tuple:
        lab = self.lab
        return id(lab.record), len(lab.record.checks), [run.name for run in lab.kept]

    def _repr_mimebundle_(self, **kwargs) -> tuple[dict, dict]:
        data, metadata = super()._repr_mimebundle_(**kwargs)
        png, told = picture(self.lab.record, self.lab.kept)
        image = {"image/png": base64.b64encode(png).decode(), "text/plain": told}
        return data | image, metadata | {"image/png": {"alt": told}}


def progress(lab) -> dict:
    """Numbers for the status line: steps, speed, seconds so far and to go."""
    record, run = lab.record, lab._run
    return {
        "step": len(record.history),
        "elapsed": run.wall_seconds,
        "left": run.seconds_left() if record.history else None,
        "speed": run.tokens_per_second(),
        "gap": record.checks[-1].gap if record.checks else None,
        "whole": record.whole_val,
    }


def enabled(lab) -> dict[str, bool]:
    """For each button, whether it has an effect now."""
    can_start = lab.state in (READY, PAUSED)
    return {
        "Start": can_start,
        "Pause": lab.state == RUNNING,
        "Step": can_start,
        "Stop": lab.state not in OVER,
        "Reset": True,
        "Keep this run": bool(lab.record.checks),
    }
