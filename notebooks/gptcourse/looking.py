"""What notebook 12 looks at: look-ups in a prompt, and figures of what is inside.

Read next: `experiments/induction.py`.
"""

import io
from base64 import b64encode

import matplotlib.pyplot as plt
import torch
from jaxtyping import Float, Int
from matplotlib.figure import Figure
from torch import Tensor

from gptcourse.experiments.fewshot import TOKENIZER, probes
from gptlib.plots import attention_map

WIDGET = "application/vnd.jupyter.widget-view+json"
VISIBLE = str.maketrans({"\n": "↵", " ": "␣"})


def lookups() -> tuple[Int[Tensor, "B T"], Int[Tensor, " B"], Int[Tensor, "B T"]]:
    """Few-shot prompts whose query is one of their examples, with keys never trained.

    Returns the prompts, the right answers, and the same prompts with another query of
    the examples' in place of the query.
    """
    rows, answers, others = [], [], []
    texts, right = probes(("lookup",), True, 8, "examples")
    for text, answer in zip(texts, right, strict=True):
        *examples, query = text.split("\n")[1:]
        keys = sorted({example[0] for example in examples} - {query[0]})
        if keys and any(example[0] == query[0] for example in examples):
            rows.append(text)
            answers.append(answer)
            others.append(f"{text[:-2]}{keys[0]}>")
    encode = TOKENIZER.encode
    prompts, changed = (torch.tensor([*map(encode, t)]) for t in (rows, others))
    return prompts, torch.tensor([encode(a)[0] for a in answers]), changed


def lens(p: Float[Tensor, "L T V"], ids: Int[Tensor, " T"], tokenizer) -> Figure:
    """Draw what each layer would predict: its likeliest character in each cell.

    Colour: the probability of the character that really follows. The last is unknown.
    """
    p, following = p[:, :-1], ids[1:]
    chances = p.gather(2, following[None, :, None].expand(len(p), -1, 1))[..., 0]
    fig, ax = plt.subplots(figsize=(9.6, 2.6))
    drawn = ax.imshow(chances, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for row, best in enumerate(p.argmax(2)):
        for column, char in enumerate(tokenizer.decode(best)):
            ink = "white" if chances[row, column] > 0.6 else "black"
            middle = {"ha": "center", "va": "center", "family": "DejaVu Sans Mono"}
            ax.text(column, row, char.translate(VISIBLE), color=ink, **middle)
    text = tokenizer.decode(ids).translate(VISIBLE)
    ax.set_xticks(range(len(text) - 1), text[:-1], family="DejaVu Sans Mono")
    rows = ["embedding", *(f"after layer {i}" for i in range(len(p) - 1))]
    ax.set_yticks(range(len(p)), rows)
    ax.tick_params(length=0)
    ax.grid(visible=False)
    ax.set_xlabel("character that is read; in each cell, the likeliest next one")
    fig.colorbar(drawn, ax=ax, label="p of the right one", pad=0.01)
    return fig


def heads(values: Float[Tensor, "L H"], title: str, top: float = 1.0) -> Figure:
    """Draw one number per head: a row per layer, from the first at the top."""
    fig, ax = plt.subplots(figsize=(4.2, 2.6))
    ax.imshow(values, cmap="Blues", vmin=0, vmax=top, aspect="auto")
    for row, numbers in enumerate(values.tolist()):
        for column, value in enumerate(numbers):
            ink = "white" if value > 0.6 * top else "black"
            ax.text(column, row, f"{value:.2f}", color=ink, ha="center", va="center")
    ax.set_xticks(range(values.size(1)), [f"H{i}" for i in range(values.size(1))])
    ax.set_yticks(range(len(values)), [f"L{i}" for i in range(len(values))])
    ax.tick_params(length=0)
    ax.grid(visible=False)
    ax.set_title(title, fontsize=9.5)
    return fig


def strip(maps: dict[int, Float[Tensor, "T T"]], text: str) -> Figure:
    """Draw one head's attention maps side by side, by step of training."""
    fig, axes = plt.subplots(1, len(maps), figsize=(2.5 * len(maps), 2.8))
    for ax, (step, weights) in zip(axes, maps.items(), strict=True):
        attention_map(weights, text, title=f"step {step}", ax=ax)
        ax.tick_params(labelsize=5)
    return fig


class Slider:
    """The same maps one at a time, behind a slider; shown as the last line of a cell.

    maps: step -> weights (T, T) of one head.
    """

    def __init__(self, maps: dict[int, Float[Tensor, "T T"]], text: str):
        self.pictures = {step: _picture(w, text, step) for step, w in maps.items()}

    def _ipython_display_(self) -> None:
        import ipywidgets as widgets
        from IPython.display import display

        steps = list(self.pictures)
        picture = widgets.HTML(self.pictures[steps[0]])
        chosen = widgets.SelectionSlider(options=steps, description="step")

        def turned(change):
            picture.value = self.pictures[change["new"]]

        chosen.observe(turned, "value")
        view = widgets.VBox([chosen, picture])._repr_mimebundle_()[WIDGET]
        where = "they stand side by side above"
        said = f"A slider over the maps at steps {steps}: {where}."
        display({WIDGET: view, "text/plain": said}, raw=True)


def _picture(weights: Float[Tensor, "T T"], text: str, step: int) -> str:
    """An attention map as HTML, with words for those who cannot see it."""
    figure, file = attention_map(weights, text).figure, io.BytesIO()
    figure.savefig(file, format="png", dpi=110)
    plt.close(figure)
    png, alt = b64encode(file.getvalue()).decode(), f"Attention map at step {step}"
    return f'<img alt="{alt}" width=420 src="data:image/png;base64,{png}">'
