"""The training lab's view in a notebook: sliders, buttons, chart, sample, table.

Buttons and sliders call the lab, and `draw` shows its state. `draw` is called from the
training's thread, so it must never print. Read next: `chart.py`.
"""

import html
import math
import threading
import time

import ipywidgets as widgets

from gptlib.lab.chart import draw
from gptlib.lab.view import TEXT, View, preformatted

SECONDS_BETWEEN_DRAWINGS = 0.25
CELL = "padding:1px 14px 1px 0;text-align:left"


class Panel(View):
    """The view of one `TrainingLab`."""

    fallback = "A live lab: run this cell in JupyterLab to steer the training."

    def __init__(self, lab):
        self.lab = lab
        self._drawn_at = 0.0
        self._drawing = threading.Lock()
        self._showing = threading.local()  # .now: code moves a slider, not the reader
        self.sliders = {
            "dropout": _slider(widgets.FloatSlider, "dropout", 0.0, 0.6, 0.05, ".2f"),
            "lr_scale": _slider(widgets.FloatLogSlider, "rate ×", -1, 1, 0.1, ".2f"),
            "weight_decay": _slider(
                widgets.FloatSlider, "weight decay", 0.0, 2.0, 0.05, ".2f"
            ),
        }
        for knob, slider in self.sliders.items():
            slider.observe(lambda change, knob=knob: self._moved(knob), "value")
        self.buttons = {
            name: widgets.Button(
                description=name,
                tooltip=tooltip,
                button_style="primary" if name == "Start" else "",
                layout=widgets.Layout(width="auto"),
            )
            for name, tooltip in BUTTONS.items()
        }
        for name, button in self.buttons.items():
            button.on_click(lambda _, name=name: self._pressed(name))
        parts = [widgets.HTML() for _ in range(5)]
        self.message, self.chart, self.status, self.sample, self.table = parts
        controls = [*self.buttons.values(), *self.sliders.values()]
        wrap = widgets.Layout(flex_flow="row wrap", align_items="center")
        self.view = widgets.VBox([widgets.HBox(controls, layout=wrap), *parts])

    def draw(self, *, now: bool = True) -> None:
        """Show the lab's state; with now=False at most four times per second."""
        if not now and time.monotonic() - self._drawn_at < SECONDS_BETWEEN_DRAWINGS:
            return
        with self._drawing:
            self._drawn_at = time.monotonic()
            self._draw()

    def _draw(self) -> None:
        lab = self.lab
        self.chart.value = draw(lab.record, lab.kept)
        self.status.value = f"<div style='{TEXT}'>{html.escape(lab.status())}</div>"
        self.message.value = _message(lab.trouble)
        self.sample.value = preformatted(html.escape(lab.record.sample))
        self.table.value = _table(lab.ranking())
        for name, enabled in lab.enabled().items():
            self.buttons[name].disabled = not enabled

    def show_knobs(self, knobs: dict[str, float]) -> None:
        """Move the sliders to the values of the knobs."""
        self._showing.now = True
        try:
            for knob, value in knobs.items():
                slider = self.sliders[knob]
                at = math.log10(max(value, 1e-3)) if knob == "lr_scale" else value
                slider.min, slider.max = min(slider.min, at), max(slider.max, at)
                slider.value = value
        finally:
            self._showing.now = False

    def close(self) -> None:
        """Remove the widgets: the kernel would keep them, and with them the lab."""
        controls = [*self.buttons.values(), *self.sliders.values()]
        for widget in (*controls, *self.view.children, self.view):
            widget.close()

    def _moved(self, knob: str) -> None:
        if not getattr(self._showing, "now", False):
            self.lab.set(**{knob: self.sliders[knob].value})

    def _pressed(self, name: str) -> None:
        lab = self.lab
        actions = {
            "Start": lab.start,
            "Pause": lab.pause,
            "Step": lab.step,
            "Stop": lambda: lab.stop(wait=False),
            "Reset": lab.reset,
            "Keep this run": lab.keep,
        }
        try:
            actions[name]()
        except ValueError as error:
            self.message.value = _message(str(error))


BUTTONS = {
    "Start": "start or resume the training",
    "Pause": "pause after this step; Start resumes",
    "Step": "take one step",
    "Stop": "end this run and measure the whole validation split",
    "Reset": "go back to the first weights, for another run on the same batches",
    "Keep this run": "keep its curve in the chart for comparison",
}


def _slider(kind, name: str, low, high, step, shown: str):
    return kind(
        min=low,
        max=high,
        step=step,
        description=name,
        readout_format=shown,
        continuous_update=False,
        layout=widgets.Layout(width="235px"),
        style={"description_width": "initial"},
    )


def _message(text: str) -> str:
    if not text:
        return ""
    style = f"{TEXT};color:#A33B00;padding:2px 0"
    return f"<div style='{style}'><b>{html.escape(text)}</b></div>"


def _table(rows: list[dict]) -> str:
    if not rows:
        return ""
    head = "".join(f"<th style='{CELL}'>{name}</th>" for name in rows[0])
    lines = [
        "".join(f"<td style='{CELL}'>{html.escape(str(v))}</td>" for v in row.values())
        for row in rows
    ]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table style='{TEXT}'><tr>{head}</tr>{body}</table>"
