"""13: what is computed for each new character, without a cache and with one."""

from gptcourse.drawings.canvas import MARGIN, Canvas
from gptlib.model import GPTConfig

TEXT = "My lord,"
READ = 5  # the row that the caption reads
MODEL = GPTConfig(block_size=256, n_layer=6, n_head=6, n_embd=384)
CELL, TOP = 46, 170


def flops_for_one_more(config: GPTConfig, T: int, cached: bool) -> int:
    """FLOPs to have the logits after T characters: of all, or of the newest alone."""
    C = config.n_embd
    weights = 12 * config.n_layer * C**2 + config.vocab_size * C  # of all matrices
    each = 2 * weights + 4 * config.n_layer * T * C
    return each if cached else T * each


def draw() -> Canvas:
    """The picture of `13_speed`."""
    n, T = len(TEXT), MODEL.block_size
    again = n * (n + 1) // 2
    plain, kept = (flops_for_one_more(MODEL, T, cached) for cached in (False, True))
    canvas = Canvas(
        "Generating without a cache and with one",
        f"A model is asked for the next character after each of the {n} characters of "
        f"“{TEXT}”. Without a cache it computes {again} queries, keys and values, most "
        f"of them again; with a cache it computes {n} and keeps keys and values.",
        "What is computed for each next character",
        TOP + n * CELL + 152,
    )
    _readings(canvas, MARGIN + 64, "Without a cache", "orange", "qkv")
    _readings(canvas, 564, "With a cache", "green", "kv")
    foot = TOP + n * CELL + 34
    for x, role, text in (
        (MARGIN + 64, "blue", "computed, new"),
        (MARGIN + 244, "orange", "computed again"),
        (564, "blue", "computed, new"),
        (744, "green", "kept, only read"),
    ):
        canvas.rect(x, foot - 13, 16, 16, role, opacity=0.5, radius=4)
        canvas.note(x + 24, foot, text, anchor="start")
    canvas.caption(
        f"Row `{TEXT[READ]}`: without a cache **{READ + 1} positions** go through the "
        f"model, with a cache **1**; it reads the keys and values of {READ} others.",
        f"After {T} characters the notebook's larger model needs {plain / 1e9:.2f} "
        f"GFLOP for the next, with a cache {kept / 1e9:.3f}: a {T}th.",
    )
    return canvas


def _readings(canvas: Canvas, left: float, title: str, role: str, old: str) -> None:
    """A row for each step: the new position, and what happens to the earlier ones."""
    canvas.text(left, 104, title, 18, anchor="start", bold=True)
    n = len(TEXT)
    side = left + n * CELL + 14
    for column, char in enumerate(TEXT):
        name = {" ": "␣"}.get(char, char)
        canvas.text(left + (column + 0.5) * CELL, TOP - 12, name, 17, mono=True)
    for row in range(n):
        y = TOP + row * CELL
        name = {" ": "␣"}.get(TEXT[row], TEXT[row])
        canvas.text(left - 12, y + CELL / 2 + 6, name, 17, anchor="end", mono=True)
        for column in range(row):
            canvas.cell(left + column * CELL, y, CELL, CELL, role, 0.4, old, 14)
        canvas.cell(left + row * CELL, y, CELL, CELL, "blue", 0.6, "qkv", 14)
    canvas.note(left - 12, TOP - 12, "step", anchor="end")
    total = n * (n + 1) // 2 if role == "orange" else n
    canvas.text(side - 14, 104, f"{total} computed", 16, anchor="end")
