"""17: what each budget of the scaling study buys, as size against text."""

import math

from gptcourse.drawings.canvas import MARGIN, Canvas
from gptlib.commands.spec import read_spec
from gptlib.files.fetch import project_folder
from gptlib.model import GPTConfig

LEFT, RIGHT, TOP, BOTTOM = 118, 940, 116, 590  # of the plane
SIZES, TEXTS = (3_000, 900_000), (120_000, 11_000_000)  # its ends
SIZE_TICKS = (10_000, 30_000, 100_000, 300_000)
TEXT_TICKS = {300_000: "0.3 M", 1_000_000: "1 M", 3_000_000: "3 M"}
ROLES = ("blue", "green", "purple", "orange")


def bought() -> dict[str, list[tuple[int, int]]]:
    """(parameters, characters) of each model that a budget pays for, by budget."""
    found: dict[str, list[tuple[int, int]]] = {}
    for name in ("scaling", "scaling_large"):
        path = project_folder("notebooks") / "records" / "sweeps" / f"{name}.yaml"
        for point in read_spec(path).points():
            shape = GPTConfig(65, 64, 2, point["n_head"], point["n_embd"])
            characters = point["steps"] * 8 * 64
            found.setdefault(point["recipe"], []).append((shape.n_params, characters))
    return found


def draw() -> Canvas:
    """The picture of `17_scaling`."""
    budgets = bought()
    one = budgets["1 TFLOP"]
    (small, long), (large, short) = one[0], one[-1]
    canvas = Canvas(
        "What a budget buys: size against text",
        "Parameters run to the right, characters of training text upwards, both in "
        "equal factors. Four falling lines join the models that 0.1, 0.3, 1 and 3 "
        "TFLOP pay for: every model on a line costs the same, and a larger one is "
        "trained on less text.",
        "A budget buys size or text: which point of a line is best?",
        736,
    )
    _axes(canvas)
    for role, (name, models) in zip(ROLES, budgets.items(), strict=True):
        _budget(canvas, role, name, models)
    canvas.caption(
        f"**1 TFLOP** pays for {small:,} parameters and {long / 1e6:.1f} million "
        f"characters, or for {large:,} and {short / 1e6:.1f} million.",
        "Where is the loss lowest on each line? Three lines answer for 3 TFLOP, "
        "**before it is spent**.",
    )
    return canvas


def _at(size: float, text: float) -> tuple[float, float]:
    """The point of the page for a size and a length of text."""
    across = math.log(size / SIZES[0]) / math.log(SIZES[1] / SIZES[0])
    up = math.log(text / TEXTS[0]) / math.log(TEXTS[1] / TEXTS[0])
    return LEFT + across * (RIGHT - LEFT), BOTTOM - up * (BOTTOM - TOP)


def _axes(canvas: Canvas) -> None:
    """Ticks and lines at round numbers, and what the two axes are."""
    for size in SIZE_TICKS:
        x, _ = _at(size, TEXTS[0])
        canvas.path([(x, BOTTOM), (x, BOTTOM - 8)], "soft", 1.2)
        canvas.note(x, BOTTOM + 20, f"{size:,}", mono=True)
    for length, text in TEXT_TICKS.items():
        _, y = _at(SIZES[0], length)
        canvas.path([(LEFT, y), (RIGHT, y)], "edge", 1.2)
        canvas.note(LEFT - 10, y + 5, text, anchor="end", mono=True)
    canvas.arrow([(LEFT, BOTTOM), (RIGHT + 14, BOTTOM)], "soft")
    canvas.arrow([(LEFT, BOTTOM), (LEFT, TOP - 14)], "soft")
    canvas.text(RIGHT + 14, BOTTOM + 44, "parameters", 15, anchor="end", bold=True)
    canvas.text(MARGIN, TOP - 24, "characters of text", 15, anchor="start", bold=True)


def _budget(canvas: Canvas, role: str, name: str, models) -> None:
    """The models of one budget, joined; the name stands above the first."""
    points = [_at(*model) for model in models]
    canvas.path(points, role, 2.4, dashed=role == ROLES[-1], bend=0)
    for x, y in points:
        canvas.circle(x, y, 7.5, role)
    x, y = points[0]
    canvas.text(x + 14, y - 12, name, 17, role, anchor="start", bold=True)
