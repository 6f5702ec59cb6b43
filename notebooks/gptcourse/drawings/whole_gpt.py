"""05: the whole GPT of the notebook, with shapes on the arrows and parameter counts."""

import torch

from gptcourse.drawings.canvas import MARGIN, Canvas
from gptlib.model import GPT, GPTConfig, count_parameters

SHAPE = GPTConfig(vocab_size=65, block_size=64, n_layer=3, n_head=4, n_embd=64)
WAY = 318  # the middle of the main way


def counted() -> dict[str, int]:
    """Parameters of the parts of the notebook's GPT, by the names of its modules."""
    model = GPT(SHAPE)
    block = model.blocks[0]
    parts = {"wte": model.wte, "wpe": model.wpe, "block": block, "ln_f": model.ln_f}
    parts |= {"ln": block.ln_1, "qkv": block.attn.qkv, "proj": block.attn.proj}
    parts |= {"fc": block.mlp.fc, "mlp.proj": block.mlp.proj, "all": model}
    return {name: count_parameters(part) for name, part in parts.items()}


def first_weights(seed: int = 0) -> list[list[float]]:
    """A corner of the token table of a new GPT, (10, 6)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return GPT(SHAPE).wte.weight[:10, :6].tolist()


def draw() -> Canvas:
    """The picture of `05_gpt`."""
    n, c = counted(), SHAPE
    canvas = Canvas(
        "The whole GPT with shapes and parameter counts",
        f"Token ids become vectors by the token and position tables, pass {c.n_layer} "
        "blocks and a last LayerNorm, and become logits by the token table once more. "
        "One block is shown from the inside, and a bar shows how the "
        f"{n['all']:,} parameters are divided.",
        f"A GPT in one picture: {n['all']:,} parameters",
        836,
    )
    _way(canvas, n)
    _tied(canvas, n)
    _block(canvas, n)
    _bar(canvas, n)
    forward = (n["fc"] + n["mlp.proj"]) * c.n_layer / n["all"]
    canvas.caption(
        f"Down the road goes **one vector of C = {c.n_embd} numbers per position**; "
        f"**{forward:.0%}** of the parameters sit in feed-forward."
    )
    return canvas


def _way(canvas: Canvas, n: dict[str, int]) -> None:
    """From the ids down to the logits."""
    c = SHAPE
    canvas.text(WAY, 94, "token ids", 15, bold=True)
    _shape(canvas, 102, 128, "(B, T)")
    canvas.box(
        WAY - 92, 130, 184, 44, "look up a row", "of `wte`", role="green", fill="green"
    )
    _shape(canvas, 176, 210, "(B, T, C)")
    canvas.plus(WAY, 226, "ink", 14)
    canvas.box(
        448,
        202,
        138,
        48,
        "`wpe` positions",
        f"{n['wpe']:,}",
        role="purple",
        fill="purple",
        size=14,
    )
    canvas.arrow([(446, 226), (WAY + 17, 226)], "purple")
    canvas.note(390, 247, "(T, C)", mono=True)
    top = 266
    canvas.arrow([(WAY, 242), (WAY, top - 2)])
    for number in range(c.n_layer):
        canvas.box(
            WAY - 92,
            top,
            184,
            46,
            f"block {number}",
            f"{n['block']:,}",
            role="blue",
            fill="blue",
        )
        _shape(canvas, top + 48, top + 72, "(B, T, C)")
        top += 74
    canvas.box(WAY - 92, top, 184, 46, "LayerNorm `ln_f`", f"{n['ln_f']:,}")
    _shape(canvas, top + 48, top + 76, "(B, T, C)")
    canvas.box(
        WAY - 92,
        top + 78,
        184,
        44,
        "dot product with",
        "each row of `wte`",
        role="green",
        fill="green",
    )
    _shape(canvas, top + 124, top + 154, "(B, T, V)")
    canvas.text(WAY, top + 174, "logits of the next token", 15, bold=True)


def _shape(canvas: Canvas, start: float, end: float, shape: str) -> None:
    """An arrow down the way, and what it carries."""
    canvas.arrow([(WAY, start), (WAY, end)])
    middle = (start + end) / 2 + 4
    canvas.note(WAY + 12, middle, shape, anchor="start", mono=True)


def _tied(canvas: Canvas, n: dict[str, int]) -> None:
    """The token table, drawn once, and its two uses."""
    x, y, wide, high = 58, 268, 84, 190
    weights = first_weights()
    for row in range(10):
        for column in range(6):
            strength = min(1, abs(weights[row][column]) / 0.05)
            place = (x + column * wide / 6, y + row * high / 10, wide / 6, high / 10)
            canvas.cell(*place, "green", strength)
    middle = x + wide / 2
    canvas.arrow([(middle, y - 8), (middle, 152), (WAY - 96, 152)], "green", 2.2)
    lower = 588
    canvas.arrow(
        [(middle, y + high + 80), (middle, lower), (WAY - 96, lower)], "green", 2.2
    )
    canvas.text(middle, y + high + 24, "`wte`, tied", 15, bold=True)
    canvas.note(middle, y + high + 44, f"(V, C) {n['wte']:,}")
    canvas.note(middle, y + high + 64, "stored once")


def _block(canvas: Canvas, n: dict[str, int]) -> None:
    """The inside of one block."""
    canvas.rect(612, 84, 352, 566, radius=14)
    canvas.path([(WAY + 96, 289), (608, 289)], "faint", dashed=True)
    canvas.text(636, 116, "Inside a block", 17, anchor="start", bold=True)
    x = 660
    canvas.path([(x, 140), (x, 616)], "road", 20)
    canvas.arrow([(x, 140), (x, 632)], "soft", 2.2)
    attention = (
        ("LayerNorm `ln_1`", n["ln"], ""),
        ("`qkv`", n["qkv"], "blue"),
        ("attention, 4 heads", 0, "blue"),
        ("`proj`", n["proj"], "blue"),
    )
    _sub_layer(canvas, x, 138, attention, ("(B, T, C)", "(B, T, 3C)", "(B, T, C)"))
    forward = (
        ("LayerNorm `ln_2`", n["ln"], ""),
        ("`fc`", n["fc"], "orange"),
        ("GELU", 0, "orange"),
        ("`proj`", n["mlp.proj"], "orange"),
    )
    _sub_layer(canvas, x, 382, forward, ("(B, T, C)", "(B, T, 4C)", "(B, T, 4C)"))


def _sub_layer(canvas: Canvas, x, y, boxes, shapes) -> None:
    """A column of boxes beside the road; the last one adds to it."""
    left, wide, high, step = x + 62, 216, 34, 60
    role = boxes[1][2]
    canvas.circle(x, y + high / 2, 4.5, role)
    canvas.arrow([(x, y + high / 2), (left - 2, y + high / 2)], role)
    for row, (name, count, fill) in enumerate(boxes):
        top = y + step * row
        canvas.box(left, top, wide, high, role=fill or "soft", fill=fill or "card")
        canvas.text(left + 14, top + 22, name, 14, anchor="start", bold=True)
        numbers = f"{count:,}" if count else "0"
        canvas.note(left + wide - 14, top + 22, numbers, anchor="end")
        if row < len(shapes):
            middle = left + wide / 2
            canvas.arrow([(middle, top + high + 1), (middle, top + step - 1)])
            canvas.note(
                middle + 12, top + step - 8, shapes[row], anchor="start", mono=True
            )
    bottom = y + 3 * step + high / 2
    canvas.arrow([(left - 2, bottom), (x + 15, bottom)], role)
    canvas.plus(x, bottom, role, 13)


def _bar(canvas: Canvas, n: dict[str, int]) -> None:
    """All parameters as one bar, its parts to scale."""
    c, y, high, whole = SHAPE, 710, 30, 928
    parts = (
        ("tokens", n["wte"], "green"),
        ("positions", n["wpe"], "purple"),
        ("attention", c.n_layer * (n["qkv"] + n["proj"]), "blue"),
        ("feed-forward", c.n_layer * (n["fc"] + n["mlp.proj"]), "orange"),
    )
    left = n["all"] - sum(size for _, size, _ in parts)
    canvas.text(
        MARGIN, y - 14, "Where the parameters sit", 16, anchor="start", bold=True
    )
    canvas.note(964, y - 14, f"the rest: LayerNorms, {left:,}", anchor="end")
    x = MARGIN
    for name, size, role in parts:
        width = whole * size / n["all"]
        canvas.rect(x + 1, y, width - 2, high, role, opacity=0.5, radius=4)
        if width > 100:
            canvas.text(x + width / 2, y + 20, f"**{name}** {size:,}", 14)
        x += width
    canvas.note(
        MARGIN,
        y + high + 20,
        f"**tokens** {n['wte']:,}, **positions** {n['wpe']:,}",
        anchor="start",
    )
