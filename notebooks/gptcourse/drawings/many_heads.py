"""03: one layer with four heads, and the transpose that gives each head its table."""

import math

import torch
from torch.nn import functional as F

from gptcourse.drawings.canvas import HIDDEN, MARGIN, Canvas

TEXT = "king"
H, D = 4, 4  # heads, numbers for each of them; C = H · D
ROLES = ("blue", "orange", "green", "purple")
TOP, STEP = 124, 84  # of the first head, from one head to the next


def four_heads(seed: int = 3) -> dict[str, torch.Tensor]:
    """A layer with random weights: x, v, y and out (T, C), and weights (H, T, T)."""
    generator = torch.Generator().manual_seed(seed)

    def random(*shape: int) -> torch.Tensor:
        return 2 * torch.rand(*shape, generator=generator) - 1

    T, C = len(TEXT), H * D
    x = random(T, C)  # (T, C)
    q, k, v = (x @ random(C, C) for _ in range(3))  # (T, C) each
    q, k, heads = (part.view(T, H, D).transpose(0, 1) for part in (q, k, v))
    scores = q @ k.transpose(1, 2) / math.sqrt(D)  # (H, T, T)
    past = torch.ones(T, T, dtype=torch.bool).tril()  # (T, T)
    weights = F.softmax(scores.masked_fill(~past, -math.inf), dim=-1)  # (H, T, T)
    y = (weights @ heads).transpose(0, 1).reshape(T, C)  # (T, C)
    out = y @ random(C, C) / 2  # (T, C)
    return {"x": x, "v": v, "weights": weights, "y": y, "out": out}


def draw() -> Canvas:
    """The picture of `03_multi_head`."""
    n = four_heads()
    canvas = Canvas(
        "Multi-head attention with four heads",
        "Queries, keys and values of width C are cut into four heads, each attends by "
        "a map of its own, and a linear layer mixes the concatenated results. Below, "
        "view cuts each row into four parts, and transpose gives each head a "
        "table of all positions.",
        "Four heads ask four questions at once",
        822,
    )
    _layer(canvas, n)
    _transpose(canvas, n["v"])
    canvas.caption(
        "Each head looks at **all positions so far**, with **its own C/4** of q, k "
        "and v; the projection mixes what they found."
    )
    return canvas


def _layer(canvas: Canvas, n: dict[str, torch.Tensor]) -> None:
    """The way of one position, the last, from left to right."""
    last = {name: value[-1].tolist() for name, value in n.items() if name != "weights"}
    middle = TOP + 1.5 * STEP + 34
    _strip(canvas, 138, last["x"], ["faint"] * H)
    canvas.text(151, 92, "x of g", 15, bold=True)
    canvas.arrow([(176, middle), (252, middle)])
    canvas.note(214, middle - 13, "linear")
    _strip(canvas, 262, last["v"], ROLES)
    canvas.text(275, 92, "q, k, v", 15, bold=True)
    _strip(canvas, 710, last["y"], ROLES)
    for head, role in enumerate(ROLES):
        _head(canvas, n, head, role)
    canvas.text(494, 92, "one attention map per head", 15, bold=True)
    canvas.text(723, 92, "concatenated", 15, bold=True)
    canvas.arrow([(748, middle), (824, middle)])
    canvas.note(786, middle - 13, "project")
    canvas.note(786, middle + 24, "`C → C`")
    _strip(canvas, 836, last["out"], ["faint"] * H)
    canvas.text(849, 92, "output of g", 15, bold=True)
    for x in (151, 275, 723, 849):
        canvas.note(x, TOP + 4 * STEP + 18, "C", mono=True)
    canvas.note(494, TOP + 4 * STEP + 18, "`(T, T)` each; framed: g")


