"""04: the residual stream as a road, with LayerNorm before and after sub-layers."""

from gptcourse.drawings.canvas import Canvas

ROAD_TOP, ROAD_END = 158, 606
SUB_LAYERS = (  # name, what it does, colour, name in code
    ("Attention", "looks at earlier positions", "blue", "attn"),
    ("Feed-forward", "each position: C → 4C → C", "orange", "mlp"),
)


def draw() -> Canvas:
    """The picture of `04_blocks`."""
    canvas = Canvas(
        "The residual stream, pre-norm and post-norm",
        "Attention and feed-forward read from a road that runs from top to bottom, and "
        "add their results to it with a plus sign. On the left, LayerNorm stands "
        "before each sub-layer and the road is free; on the right, it stands on the "
        "road after each plus.",
        "Two sub-layers read from the road and add to it",
        748,
    )
    canvas.path([(500, 90), (500, 656)], "edge", 1.5)
    _pre_norm(canvas, 112)
    _post_norm(canvas, 612)
    canvas.caption(
        "**Before:** the road stays free, a sub-layer only adds a correction to it.",
        "**After:** each LayerNorm stands on the road and rescales all that was added.",
    )
    return canvas


def _pre_norm(canvas: Canvas, x: float) -> None:
    _head_line(canvas, 36, "LayerNorm before", "pre-norm: GPT-2, and ours")
    _road(canvas, x)
    for number, (name, does, role, _) in enumerate(SUB_LAYERS):
        y = 196 + 176 * number
        canvas.arrow([(x, y), (x + 108, y)], role, 2.2)
        canvas.circle(x, y, 5, role)
        canvas.box(x + 110, y - 18, 218, 36, f"LayerNorm `ln_{number + 1}`", size=15)
        canvas.arrow([(x + 219, y + 20), (x + 219, y + 42)], role, 2.2)
        _sub_layer(canvas, x, y + 44, name, does, role)
    canvas.box(x - 70, 548, 140, 36, "LayerNorm `ln_f`", size=14)
    canvas.lines(
        x + 82, 562, ("once, after the", "last block"), 14, role="soft", anchor="start"
    )


def _post_norm(canvas: Canvas, x: float) -> None:
    _head_line(canvas, 536, "LayerNorm after", "post-norm: the Transformer of 2017")
    _road(canvas, x)
    for number, (name, does, role, code) in enumerate(SUB_LAYERS):
        y = 196 + 176 * number
        canvas.path([(x, y), (x + 219, y), (x + 219, y + 14)], role, 2.2)
        canvas.arrow([(x + 219, y + 10), (x + 219, y + 30)], role, 2.2)
        canvas.circle(x, y, 5, role)
        _sub_layer(canvas, x, y + 32, name, does, role)
        canvas.box(x - 70, y + 104, 140, 36, f"LayerNorm `ln_{number + 1}`", size=14)
        canvas.note(
            x + 82,
            y + 127,
            f"x = ln_{number + 1}(x + {code}(x))",
            anchor="start",
            mono=True,
        )


def _head_line(canvas: Canvas, x: float, name: str, kind: str) -> None:
    canvas.text(x, 96, name, 18, anchor="start", bold=True)
    canvas.text(x, 118, kind, 15, "soft", anchor="start")


def _road(canvas: Canvas, x: float) -> None:
    canvas.path([(x, ROAD_TOP), (x, ROAD_END)], "road", 24)
    canvas.arrow([(x, ROAD_TOP), (x, ROAD_END + 16)], "soft", 2.4)
    canvas.note(x + 26, ROAD_TOP + 6, "residual stream x, `(B, T, C)`", anchor="start")
    canvas.note(x, ROAD_END + 40, "(B, T, C)", mono=True)


def _sub_layer(canvas: Canvas, x, y, name: str, does: str, role: str) -> None:
    """The box of a sub-layer beside the road at x, and its plus on the road."""
    canvas.box(x + 110, y, 218, 58, name, does, role=role, fill=role, size=16)
    canvas.arrow([(x + 108, y + 29), (x + 17, y + 29)], role, 2.2)
    canvas.plus(x, y + 29, role)
