"""02: one query, from its row of x to its output, and the whole square beside it.

The numbers are small enough to check by hand; the notebook walks through the same.
"""

import math

import torch
from torch.nn import functional as F

from gptcourse.drawings.canvas import HIDDEN, MARGIN, Canvas, number

TEXT = "king"
ASKS = 2  # the position of the query that is followed: n
FEATURES = ("vowel", "consonant", "first letter")
X = [[0, 1, 1], [1, 0, 0], [0, 1, 0], [0, 1, 0]]  # (T, C)
W_Q = [[0, 2], [2, 1], [0, 0]]  # (C, d): looks for a vowel, for the first letter
W_K = [[1, 0], [0, 0], [0, 1]]  # (C, d): is a vowel, is the first letter
W_V = [[1, 0], [0, 1], [0, 0]]  # (C, d): hands over vowel, consonant
LEFT, CELL, HIGH = 236, 62, 34


def one_head() -> dict[str, torch.Tensor]:
    """q, k, v (T, d), scores and weights (T, T), and the output (T, d)."""
    x, w_q, w_k, w_v = (torch.tensor(m).float() for m in (X, W_Q, W_K, W_V))
    q, k, v = x @ w_q, x @ w_k, x @ w_v  # (T, d) each
    scores = q @ k.T / math.sqrt(k.size(1))  # (T, T)
    past = torch.ones(scores.shape, dtype=torch.bool).tril()  # (T, T)
    weights = F.softmax(scores.masked_fill(~past, -math.inf), dim=-1)  # (T, T)
    named = {"q": q, "k": k, "v": v, "scores": scores, "weights": weights}
    return named | {"output": weights @ v}  # (T, d)


def draw() -> Canvas:
    """The picture of `02_single_head`."""
    n = one_head()
    scores, weights = (
        n[key][ASKS, : ASKS + 1].tolist() for key in ("scores", "weights")
    )
    output = n["output"][ASKS].tolist()
    canvas = Canvas(
        "One head of causal self-attention",
        "In “king”, the query of n meets the keys of k, i and n; softmax turns the "
        f"scores {_listed(scores)} into the weights {_listed(weights)}, and the "
        f"weighted sum of the values is ({_listed(output)}), while the future g is "
        "hatched. Beside it, the weights of all four characters form a square whose "
        "upper right is hidden.",
        "One query asks, the past answers",
        752,
    )
    _one_query(canvas, n)
    _square(canvas, n)
    k, i, itself = weights
    canvas.caption(
        f"**n** looks for a vowel: it takes **{i:.0%}** from **i**, {k:.0%} from **k** "
        f"and {itself:.0%} from itself. **g** comes later, so n cannot see it."
    )
    return canvas


def _one_query(canvas: Canvas, n: dict[str, torch.Tensor]) -> None:
    """Characters as columns: x, keys, scores, weights, values, from top to bottom."""
    for column, char in enumerate(TEXT):
        x = LEFT + column * CELL + (CELL - 38) / 2
        role = "blue" if column == ASKS else "faint"
        canvas.chip(x, 84, char, role, hidden=column > ASKS)
    _block(canvas, 138, torch.tensor(X).float(), "faint", FEATURES, "x", "(T, C)")
    _block(canvas, 280, n["k"], "orange", ("a vowel?", "first?"), "keys", "x @ W_k")
    _block(canvas, 572, n["v"], "green", ("vowel", "consonant"), "values", "x @ W_v")
    _row(canvas, 400, n["scores"][ASKS], "purple", "scores", "q·k / √2")
    _row(canvas, 486, n["weights"][ASKS], "blue", "weights", "sum to 1")
    middle = LEFT + 2 * CELL
    _step(canvas, middle, 246, 274)
    _step(canvas, middle, 354, 394, _product_with_i(n))
    _step(canvas, middle, 440, 480, "softmax")
    _step(canvas, middle, 526, 566, "weighted sum")
    _query_and_output(canvas, n)
    canvas.note(LEFT, 668, _sum(n), anchor="start", mono=True)


def _product_with_i(n: dict[str, torch.Tensor]) -> str:
    """The dot product of the query with the key of i, worked out."""
    (q1, q2), (k1, k2) = n["q"][ASKS].int().tolist(), n["k"][1].int().tolist()
    dot = q1 * k1 + q2 * k2
    return f"with i: `{q1}·{k1} + {q2}·{k2} = {dot}`, `{dot} / √2 = {dot / 2**0.5:.2f}`"


