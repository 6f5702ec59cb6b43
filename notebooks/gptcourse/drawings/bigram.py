"""01: from a character to the next one through one row of a table, as counted."""

import torch

from gptcourse.drawings.canvas import Canvas, number
from gptlib.data import load_corpus
from gptlib.tokenizer import CharTokenizer

TEXT, NOW = "with", "h"
SHOWN = "eaio t"  # columns, and the rows around h
ROWS = "aehit "


def bigram_table() -> tuple[torch.Tensor, CharTokenizer]:
    """p(next | this) as counted in train, add-one smoothed, (V, V)."""
    corpus = load_corpus("tinyshakespeare")
    tok = CharTokenizer(corpus.text)
    V = tok.vocab_size
    ids = corpus.encode(tok).train  # (N,)
    counts = torch.bincount(ids[:-1] * V + ids[1:], minlength=V * V).view(V, V)
    return (counts + 1) / (counts + 1).sum(1, keepdim=True), tok


def draw() -> Canvas:
    """The picture of `01_bigram`."""
    table, tok = bigram_table()
    V = tok.vocab_size
    ids = {char: tok.encode(char)[0] for char in SHOWN + ROWS}
    p = table[ids[NOW]]  # (V,)
    likely = [(char, p[ids[char]].item()) for char in SHOWN]
    likely.sort(key=lambda pair: -pair[1])
    (best, first), (second, runner_up) = likely[:2]
    canvas = Canvas(
        "A bigram model guesses the next character",
        f"The last character of “{TEXT}”, h, is looked up in a table of {V} rows; its "
        "row holds a logit for each character, softmax turns the logits into "
        f"probabilities ({best} {first:.2f}, {second} {runner_up:.2f}, …), and the "
        "next character is drawn from them.",
        "One row of a table guesses the next character",
        492,
    )
    _text(canvas, ids[NOW])
    _table(canvas, table, ids, V)
    _probabilities(canvas, likely, V)
    _draw_one(canvas, best)
    canvas.caption(
        f"After **h** comes **{best}** with probability **{first:.2f}**, {second} with "
        f"{runner_up:.2f}. The `wit` before it changes nothing: the model sees only h."
    )
    return canvas


def _text(canvas: Canvas, token: int) -> None:
    for place, char in enumerate(TEXT):
        last = place == len(TEXT) - 1
        canvas.chip(40 + 42 * place, 206, char, "blue" if last else "faint", size=36)
    canvas.note(184, 264, f"id {token}", mono=True)
    canvas.text(121, 388, "tokens", 15, bold=True)
    canvas.note(121, 408, "(B, T)", mono=True)
    canvas.arrow([(212, 224), (264, 224)])
    canvas.note(236, 211, "look up")


def _table(canvas: Canvas, table: torch.Tensor, ids: dict[str, int], V: int) -> None:
    """A part of the table of logits, the row of h framed."""
    x, y, cell, high = 296, 124, 52, 40
    logits = [[table[ids[a], ids[b]].log().item() for b in SHOWN] for a in ROWS]
    for i, row in enumerate(logits):
        for j, logit in enumerate(row):
            strength = table[ids[ROWS[i]], ids[SHOWN[j]]].item() ** 0.5 / 0.65
            place = (x + j * cell, y + i * high, cell, high)
            text = number(logit, ".1f")
            canvas.cell(*place, "blue", min(1, strength), text)
    for i, char in enumerate(_visible(ROWS)):
        canvas.text(x - 12, y + (i + 0.5) * high + 5, char, 15, "soft", mono=True)
    for j, char in enumerate(_visible(SHOWN)):
        canvas.text(x + (j + 0.5) * cell, y - 10, char, 15, "soft", mono=True)
    framed = y + ROWS.index(NOW) * high
    canvas.rect(x - 2, framed - 1, 6 * cell + 4, high + 2, "none", stroke="ink")
    middle, below = x + 3 * cell, y + len(ROWS) * high
    canvas.text(
        middle, below + 24, "table: a row of logits per character", 15, bold=True
    )
    canvas.note(middle, below + 44, f"`(V, V) = ({V}, {V})`, here ln p as counted")
    canvas.arrow([(x + 6 * cell + 10, 224), (690, 224)])
    canvas.note(654, 211, "softmax")


def _probabilities(canvas: Canvas, likely: list[tuple[str, float]], V: int) -> None:
    """Bars of the likeliest characters and what is left for the others."""
    x, y, high, longest = 726, 128, 34, 104
    rest = 1 - sum(p for _, p in likely)
    for row, (char, p) in enumerate([*likely, (f"{V - len(likely)} others", rest)]):
        top = y + row * high
        others = row == len(likely)
        width = longest * p / likely[0][1]
        canvas.rect(
            x,
            top + 5,
            width,
            high - 10,
            "faint" if others else "blue",
            radius=4,
            opacity=0.4 if others else 0.8,
        )
        label = f"{p:.2f}" + f" for {char}" * others
        canvas.note(x + width + 8, top + 22, label, anchor="start")
        if not others:
            name = _visible(char)
            canvas.text(x - 14, top + 22, name, 15, mono=True)
    below = 364
    canvas.text(x + 62, below + 24, "probabilities", 15, bold=True)
    canvas.note(x + 62, below + 44, "`(B, T, V)`, sum to 1")


def _draw_one(canvas: Canvas, best: str) -> None:
    canvas.arrow([(868, 224), (906, 224)])
    canvas.note(887, 211, "draw")
    canvas.chip(916, 204, best, "orange", size=42)
    canvas.text(921, 388, "next", 15, bold=True)
    canvas.note(921, 408, "character")


def _visible(text: str) -> str:
    return text.replace(" ", "␣")
