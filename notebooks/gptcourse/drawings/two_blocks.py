"""14: GPT-2's block beside the modern one; what was replaced is coloured."""

import torch

from gptcourse.drawings.canvas import Canvas
from gptlib.model import GPT, GPTConfig, count_parameters
from gptlib.modern import ModernConfig, ModernGPT

SHAPE = {"vocab_size": 65, "block_size": 64, "n_layer": 3, "n_head": 4, "n_embd": 128}
OLD, NEW, WIDE, HIGH = 150, 630, 300, 36
# y of each row; GPT-2's box (name, part of the model), the modern one, what is new
ROWS = (
    (150, ("token + position", "wte wpe"), ("token", "wte"), True),
    (222, ("LayerNorm", "ln_1"), ("RMSNorm", ""), True),
    (270, ("`qkv`", "attn.qkv"), ("`qkv`, no biases", "attn.qkv"), True),
    (318, None, ("RMSNorm of q and k", ""), True),
    (366, None, ("rotate q and k by position", ""), True),
    (414, ("attention", ""), ("attention", ""), False),
    (462, ("`proj`", "attn.proj"), ("`proj`, begins at zero", "attn.proj"), True),
    (542, ("LayerNorm", "ln_2"), ("RMSNorm", ""), True),
    (590, ("`fc`", "mlp.fc"), ("`fc`, no biases", "mlp.fc"), True),
    (638, ("GELU", ""), ("ReLU²", ""), True),
    (686, ("`proj`", "mlp.proj"), ("`proj`, begins at zero", "mlp.proj"), True),
)
READS, ADDS = (222, 542), (462, 686)


def counted() -> dict[str, int]:
    """Parameters by "old" or "new" and the name of a part; "block" is a whole block."""
    sizes = {}
    # The caller's random numbers stay as they are.
    with torch.random.fork_rng(devices=[]):
        models = {
            "old": GPT(GPTConfig(**SHAPE)),
            "new": ModernGPT(ModernConfig(**SHAPE)),
        }
    for kind, model in models.items():
        block = model.blocks[0]
        sizes[f"{kind} block"] = count_parameters(block)
        for name, part in [*model.named_children(), *block.named_modules()]:
            sizes[f"{kind} {name}"] = count_parameters(part)
    sizes["old wte wpe"] = sizes["old wte"] + sizes["old wpe"]
    return sizes


def draw() -> Canvas:
    """The picture of `14_modern`."""
    n = counted()
    canvas = Canvas(
        "A block of GPT-2 beside a modern block",
        "Two columns of boxes from embedding to feed-forward. Attention itself is the "
        "same in both; norms, positions, biases, first weights, the bend of the "
        "feed-forward layer and the optimiser have been replaced.",
        "GPT-2's block, and what has replaced its parts",
        898,
    )
    canvas.path([(500, 84), (500, 800)], "edge", 1.5)
    _column(canvas, OLD, n, "old", "GPT-2, 2019", "GPT")
    _column(canvas, NEW, n, "new", "what is usual today", "ModernGPT")
    canvas.caption(
        "**Orange** has been replaced or added; attention itself, scores, softmax and "
        "mean, has stayed.",
        f"A block has {n['new block']:,} parameters instead of {n['old block']:,}: "
        "none in the norms, and no biases.",
    )
    return canvas


def _column(canvas: Canvas, x: float, n, kind: str, title: str, name: str) -> None:
    """One model's way down; its boxes stand to the right of the residual stream."""
    road = x - 66
    canvas.text(road - 18, 96, title, 18, anchor="start", bold=True)
    canvas.text(road - 18, 118, f"`{name}`", 15, "soft", anchor="start")
    canvas.path([(road, 186), (road, 736)], "road", 20)
    canvas.arrow([(road, 168), (road, 752)], "soft", 2.2)
    canvas.note(x + WIDE, 136, "parameters", anchor="end")
    middle = x + WIDE / 2
    boxes = [(y, row[kind == "new"], changed) for y, *row, changed in ROWS]
    boxes = [(y, box, changed) for y, box, changed in boxes if box]
    for row, (y, (label, part), changed) in enumerate(boxes):
        role = "orange" if changed and kind == "new" else "soft"
        fill = "orange" if role == "orange" else "card"
        canvas.box(x, y, WIDE, HIGH, role=role, fill=fill)
        canvas.text(x + 14, y + 23, label, 15, anchor="start", bold=True)
        size = n[f"{kind} {part}"] if part else 0
        canvas.note(x + WIDE - 14, y + 23, f"{size:,}", anchor="end")
        follows = row + 1 < len(boxes) and y > 150 and y not in ADDS
        if follows:
            canvas.arrow([(middle, y + HIGH + 1), (middle, boxes[row + 1][0] - 1)])
    canvas.arrow([(x - 2, 168), (road + 4, 168)], "soft", 2.2)
    for y in READS:
        canvas.arrow([(road, y + 18), (x - 2, y + 18)], "soft")
    for y in ADDS:
        canvas.arrow([(x - 2, y + 18), (road + 15, y + 18)], "soft")
        canvas.plus(road, y + 18, "ink", 13)
    by = "AdamW and Muon" if kind == "new" else "AdamW"
    role = "orange" if kind == "new" else "soft"
    fill = role if role == "orange" else "card"
    canvas.box(x, 766, WIDE, HIGH, role=role, fill=fill)
    canvas.text(x + 14, 789, f"trained by {by}", 15, anchor="start", bold=True)
