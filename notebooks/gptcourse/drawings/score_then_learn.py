"""15: a text read window by window: each is scored first, and learned afterwards."""

import math
from collections import Counter
from itertools import pairwise

from gptcourse.drawings.canvas import MARGIN, Canvas

TEXT = "\n'Ban, 'Ban, Cacaliban\nHa"  # act 2, scene 2
WINDOW, ALPHA, V = 6, 0.02, 65
LEFT, TOP, CELL, ROW = 118, 128, 33.5, 66


def surprises(learn: bool = True) -> list[float]:
    """-ln p of each character after the first, by pairs counted in whole windows."""
    counts, row, pairs = Counter(), Counter(), list(pairwise(TEXT))
    losses = []
    for start in range(0, len(pairs), WINDOW):
        window = pairs[start : start + WINDOW]
        for pair in window:
            p = (counts[pair] + ALPHA) / (row[pair[0]] + ALPHA * V)
            losses.append(-math.log(p))
        if learn:
            counts.update(window)
            row.update(first for first, _ in window)
    return losses


def draw() -> Canvas:
    """The picture of `15_reading`."""
    losses, windows = surprises(), (len(TEXT) - 1) // WINDOW
    mean, fixed = sum(losses) / len(losses), math.log(V)
    canvas = Canvas(
        "Score first, then learn",
        f"A text in {windows} windows of {WINDOW} characters, a row each. Each window "
        "is scored by a model that has learned the windows before it, then learned; "
        "what repeats in the second window is hardly surprising any more.",
        "Score a window, learn it, go on",
        TOP + ROW * windows + 84,
    )
    canvas.note(MARGIN, TOP - 20, "learned", anchor="start")
    for place, char in enumerate(TEXT):
        shown = {"\n": "↵", " ": "␣"}.get(char, char)
        canvas.text(LEFT + (place + 0.5) * CELL, TOP - 20, shown, 17, mono=True)
    for row in range(windows):
        _row(canvas, row, losses, windows)
    canvas.caption(
        f"Numbers are surprises in nats, hatched is what was learned and is **never "
        f"scored again**. The mean is {mean:.1f} nats.",
        f"Without learning it would be {fixed:.1f}: nothing was counted before, and "
        f"all {V} characters are equally likely.",
    )
    return canvas


def _row(canvas: Canvas, row: int, losses: list[float], windows: int) -> None:
    """One window: what was learned before it, its surprises, and the way on."""
    y, first = TOP + ROW * row, 1 + WINDOW * row
    what = f"{row} window" + "s" * (row != 1) if row else "nothing"
    canvas.text(MARGIN, y + 22, what, 15, "soft", anchor="start")
    if row:
        canvas.hidden(LEFT + CELL, y, CELL * (first - 1), 34)
    for place in range(first, first + WINDOW):
        loss = losses[place - 1]
        at = (LEFT + CELL * place, y, CELL, 34)
        canvas.cell(*at, "orange", min(1, loss / 5.2), f"{loss:.1f}", 14)
    if row < windows - 1:
        x = LEFT + CELL * (first + WINDOW / 2)
        canvas.arrow([(x, y + 38), (x, y + ROW - 2)], "blue", 2)
        canvas.text(x - 10, y + 56, "learn", 15, "blue", anchor="end")
