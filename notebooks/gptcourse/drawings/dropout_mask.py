"""07: a dropout mask at work on one activation, in training and in evaluation."""

import torch

from gptcourse.drawings.canvas import MARGIN, Canvas, number

P = 0.2
TEXT, C = "king", 6
CELL, HIGH = 42, 38
TOP, LOW = 116, 372  # of the two rows of grids


def one_activation(seed: int = 2120) -> tuple[torch.Tensor, torch.Tensor]:
    """An activation (T, C), and which of its numbers dropout keeps."""
    generator = torch.Generator().manual_seed(seed)
    shape = len(TEXT), C
    # Multiples of 0.4, so that times 1.25 gives short numbers too.
    x = 0.4 * torch.randint(-4, 5, shape, generator=generator)  # (T, C)
    return x, torch.rand(shape, generator=generator) >= P


def draw() -> Canvas:
    """The picture of `07_overfitting`."""
    x, kept = one_activation()
    gone, scale = int((~kept).sum()), 1 / (1 - P)
    canvas = Canvas(
        "A dropout mask at work",
        f"In training, dropout {P} sets {gone} of {x.numel()} numbers of an activation "
        f"to zero, at random and anew at every step, and multiplies the others by "
        f"{scale:.2f}. In evaluation all numbers pass unchanged.",
        f"Dropout {P}: a new mask at every step, and none in evaluation",
        652,
    )
    _training(canvas, x, kept, scale)
    _evaluation(canvas, x)
    canvas.caption(
        f"Here **{gone} of {x.numel()}** numbers become 0. The others are multiplied "
        f"by 1 / (1 − {P}) = {scale:.2f},",
        "so that each number stays the same **on average over many masks**.",
    )
    return canvas


def _training(canvas: Canvas, x: torch.Tensor, kept: torch.Tensor, scale) -> None:
    """Activation × mask = output."""
    canvas.text(MARGIN, 92, "**In training**, `model.train()`", 17, anchor="start")
    _grid(canvas, 72, TOP, x, "activation", "(T, C)")
    _grid(
        canvas,
        388,
        TOP,
        torch.full_like(x, scale),
        "mask",
        f"0 or {scale:.2f}",
        kept,
        form=".2f",
        flat=True,
    )
    _grid(canvas, 704, TOP, x * scale, "output", "(T, C)", kept)
    _sign(canvas, 356, TOP, "×")
    _sign(canvas, 672, TOP, "=")


def _evaluation(canvas: Canvas, x: torch.Tensor) -> None:
    """Activation = output."""
    canvas.path([(MARGIN, 326), (964, 326)], "edge", 1.5)
    canvas.text(MARGIN, 366, "**In evaluation**, `model.eval()`", 17, anchor="start")
    y = LOW + 18
    _grid(canvas, 72, y, x, "", "")
    _grid(canvas, 704, y, x, "", "")
    canvas.arrow([(340, y + 2 * HIGH), (688, y + 2 * HIGH)], "soft", 2.2)
    canvas.text(514, y + 2 * HIGH - 16, "no mask, no factor", 16, bold=True)
    canvas.text(514, y + 2 * HIGH + 30, "every number passes as it is", 15, "soft")


def _grid(canvas, x, y, values, name, shape, kept=None, form=".1f", flat=False) -> None:
    """Numbers (T, C); those that dropout took are empty, dashed cells with a 0."""
    for i, char in enumerate(TEXT):
        if x < 100:
            canvas.text(x - 18, y + i * HIGH + 24, char, 15, "soft", mono=True)
        for j in range(C):
            left, top, value = x + j * CELL, y + i * HIGH, values[i, j].item()
            if kept is not None and not kept[i, j]:
                canvas.rect(
                    left + 3,
                    top + 3,
                    CELL - 6,
                    HIGH - 6,
                    "none",
                    stroke="orange",
                    dashed=True,
                    radius=5,
                )
                canvas.text(left + CELL / 2, top + 24, "0", 14, "orange", bold=True)
                continue
            strength = 0.2 if flat else min(1, abs(value) / 2)
            role = "green" if flat else "blue"
            canvas.cell(
                left, top, CELL, HIGH, role, strength, number(value, form), 13.5
            )
    middle, below = x + C * CELL / 2, y + len(TEXT) * HIGH
    if name:
        canvas.text(middle, below + 24, f"**{name}**  `{shape}`", 15)


def _sign(canvas: Canvas, x: float, y: float, sign: str) -> None:
    canvas.text(x, y + 2 * HIGH + 9, sign, 26, bold=True)
