"""A box to type a prompt into: several models continue it side by side.

Shown in a notebook; without a front end `write()` does the same. Read next: `chat.py`.
"""

import html

import ipywidgets as widgets

from gptlib.generation import stream_text
from gptlib.lab.view import View, preformatted

CHARACTERS_PER_DRAWING = 4  # each drawing is a message to the browser
ALL = "all"
TOP_K = [1, 2, 3, 5, 10, 20, 50, ALL]


class Playground(View):
    """A prompt, sliders and a button; one column per model, all generating at once.

    models: name -> (model, tokenizer). length: the most tokens and the most characters
    of each text. `write()` does what the button does and returns the texts by name.
    all_sliders adds top_k and top_p to the temperature.
    """

    fallback = "A live playground: run this cell in JupyterLab to type a prompt."

    def __init__(
        self,
        models: dict,
        *,
        prompt: str = "ROMEO:",
        length: int = 300,
        all_sliders: bool = False,
    ):
        if not models:
            raise ValueError("models: expected at least one name: (model, tokenizer)")
        self.models, self.length = models, length
        self.seed = 0
        self.prompt = widgets.Textarea(prompt, description="prompt", rows=2)
        self.temperature = widgets.FloatSlider(0.8, min=0.0, max=2.0, step=0.1)
        self.top_k = widgets.SelectionSlider(options=TOP_K, value=ALL)
        self.top_p = widgets.FloatSlider(1.0, min=0.05, max=1.0, step=0.05)
        shown = ("temperature", "top_k", "top_p") if all_sliders else ("temperature",)
        sliders = [getattr(self, name) for name in shown]
        for name, slider in zip(shown, sliders, strict=True):
            slider.description = name
            slider.style = {"description_width": "initial"}
        self.button = widgets.Button(description="Write", button_style="primary")
        self.button.on_click(lambda _: self.write())
        self.pages = {name: widgets.HTML() for name in models}
        if all_sliders:  # four controls and the button share one row
            for control in (self.prompt, *sliders):
                control.layout = widgets.Layout(width="23%", min_width="0")
            self.button.layout = widgets.Layout(width="8%", min_width="60px")
        controls = widgets.HBox([self.prompt, *sliders, self.button])
        width = widgets.Layout(width=f"{100 // len(models)}%", padding="0 12px 0 0")
        columns = [
            widgets.VBox(
                [widgets.HTML(f"<b>{html.escape(name)}</b>"), page], layout=width
            )
            for name, page in self.pages.items()
        ]
        self.view = widgets.VBox([controls, widgets.HBox(columns)])

    def write(self) -> dict[str, str]:
        """Continue the prompt with every model, drawing as the text comes."""
        self.seed += 1  # a new text for each press
        self.button.disabled = True
        try:
            return self._write()
        finally:
            self.button.disabled = False

    def _write(self) -> dict[str, str]:
        prompt = self.prompt.value or "\n"
        texts = dict.fromkeys(self.models, "")
        chunks = {name: self._stream(name, prompt) for name in self.models}
        for i in range(1, self.length + 1):
            for name in list(chunks):
                try:
                    text = texts[name] + next(chunks[name], "")
                except ValueError as error:
                    self._draw(name, "", str(error))
                    del chunks[name]
                    continue
                texts[name] = text[: self.length]
                done = self.length in (i, len(texts[name]))
                if done or i % CHARACTERS_PER_DRAWING == 0:
                    self._draw(name, prompt, texts[name])
                if done:
                    del chunks[name]
        return texts

    def _stream(self, name: str, prompt: str):
        yield from stream_text(
            *self.models[name],
            prompt,
            self.length,
            temperature=self.temperature.value,
            top_k=None if self.top_k.value == ALL else self.top_k.value,
            top_p=self.top_p.value if self.top_p.value < 1 else None,
            seed=self.seed,
        )

    def _draw(self, name: str, prompt: str, text: str) -> None:
        page = f"<b>{html.escape(prompt)}</b>{html.escape(text)}"
        self.pages[name].value = preformatted(page)