def _sum(n: dict[str, torch.Tensor]) -> str:
    """The weighted sum of the values, worked out."""
    weights, values = n["weights"][ASKS, : ASKS + 1], n["v"].int().tolist()
    parts = [
        f"{w:.2f}·({a}, {b})"
        for w, (a, b) in zip(weights.tolist(), values, strict=False)
    ]
    return " + ".join(parts)


def _query_and_output(canvas: Canvas, n: dict[str, torch.Tensor]) -> None:
    """q to the right of the keys, the output to the right of the values."""
    edge, right = LEFT + 4 * CELL, LEFT + 4 * CELL + 72
    middle = right + CELL / 2
    for y, vector, role, form in (
        (280, n["q"][ASKS], "blue", ".0f"),
        (572, n["output"][ASKS], "green", ".2f"),
    ):
        rows = [[value] for value in vector.tolist()]
        canvas.grid(right, y, rows, role, cell=(CELL, HIGH), form=form)
    canvas.arrow([(edge + 8, 190), (middle, 190), (middle, 246)])
    canvas.note(middle + 10, 222, "x @ W_q", anchor="start", mono=True)
    canvas.text(middle, 267, "query of n", 15, bold=True)
    canvas.arrow([(right - 6, 314), (edge + 8, 314)])
    canvas.arrow([(edge + 8, 606), (right - 6, 606)])
    canvas.text(middle, 559, "output of n", 15, bold=True)


def _block(canvas, y, columns, role, names, name, made) -> None:
    """A (T, width) tensor drawn sideways; the future is hatched."""
    rows = [
        [HIDDEN if j > ASKS else value for j, value in enumerate(row)]
        for row in columns.T.tolist()
    ]
    canvas.grid(LEFT, y, rows, role, cell=(CELL, HIGH), form=".0f")
    for row, text in enumerate(names):
        middle = y + (row + 0.5) * HIGH + 5
        canvas.note(LEFT - 12, middle, text, anchor="end")
    middle = y + len(names) * HIGH / 2 - 3
    canvas.text(MARGIN, middle, name, 16, anchor="start", bold=True)
    canvas.note(MARGIN, middle + 20, made, anchor="start", mono=True)
    canvas.note(MARGIN, middle + 39, "transposed", anchor="start")


def _row(canvas, y, values, role, name, note) -> None:
    row = [HIDDEN if j > ASKS else v for j, v in enumerate(values.tolist())]
    canvas.grid(LEFT, y, [row], role, cell=(CELL, HIGH))
    canvas.text(MARGIN, y + 14, name, 16, anchor="start", bold=True)
    canvas.note(MARGIN, y + 34, note, anchor="start")


def _step(canvas, x, start, end, text="") -> None:
    canvas.arrow([(x, start), (x, end)])
    if text:
        canvas.note(x + 14, (start + end) / 2 + 4, text, anchor="start")


def _square(canvas: Canvas, n: dict[str, torch.Tensor]) -> None:
    """The weights of all four queries, and their outputs."""
    x, y, cell = 748, 190, 50
    canvas.rect(676, 84, 288, 590, radius=14)
    canvas.text(820, 116, "All four queries at once", 16, bold=True)
    canvas.note(820, 138, "row asks, column answers")
    rows = [
        [HIDDEN if j > i else w for j, w in enumerate(row)]
        for i, row in enumerate(n["weights"].tolist())
    ]
    on_card = {"row_names": TEXT, "size": 14}
    _card(canvas, x, y, 4 * cell, 4 * cell)
    canvas.grid(
        x,
        y,
        rows,
        "blue",
        cell=cell,
        column_names=TEXT,
        name="weights",
        shape="(T, T)",
        **on_card,
    )
    canvas.rect(
        x - 1, y + ASKS * cell - 1, 4 * cell + 2, cell + 2, "none", stroke="ink"
    )
    _card(canvas, x + 38, 496, 124, 4 * HIGH - 16)
    canvas.arrow([(x + 100, 446), (x + 100, 486)])
    canvas.note(x + 114, 471, "`@ values`", anchor="start")
    canvas.grid(
        x + 38,
        496,
        n["output"].tolist(),
        "green",
        cell=(62, 30),
        name="outputs",
        shape="(T, d)",
        **on_card,
    )
    canvas.rect(x + 37, 496 + ASKS * 30 - 1, 126, 32, "none", stroke="ink", radius=6)


def _card(canvas, x, y, width, height) -> None:
    """Paper under a grid that stands on a panel."""
    canvas.rect(x - 4, y - 4, width + 8, height + 8, "card", radius=8)


def _listed(values: list[float]) -> str:
    return ", ".join(number(v, ".2f") for v in values)
