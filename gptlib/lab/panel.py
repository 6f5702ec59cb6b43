"""The lab's controls in a notebook: sliders, buttons, chart, sample, table.

Nothing here decides anything: buttons and sliders call the lab, and `draw` shows
what the lab holds. Called from the training's thread, it must never print.
"""

import html
import math
import threading
import time

import ipywidgets as widgets

from gptlib.lab.chart import draw

SECONDS_BETWEEN_DRAWINGS = 0.25
FALLBACK = "A live lab: run this cell in JupyterLab to steer the training."
TEXT = "font-size:13px;line-height:1.35"
CELL = "padding:1px 14px 1px 0;text-align:left"


class Panel:
    """The view of one `TrainingLab`."""

    def __init__(self, lab):
        self.lab = lab
        self._drawn_at = 0.0
        self._drawing = threading.Lock()
        self._ours = threading.local()  # .now: we move a slider, nobody turned it
        self.sliders = {
            "dropout": _slider(widgets.FloatSlider, "dropout", 0.0, 0.6, 0.05, ".2f"),
            "lr_scale": _slider(widgets.FloatLogSlider, "rate ×", -1, 1, 0.1, ".2f"),
            "weight_decay": _slider(
                widgets.FloatSlider, "weight decay", 0.0, 2.0, 0.05, ".2f"
            ),
        }
        for knob, slider in self.sliders.items():
            slider.observe(lambda change, knob=knob: self._turned(knob), "value")
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
        self.chart, self.status = widgets.HTML(), widgets.HTML()
        self.message, self.table = widgets.HTML(), widgets.HTML()
        self.sample = widgets.HTML()
        controls = [*self.buttons.values(), *self.sliders.values()]
        wrap = widgets.Layout(flex_flow="row wrap", align_items="center")
        self.view = widgets.VBox(
            [
                widgets.HBox(controls, layout=wrap),
                self.message,
                self.chart,
                self.status,
                self.sample,
                self.table,
            ]
        )

    def draw(self, *, now: bool = True) -> None:
        """Show the lab as it is; with now=False at most a few times a second."""
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
        sample = html.escape(lab.record.sample)
        self.sample.value = (
            f"<pre style='white-space:pre-wrap;{TEXT};margin:4px 0'>{sample}</pre>"
        )
        self.table.value = _table(lab.ranking())
        enabled = lab.possible()
        for name, button in self.buttons.items():
            if button.disabled == (name in enabled):
                button.disabled = name not in enabled

    def show_knobs(self, knobs: dict[str, float]) -> None:
        """Put the sliders where the knobs are."""
        self._ours.now = True
        try:
            for knob, value in knobs.items():
                slider = self.sliders[knob]
                place = math.log10(max(value, 1e-3)) if knob == "lr_scale" else value
                slider.min = min(slider.min, place)
                slider.max = max(slider.max, place)
                slider.value = value
        finally:
            self._ours.now = False

    def close(self) -> None:
        """Take the widgets away; the kernel would keep them, and with them the lab."""
        controls = [*self.buttons.values(), *self.sliders.values()]
        for widget in (*controls, *self.view.children, self.view):
            widget.close()

    def _turned(self, knob: str) -> None:
        if not getattr(self._ours, "now", False):
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

    def _repr_mimebundle_(self, **kwargs):
        bundle = self.view._repr_mimebundle_(**kwargs)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        return data | {"text/plain": FALLBACK}  # what a static viewer shows


BUTTONS = {
    "Start": "train, or train on",
    "Pause": "stop after this step; Start goes on",
    "Step": "take one step",
    "Stop": "end this run and measure the whole validation split",
    "Reset": "back to the first weights, for another run with the same batches",
    "Keep this run": "leave its curve in the chart, to compare others with it",
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
