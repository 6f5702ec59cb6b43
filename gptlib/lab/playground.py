"""A box to type a prompt into: models beside each other write on.

Shown in a notebook; without a front end the same object is driven by code.
"""

import html

import ipywidgets as widgets
import torch

from gptlib.generation import stream, whole_characters

CHARACTERS_PER_DRAWING = 4  # each drawing is a message to the browser
PAGE = (
    "<pre style='white-space:pre-wrap;font-size:13px;line-height:1.35;margin:0'>"
    "<b>{}</b>{}</pre>"
)
EVERY = "all"
TOP_K = [1, 2, 3, 5, 10, 20, 50, EVERY]
WHOLE_LABEL = {"description_width": "initial"}
FALLBACK = "A live playground: run this cell in JupyterLab to type a prompt."


class Playground:
    """Prompt, sliders and a button; one column a model, all writing at once.

    models: name -> (model, tokenizer). length: how many tokens each writes, or fewer
    where these would be more characters than that. `write()` does what the button does
    and returns the texts by name. all_sliders adds top_k and top_p to the temperature.
    """

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
        self.top_k = widgets.SelectionSlider(options=TOP_K, value=EVERY)
        self.top_p = widgets.FloatSlider(1.0, min=0.05, max=1.0, step=0.05)
        shown = ("temperature", "top_k", "top_p") if all_sliders else ("temperature",)
        for name in shown:
            slider = getattr(self, name)
            slider.description, slider.style = name, WHOLE_LABEL
        self.button = widgets.Button(description="Write", button_style="primary")
        self.button.on_click(lambda _: self.write())
        self.pages = {name: widgets.HTML() for name in models}
        sliders = [getattr(self, name) for name in shown]
        if all_sliders:  # four controls and the button share one row
            for control in (self.prompt, *sliders):
                control.layout = widgets.Layout(width="23%", min_width="0")
            self.button.layout = widgets.Layout(width="8%", min_width="60px")
        controls = widgets.HBox([self.prompt, *sliders, self.button])
        width = widgets.Layout(width=f"{100 // len(models)}%", padding="0 12px 0 0")
        columns = [
            widgets.VBox([widgets.HTML(f"<b>{html.escape(name)}</b>"), page])
            for name, page in self.pages.items()
        ]
        for column in columns:
            column.layout = width
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
        pieces = {}
        for name, (model, tokenizer) in self.models.items():
            try:
                pieces[name] = self._pieces(model, tokenizer, prompt)
            except ValueError as error:
                self._draw(name, "", f"{error}")
        for place in range(1, self.length + 1):
            for name in list(pieces):
                try:
                    text = texts[name] + next(pieces[name], "")
                except ValueError as error:
                    self._draw(name, "", f"{error}")
                    del pieces[name]
                    continue
                texts[name] = text[: self.length]
                done = self.length in (place, len(texts[name]))
                if done or place % CHARACTERS_PER_DRAWING == 0:
                    self._draw(name, prompt, texts[name])
                if done:
                    del pieces[name]
        return texts

    def _pieces(self, model, tokenizer, prompt: str):
        idx = torch.tensor([tokenizer.encode(prompt)])
        tokens = stream(
            model,
            idx.to(next(model.parameters()).device),
            self.length,
            temperature=self.temperature.value,
            top_k=None if self.top_k.value == EVERY else self.top_k.value,
            top_p=self.top_p.value if self.top_p.value < 1 else None,
            seed=self.seed,
        )
        return whole_characters(tokens, tokenizer.decode)

    def _draw(self, name: str, prompt: str, text: str) -> None:
        self.pages[name].value = PAGE.format(html.escape(prompt), html.escape(text))

    def _repr_mimebundle_(self, **kwargs):
        bundle = self.view._repr_mimebundle_(**kwargs)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        return data | {"text/plain": FALLBACK}  # what a static viewer shows
