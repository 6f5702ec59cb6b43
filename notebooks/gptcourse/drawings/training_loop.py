"""06: the loop of training, and what is measured beside it, from a recorded run."""

from gptcourse.drawings.canvas import MARGIN, Canvas, number
from gptlib.commands.sweep import load_curves
from gptlib.files.fetch import project_folder

STATIONS = (  # what happens, its line of code, colour; clockwise
    ("batch", "idx, targets", "(B, T) each", "faint"),
    ("forward", "model(idx, targets)", "logits (B, T, V)", "blue"),
    ("loss", "F.cross_entropy", "one number", "blue"),
    ("backward", "loss.backward()", "after zero_grad()", "orange"),
    ("clip", "clip_grad_norm_", "norm at most 1", "orange"),
    ("step", "optimizer.step()", "new weights", "green"),
)
WIDE, HIGH, GAP = 180, 84, 26
Curve = list[tuple[float, float]]


def recorded() -> dict[str, Curve]:
    """Losses every 50 steps, of train and val, of a sweep's run on all of train."""
    sweep = project_folder("notebooks") / "records" / "sweeps" / "text.yaml"
    run = [
        row
        for row in load_curves(sweep)
        if row["train_characters"] == 0 and row["seed"] == 0
    ]
    return {
        name: [(row["step"], row[name]) for row in run] for name in ("train", "val")
    }


def draw() -> Canvas:
    """The picture of `06_training`."""
    curves = recorded()
    steps, end = curves["val"][-1]
    canvas = Canvas(
        "The training loop",
        "Six stations in a circle: batch, forward, loss, backward, clip, step, then "
        "the next batch. Every 50 steps the loss of train and val is measured beside "
        f"it; in the recorded run val falls to {end:.2f} nats per character after "
        f"{steps:,} steps.",
        "Six stations make one step of training",
        560,
    )
    _loop(canvas)
    _chart(canvas, curves)
    canvas.caption(
        "The loop changes the weights; **measuring changes nothing**. Train and val "
        "are measured in the same way:",
        "on fixed parts of the text, with dropout off. Here a GPT of two blocks, "
        f"{steps:,} steps.",
    )
    return canvas


def _loop(canvas: Canvas) -> None:
    top, low = 96, 280
    lefts = [MARGIN + column * (WIDE + GAP) for column in range(3)]
    places = [(x, top) for x in lefts] + [(x, low) for x in reversed(lefts)]
    for count, ((x, y), (name, code, gives, role)) in enumerate(
        zip(places, STATIONS, strict=True), 1
    ):
        fill = "" if role == "faint" else role
        canvas.rect(
            x,
            y,
            WIDE,
            HIGH,
            fill or "panel",
            stroke=role,
            opacity=0.14 if fill else 1,
            radius=10,
            box=True,
        )
        middle = x + WIDE / 2
        canvas.text(middle, y + 25, f"{count} · {name}", 16, bold=True)
        canvas.text(middle, y + 48, code, 14, mono=True)
        canvas.note(middle, y + 70, gives)
    for x in lefts[:2]:
        canvas.arrow(
            [(x + WIDE + 2, top + HIGH / 2), (x + WIDE + GAP - 2, top + HIGH / 2)]
        )
        canvas.arrow(
            [(x + WIDE + GAP - 2, low + HIGH / 2), (x + WIDE + 2, low + HIGH / 2)]
        )
    right = lefts[2] + WIDE / 2
    canvas.arrow([(right, top + HIGH + 4), (right, low - 4)])
    left = lefts[0] + WIDE / 2
    canvas.arrow([(left, low - 4), (left, top + HIGH + 4)], "green", 2.4)
    canvas.text(lefts[1] + WIDE / 2, 224, "again, with the next batch,", 15, bold=True)
    canvas.note(lefts[1] + WIDE / 2, 246, "until all steps are done")
    canvas.arrow([(left, low + HIGH + 4), (left, 420), (660, 420)], "soft", dashed=True)
    canvas.text(left + 24, 410, "every 50 steps: measure", 15, "soft", anchor="start")


def _chart(canvas: Canvas, curves: dict[str, Curve]) -> None:
    """Train and val against the step, with a label at the end of each line."""
    canvas.rect(668, 84, 296, 352, radius=14)
    x0, y0, wide, high = 724, 148, 176, 228
    steps = curves["val"][-1][0]
    low, top = 1.6, 2.8
    canvas.text(686, 114, "loss", 15, anchor="start", bold=True)
    canvas.note(946, 114, "nats per character", anchor="end")
    for value in (1.6, 1.8, 2.0, 2.2, 2.4, 2.6, 2.8):
        y = y0 + high * (top - value) / (top - low)
        canvas.path([(x0, y), (x0 + wide, y)], "edge", 1)
        canvas.note(x0 - 10, y + 5, number(value, ".1f"), anchor="end")
    for name, role, shift in (("train", "blue", 6), ("val", "orange", 3)):
        line = [
            (x0 + wide * step / steps, y0 + high * (top - loss) / (top - low))
            for step, loss in curves[name]
        ]
        canvas.path(line, role, 2.4, bend=0)
        for x, y in line:
            canvas.circle(x, y, 2.6, role)
        canvas.text(
            line[-1][0] + 10,
            line[-1][1] + shift,
            name,
            15,
            role,
            anchor="start",
            bold=True,
        )
    for step in (0, steps // 2, steps):
        canvas.note(x0 + wide * step / steps, y0 + high + 22, f"{step:,}")
    canvas.note(x0 + wide / 2, y0 + high + 44, "step")
