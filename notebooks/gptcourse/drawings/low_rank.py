"""11: a matrix and its change of low rank, small enough to check and at true scale."""

import torch

from gptcourse.drawings.canvas import MARGIN, Canvas
from gptcourse.experiments.answering import RANK
from gptlib.files.fetch import project_folder
from gptlib.handler import ModelHandler
from gptlib.lora import block_layers
from gptlib.model import count_parameters

W = [[1, 0, 2], [0, 3, 1], [2, 1, 0], [1, 1, 1]]  # (D, C): frozen
B = [[1], [0], [2], [-1]]  # (D, r)
A = [[1, 0, 1]]  # (r, C)
ALPHA = 2
CELL = 44
SCALE = 0.28  # page units per row or column of the real matrix
RANKS = (1, 8, 32)


def merged() -> torch.Tensor:
    """W + alpha / r · B A, (D, C)."""
    w, b, a = (torch.tensor(m).float() for m in (W, B, A))
    return w + ALPHA / len(A) * b @ a


def counted() -> dict[str, int]:
    """The numbers of `models/plays`, of its matrices, and of one row of each.

    per_rank: how many numbers adapters of rank 1 have; rows, columns: of the largest.
    """
    model = ModelHandler(project_folder("models") / "plays").load().model
    shapes = [layer.weight.shape for _, _, layer in block_layers(model)]
    rows, columns = max(shapes, key=lambda shape: shape[0])
    return {
        "all": count_parameters(model),
        "matrices": len(shapes),
        "per_rank": sum(d + c for d, c in shapes),
        "rows": rows,
        "columns": columns,
    }


def draw() -> Canvas:
    """The picture of `11_finetuning`."""
    n = counted()
    one = RANK * (n["rows"] + n["columns"])
    everywhere = RANK * n["per_rank"]
    whole = n["rows"] * n["columns"]
    canvas = Canvas(
        "A matrix and its change of low rank",
        f"A frozen matrix W of 4 × 3 plus {ALPHA} times a column B times a row A is "
        f"one matrix again. At true scale below, a matrix of {n['rows']} × "
        f"{n['columns']} stands beside B and A of rank {RANK}, which have {one:,} "
        f"numbers instead of {whole:,}.",
        "Leave the matrix alone, learn a thin change beside it",
        696,
    )
    _by_hand(canvas)
    _to_scale(canvas, n, one, whole)
    _bars(canvas, n)
    canvas.caption(
        f"Rank {RANK} in all {n['matrices']} matrices of the blocks trains "
        f"**{everywhere:,}** numbers, {everywhere / n['all']:.0%} of the model's "
        f"{n['all']:,}.",
        "**B** begins at zero: before training, the adapted model is the old one.",
    )
    return canvas


def _by_hand(canvas: Canvas) -> None:
    """W + alpha / r · B A = W', with numbers."""
    top, middle = 104, 104 + 2 * CELL
    style = {"cell": CELL, "form": ".0f", "top": 6}
    canvas.grid(70, top, W, "faint", name="W", shape="(D, C)", **style)
    canvas.plus(244, middle)
    canvas.text(304, middle + 8, f"{ALPHA} ·", 22)
    canvas.grid(346, top, B, "orange", name="B", shape="(D, r)", **style)
    canvas.text(416, middle + 8, "@", 20, mono=True)
    row = middle - CELL / 2
    canvas.grid(444, row, A, "orange", name="A", shape="(r, C)", **style)
    canvas.text(614, middle + 8, "=", 24)
    rows = merged().tolist()
    canvas.grid(656, top, rows, "blue", name="merged", shape="(D, C)", **style)
    canvas.note(820, top + 40, "frozen: W", anchor="start")
    canvas.note(820, top + 66, "trained: A and B", anchor="start")
    canvas.note(820, top + 92, f"α / r = {ALPHA} / 1", anchor="start")


def _to_scale(canvas: Canvas, n: dict[str, int], one: int, whole: int) -> None:
    """The largest matrix of a block, and its adapter."""
    top, high = 386, SCALE * n["rows"]
    wide, thin = SCALE * n["columns"], SCALE * RANK
    canvas.text(MARGIN, 358, "At true scale", 16, anchor="start", bold=True)
    canvas.rect(70, top, wide, high, "faint", opacity=0.45, radius=3)
    canvas.text(70 + wide + 14, top + 24, f"W: {whole:,}", anchor="start")
    canvas.note(
        70 + wide + 14, top + 46, f"{n['rows']} × {n['columns']}", anchor="start"
    )
    canvas.plus(212, top + high / 2)
    canvas.rect(262, top, thin, high, "orange", opacity=0.75, radius=3)
    canvas.rect(262 + thin + 14, top, wide, thin, "orange", opacity=0.75, radius=3)
    left = 262 + thin + 14
    canvas.text(left, top + 60, f"B and A: {one:,}", anchor="start")
    canvas.note(left, top + 82, f"rank {RANK}", anchor="start")


def _bars(canvas: Canvas, n: dict[str, int]) -> None:
    """How many numbers are trained, by rank."""
    left, top, step, full = 640, 386, 46, 190
    canvas.text(490, 358, "Trained in the whole model", 16, anchor="start", bold=True)
    amounts = {f"rank {r}": r * n["per_rank"] for r in sorted({*RANKS, RANK})}
    amounts["all weights"] = n["all"]
    for row, (name, amount) in enumerate(amounts.items()):
        y = top + row * step
        role = "faint" if name == "all weights" else "orange"
        canvas.text(left - 14, y + 20, name, 15, anchor="end")
        wide = max(2, full * amount / n["all"])
        canvas.rect(left, y, wide, 28, role, opacity=0.75, radius=3)
        canvas.text(left + wide + 12, y + 20, f"{amount:,}", 15, anchor="start")
