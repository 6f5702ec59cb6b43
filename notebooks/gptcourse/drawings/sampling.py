"""08: one real distribution, and what temperature, top-k and top-p make of it."""

import torch

from gptcourse.drawings.canvas import MARGIN, Canvas
from gptlib.files.fetch import project_folder
from gptlib.generation import run, token_probabilities
from gptlib.handler import ModelHandler

PROMPT = "ROMEO:\nMy "
K, P = 3, 0.7
BARS = 12  # the likeliest characters, drawn one by one


def next_logits(prompt: str = PROMPT) -> tuple[torch.Tensor, list[str]]:
    """The logits of what `models/plain` expects next, (V,), and the characters."""
    handler = ModelHandler(project_folder("models") / "plain").load()
    tok = handler.tokenizer
    idx = torch.tensor([tok.encode(prompt)])  # (1, T)
    logits = run(handler.model.eval(), idx)[0, -1]  # (V,)
    return logits, [tok.decode([i]) for i in range(tok.vocab_size)]


def draw() -> Canvas:
    """The picture of `08_generation`."""
    logits, chars = next_logits()
    p = token_probabilities(logits)  # (V,)
    order = p.argsort(descending=True, stable=True)  # (V,)
    names = [chars[i] for i in order[:BARS]]
    ways = {
        "temperature 0.5": token_probabilities(logits, 0.5),
        "temperature 1.5": token_probabilities(logits, 1.5),
        f"top-k, k = {K}": token_probabilities(logits, top_k=K),
        f"top-p, p = {P}": token_probabilities(logits, top_p=P),
    }
    ways = {name: q[order].tolist() for name, q in ways.items()}
    ordered = p[order].tolist()
    kept = sum(q > 0 for q in ways[f"top-p, p = {P}"])
    canvas = Canvas(
        "Temperature, top-k and top-p",
        f"Bars show the probabilities of the next character after “ROMEO: ↵ My ”, led "
        f"by {names[0]} with {ordered[0]:.2f}. Below, the same bars at temperatures "
        f"0.5 and 1.5, with top-k (k = {K}), and with top-p (p = {P}), which keeps "
        f"{kept} characters.",
        "One distribution, and four ways to draw from it",
        772,
    )
    _model(canvas, ordered, names, kept)
    canvas.text(
        MARGIN,
        384,
        "Four ways to draw: filled bars are what is drawn from, outlines the model's",
        16,
        anchor="start",
    )
    for place, (name, q) in enumerate(ways.items()):
        _way(canvas, place, name, ordered, q, names)
    before, reached = sum(ordered[: kept - 1]), sum(ordered[:kept])
    canvas.caption(
        f"Top-p {P} keeps **{kept} characters**: the first {kept - 1} reach only "
        f"{before:.2f}, and **{names[kept - 1]}** crosses the line.",
        f"What is kept is divided by its sum, {reached:.2f}: {names[0]} rises from "
        f"{ordered[0]:.2f} to {ordered[0] / reached:.2f}.",
    )
    return canvas


def _model(canvas: Canvas, p: list[float], names: list[str], kept: int) -> None:
    """The model's own distribution, and where the two cuts fall."""
    canvas.text(
        MARGIN, 92, "The model's probabilities after `ROMEO:↵My␣`", 16, anchor="start"
    )
    x0, base, step, wide, high = 96, 286, 66, 44, 150
    for i, (value, name) in enumerate(zip(p, names, strict=False)):
        x, tall = x0 + i * step, high * value / p[0]
        canvas.rect(x, base - tall, wide, tall, "blue", opacity=0.75, radius=4)
        canvas.text(x + wide / 2, base - tall - 8, f"{value:.2f}", 14, mono=True)
        canvas.text(x + wide / 2, base + 22, name, 17, bold=True, mono=True)
        canvas.note(x + wide / 2, base + 48, f"{sum(p[: i + 1]):.2f}", mono=True)
    x = x0 + BARS * step
    rest = 1 - sum(p[:BARS])
    canvas.rect(
        x,
        base - high * rest / p[0],
        wide,
        high * rest / p[0],
        "faint",
        opacity=0.5,
        radius=4,
    )
    canvas.text(
        x + wide / 2, base - high * rest / p[0] - 8, f"{rest:.2f}", 14, mono=True
    )
    canvas.note(x + wide / 2, base + 22, f"{len(p) - BARS} more")
    canvas.note(x + wide / 2, base + 48, "1.00", mono=True)
    canvas.note(MARGIN, base + 48, "so far", anchor="start")
    for count, role, text in (
        (K, "orange", f"top-k {K} keeps these"),
        (kept, "green", f"top-p {P} keeps these"),
    ):
        edge = x0 + count * step - (step - wide) / 2
        canvas.path(
            [(edge, 150 - 20 * (count == K)), (edge, base + 56)], role, 2.2, dashed=True
        )
        canvas.text(
            edge + 10,
            142 + 24 * (count != K),
            f"← {text}",
            15,
            role,
            anchor="start",
            bold=True,
        )


def _way(canvas: Canvas, place: int, name: str, p, q, names) -> None:
    """One way to draw: its probabilities filled, the model's as outlines."""
    wide, gap = 220, 16
    left, top = MARGIN + place * (wide + gap), 404
    canvas.rect(left, top, wide, 268, radius=14)
    canvas.text(left + 16, top + 30, name, 16, anchor="start", bold=True)
    base, high, step, bar = top + 208, 138, 25, 18
    for i, letter in enumerate(names[:8]):
        x = left + 14 + i * step
        tall, was = high * q[i] / 0.8, high * p[i] / 0.8
        if q[i] > 0:
            canvas.rect(x, base - tall, bar, tall, "blue", opacity=0.75, radius=3)
        canvas.rect(
            x,
            base - was,
            bar,
            was,
            "none",
            stroke="soft",
            thick=1.3,
            radius=3,
            dashed=q[i] == 0,
        )
        canvas.text(
            x + bar / 2, base + 20, letter, 15, "ink" if q[i] else "soft", mono=True
        )
    canvas.text(
        left + 46,
        base - high * max(q[0], p[0]) / 0.8 + 12,
        f"{q[0]:.2f}",
        14,
        anchor="start",
        mono=True,
    )
    canvas.note(left + 16, base + 40, _effect(name), anchor="start")


def _effect(name: str) -> str:
    return {
        "temperature 0.5": "sharper, nothing is cut",
        "temperature 1.5": "flatter, nothing is cut",
    }.get(name, "the tail is cut off")