def _strip(canvas: Canvas, x: float, values: list[float], roles) -> None:
    """One position's C numbers as a column without gaps."""
    height = (3 * STEP + 68) / (H * D)
    top = max(map(abs, values))
    for i, value in enumerate(values):
        canvas.cell(x, TOP + i * height, 26, height, roles[i // D], abs(value) / top)


def _head(canvas: Canvas, n: dict[str, torch.Tensor], head: int, role: str) -> None:
    """What one head receives, its map, and what it gives."""
    y = TOP + head * STEP
    whole, cell = (3 * STEP + 68) / H, 17
    part = TOP + (head + 0.5) * whole
    for x, name in ((368, "v"), (586, "y")):
        values = n[name][-1].tolist()
        top = max(map(abs, values))
        for i, value in enumerate(values[head * D : head * D + D]):
            canvas.cell(x, y + i * cell, 26, cell, role, abs(value) / top)
    rows = [
        [HIDDEN if j > i else w for j, w in enumerate(row)]
        for i, row in enumerate(n["weights"][head].tolist())
    ]
    canvas.grid(460, y, rows, role, cell=cell, form="", top=1)
    canvas.rect(459, y + 3 * cell, 70, cell, "none", stroke="ink", radius=4)
    middle = y + 34
    canvas.path([(292, part), (322, part), (338, middle), (360, middle)], role, bend=8)
    canvas.arrow([(402, middle), (450, middle)], role)
    canvas.arrow([(536, middle), (578, middle)], role)
    canvas.path([(620, middle), (648, middle), (670, part), (702, part)], role, bend=8)
    canvas.text(426, middle - 12, f"{head + 1}", 14, role, bold=True)


def _transpose(canvas: Canvas, v: torch.Tensor) -> None:
    """(T, C), (T, H, d) and (H, T, d) of the same numbers; frames: the outer axis."""
    y, high, wide = 574, 28, 11
    canvas.rect(MARGIN, 492, 928, 258, radius=14)
    canvas.text(56, 524, "How each head gets its table", 17, anchor="start", bold=True)
    stages = ((78, 0), (346, 12), (680, 26))  # left edge, gap between heads
    for left, gap in stages:
        for row, char in enumerate(TEXT):
            canvas.note(left - 16, y + row * high + 19, char, mono=True)
            _numbers(canvas, v[row], left, y + row * high, (wide, high), gap)
    (one, _), (two, cut), (three, apart) = stages
    for row in range(len(TEXT)):
        width = H * D * wide + (H - 1) * cut
        place = (two - 4, y + row * high, width + 8, high)
        canvas.rect(*place, "none", stroke="soft", radius=5)
    for head, role in enumerate(ROLES):
        x = three + head * (D * wide + apart)
        place = (x - 4, y - 3, D * wide + 8, len(TEXT) * high + 6)
        canvas.rect(*place, "none", stroke=role, thick=2, radius=5)
        canvas.text(x + D * wide / 2, y - 12, f"head {head + 1}", 14, role)
    below = y + len(TEXT) * high + 28
    canvas.text(one + 88, below, "(B, T, C)", 15, mono=True)
    canvas.text(two + 106, below, "(B, T, H, C/H)", 15, mono=True)
    canvas.text(three + 127, below, "(B, H, T, C/H)", 15, mono=True)
    canvas.note(two + 106, below + 23, "each position: 4 parts")
    canvas.note(three + 127, below + 23, "each head: all positions")
    canvas.note(one + 88, below + 23, "each position: one row")
    for x, end, name in ((264, 316, "view"), (570, 650, "transpose")):
        canvas.arrow([(x, y + 56), (end, y + 56)])
        canvas.text((x + end) / 2, y + 44, name, 15, mono=True)


def _numbers(canvas, values: torch.Tensor, x, y, cell, gap) -> None:
    """A row of numbers in the heads' colours."""
    top = values.abs().max().item()
    for i, value in enumerate(values.tolist()):
        left = x + i * cell[0] + i // D * gap
        canvas.rect(left, y, *cell, "card", radius=0)
        canvas.cell(left, y, *cell, ROLES[i // D], abs(value) / top)
