"""00: what is built, and the way through the notebooks, with hours."""

import json
import re
from pathlib import Path

from gptcourse.drawings.canvas import MARGIN, Canvas
from gptcourse.drawings.sampling import next_logits
from gptlib.files.fetch import project_folder

PARTS = (  # name, what it is, where it leads, colour, notebooks
    ("Part I", "The six steps", "to a GPT of your own", "blue", range(7)),
    ("Part II", "Living with it", "what it does, and why", "orange", range(7, 13)),
    ("Part III", "Further", "fast, modern, and GPT-2", "green", range(13, 18)),
)
LABELS = {
    0: "start", 1: "bigram", 2: "one head", 3: "heads", 4: "blocks", 5: "GPT",
    6: "training", 7: "overfitting", 8: "generation", 9: "tokens", 10: "prompting",
    11: "fine-tuning", 12: "inside", 13: "speed", 14: "modern", 15: "reading",
    16: "GPT-2", 17: "scaling",
}  # fmt: skip
SPEAKER, TEXT = "ROMEO:\n", "My l"  # of which the second is drawn
MINUTES = re.compile(r"(?<![\d.])(\d+)\s+minutes")
CORE = re.compile(r"exercises?:\s+(\d+)\s+minutes")


def notebooks() -> dict[int, Path]:
    """The notebooks that there are, by their number."""
    folder = project_folder("notebooks")
    return {int(path.name[:2]): path for path in sorted(folder.glob("[0-9]*.ipynb"))}


def minutes(notebook: Path) -> int:
    """Minutes of reading and of the core exercises, as the notebook's header says.

    Raises ValueError if the header names no minutes.
    """
    header = "".join(json.loads(notebook.read_text("utf-8"))["cells"][0]["source"])
    reading, core = MINUTES.search(header), CORE.search(header)
    if reading is None:
        raise ValueError(f"{notebook.name}: its first cell names no minutes of reading")
    return int(reading[1]) + (int(core[1]) if core else 0)


def hours(total: int) -> str:
    """Minutes as hours, to the half."""
    halves = max(1, round(total / 30))
    whole = f"{halves // 2}" * (halves > 1) + "½" * (halves % 2)
    return f"about {whole} hour{'s' if halves > 2 else ''}"


def draw() -> Canvas:
    """The picture of `00_start_here`."""
    there = notebooks()
    every = sum(map(minutes, there.values()))
    canvas = Canvas(
        "The map of the course",
        "Above, what you build: text becomes tokens, a GPT gives each character a "
        "probability, and the drawn character joins the text. Below, the way there in "
        "three parts: "
        + "; ".join(
            f"{part}, {name.lower()}, {_hours_of(there, numbers)}"
            for part, name, _, _, numbers in PARTS
        )
        + ".",
        "What you will build, and the way there",
        708,
    )
    _machine(canvas)
    for row, part in enumerate(PARTS):
        _lane(canvas, 340 + 112 * row, part, there)
    canvas.caption(
        f"**{len(there)} notebooks, {hours(every)}** of reading and core exercises. "
        "After Part I you have trained a GPT of your own."
    )
    return canvas


def _hours_of(there: dict[int, Path], numbers: range) -> str:
    return hours(sum(minutes(there[n]) for n in numbers if n in there))


def _machine(canvas: Canvas) -> None:
    """Text to tokens to the model to the next character, and round again."""
    canvas.rect(MARGIN, 76, 928, 200, radius=14)
    logits, chars = next_logits(SPEAKER + TEXT)
    p = logits.softmax(dim=-1)  # (V,)
    likely = [(chars[i], p[i].item()) for i in p.argsort(descending=True)[:3]]
    y, middle = 126, 145
    for place, char in enumerate(TEXT.replace(" ", "␣")):
        canvas.chip(96 + 44 * place, y, char)
    canvas.text(181, y + 62, "text as tokens", 15, "soft")
    canvas.arrow([(284, middle), (348, middle)], "soft", 2.2)
    for row in range(3):
        y_row = y - 23 + 30 * row
        canvas.rect(362, y_row, 156, 24, "blue", opacity=0.3 + 0.2 * row, radius=6)
    canvas.text(440, y + 92, "your GPT", 17, bold=True)
    canvas.arrow([(532, middle), (596, middle)], "soft", 2.2)
    for row, (char, share) in enumerate(likely):
        top = y - 21 + 29 * row
        canvas.text(618, top + 17, char, 15, mono=True)
        canvas.rect(634, top + 1, 110 * share, 22, "orange", opacity=0.7, radius=5)
        percent = f"{share:.0%}"
        canvas.note(642 + 110 * share, top + 17, percent, anchor="start")
    canvas.text(690, y + 92, "what may come next", 15, "soft")
    canvas.arrow([(776, middle), (830, middle)], "soft", 2.2)
    canvas.chip(846, y, likely[0][0], "orange")
    canvas.text(865, y + 62, "drawn", 15, "soft")
    way = [(890, middle), (934, middle), (934, 252), (64, 252), (64, middle)]
    canvas.arrow([*way, (90, middle)], "orange", 2)


def _lane(canvas: Canvas, y: float, part, there: dict[int, Path]) -> None:
    """One part: its name and hours on the left, its notebooks along a road."""
    title, name, goal, role, numbers = part
    stops = [number for number in numbers if number in there]
    canvas.text(MARGIN, y - 10, f"**{title}** · {name}", 17, anchor="start")
    canvas.text(MARGIN, y + 14, _hours_of(there, numbers), 15, "soft", anchor="start")
    canvas.text(MARGIN, y + 38, goal, 15, "soft", anchor="start")
    first, step = 304, 102
    canvas.path(
        [(first, y), (first + step * (len(stops) - 1), y)], role, 5, opacity=0.5
    )
    for place, number in enumerate(stops):
        x = first + step * place
        canvas.circle(x, y, 20, stroke=role, thick=2.6)
        canvas.text(x, y + 5.5, f"{number:02d}", 15, bold=True)
        canvas.note(x, y + 44, LABELS[number])
