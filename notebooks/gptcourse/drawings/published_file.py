"""16: the tensors of GPT-2's file and the modules of our class that they fill."""

from gptcourse.drawings.canvas import MARGIN, Canvas
from gptlib.files.meta import meta_device
from gptlib.hub.pretrained import is_transposed, their_name
from gptlib.model import GPT, GPTConfig

SHAPE = GPTConfig(vocab_size=50257, block_size=1024, n_layer=12, n_head=12, n_embd=768)
FILE, CLASS = 240, 760  # the middles of the two columns
# Rows of the drawing: a module of ours, and whether it lies in every block.
ROWS = (
    ("wte", False),
    ("wpe", False),
    ("ln_1", True),
    ("attn.qkv", True),
    ("attn.proj", True),
    ("ln_2", True),
    ("mlp.fc", True),
    ("mlp.proj", True),
    ("ln_f", False),
)
TOP, HIGH = 148, 52  # the middle of the first row; the distance of rows
BEFORE, AFTER = 50, 76  # more distance before the block, and after it with the masks
PER_UNIT = 58  # numbers of a matrix's side to one unit of the page


def shapes() -> dict[str, tuple[int, ...]]:
    """The shape of each of our tensors at GPT-2's size, without their memory."""
    with meta_device():
        return {name: tuple(t.shape) for name, t in GPT(SHAPE).state_dict().items()}


def described(module: str, in_block: bool, ours: dict) -> dict:
    """A module's name and the shape of its weight, in the file and in our class."""
    name = f"blocks.0.{module}.weight" if in_block else f"{module}.weight"
    ours = ours[name]
    theirs = their_name(name).removeprefix("h.0.").removesuffix(".weight")
    turned = is_transposed(their_name(name))
    return {
        "theirs": theirs,
        "file": ours[::-1] if turned else ours,
        "ours": module,
        "class": ours,
        "turned": turned,
    }


def draw() -> Canvas:
    """The picture of `16_gpt2`."""
    canvas = Canvas(
        "The tensors of GPT-2's file and our modules",
        "On the left the tensors of the file of the smallest GPT-2, on the right the "
        "modules of our class that they fill. The four matrices of each block are "
        "transposed, also the square one, whose shape does not show it; the stored "
        "masks are left out, and no output matrix is there.",
        f"GPT-2's file and our class: the same {SHAPE.n_params:,} numbers",
        866,
    )
    canvas.text(FILE, 96, "in the file, `model.safetensors`", 17, bold=True)
    canvas.text(CLASS, 96, "in our class, `GPT`", 17, bold=True)
    first, last = _y(2) - 62, _y(7) + 84
    canvas.rect(MARGIN, first, 1000 - 2 * MARGIN, last - first, radius=14)
    canvas.note(FILE - 124, first + 26, "12 blocks, `h.0` to `h.11`", anchor="start")
    canvas.note(CLASS - 124, first + 26, "`blocks.0` to `blocks.11`", anchor="start")
    tensors = shapes()
    for row, (module, in_block) in enumerate(ROWS):
        _row(canvas, _y(row), described(module, in_block, tensors))
    _masks(canvas, _y(7) + 52)
    _tied(canvas, _y(8))
    canvas.caption(
        "GPT-2 computes `x @ W + b`, `nn.Linear` computes `x @ W.T + b`: "
        "**four matrices of each block are transposed**.",
        "For `attn.c_proj`, which is square, no shape shows it. Each `ln_` and each "
        "matrix of a block also has a bias.",
    )
    return canvas


def _y(row: int) -> float:
    """The middle of a row; the block stands apart, with the masks at its end."""
    return TOP + HIGH * row + BEFORE * (row >= 2) + AFTER * (row >= 8)


def _row(canvas: Canvas, y: float, one: dict) -> None:
    """A tensor, the arrow, and our module."""
    role = "orange" if one["turned"] else "blue"
    for x, name, shape in (
        (FILE, one["theirs"], one["file"]),
        (CLASS, one["ours"], one["class"]),
    ):
        _matrix(canvas, x - 104, y, shape, role)
        canvas.text(x - 58, y - 3, name, 15, anchor="start", mono=True, bold=True)
        sizes = ", ".join(map(str, shape)) + "," * (len(shape) == 1)
        canvas.note(x - 58, y + 16, f"({sizes})", anchor="start", mono=True)
    canvas.arrow([(FILE + 150, y), (CLASS - 160, y)], role, 2.2)
    if one["turned"]:
        canvas.circle(500, y, 15, "card", stroke=role, thick=2)
        canvas.text(500, y + 6, "T", 16, "orange", bold=True)


def _matrix(canvas: Canvas, x, y, shape: tuple[int, ...], role: str) -> None:
    """A matrix in its orientation, sides to scale where the row is high enough."""
    rows, columns = shape if len(shape) == 2 else (1, shape[0])
    high, wide = (max(5, min(44, side / PER_UNIT)) for side in (rows, columns))
    canvas.rect(
        x - wide / 2,
        y - high / 2,
        wide,
        high,
        role,
        opacity=0.5,
        radius=3,
        stroke=role,
    )


def _masks(canvas: Canvas, y: float) -> None:
    """What old files carry along and no model needs."""
    canvas.rect(FILE - 120, y - 16, 32, 32, "hatch", radius=3, stroke="faint")
    canvas.text(FILE - 58, y - 3, "attn.bias", 15, "soft", anchor="start", mono=True)
    canvas.note(FILE - 58, y + 16, "(1, 1, 1024, 1024)", anchor="start", mono=True)
    canvas.path([(FILE + 150, y), (484, y)], "faint", dashed=True)
    canvas.text(500, y + 5, "the causal mask: no weight, left out", 15, anchor="start")


def _tied(canvas: Canvas, y: float) -> None:
    """The output matrix, which is no tensor of its own."""
    canvas.text(
        500, y + 62, "No output matrix: `wte` is tied and makes the logits, too.", 15
    )
