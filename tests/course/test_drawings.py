"""The drawings: stored as drawn, legible, described, and true to their numbers."""

import math
import re
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from xml.etree import ElementTree

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from gptcourse import drawings
from gptcourse.drawings import (
    budgets,
    course_map,
    dropout_mask,
    kept_keys,
    low_rank,
    one_query,
    published_file,
    whole_gpt,
)
from gptcourse.drawings.canvas import WIDTH, Canvas, number
from gptcourse.drawings.fonts import split_marks, text_width
from gptcourse.drawings.theme import FILLS, LINES, STRONGEST
from gptlib.files.fetch import project_folder
from gptlib.model import GPT, GPTConfig

SVG = "{http://www.w3.org/2000/svg}"
NUMBER = re.compile(r"(\d+(?:\.\d+)?)(%?)")
draw = cache(drawings.draw)  # one drawing, many looks at it
every_drawing = pytest.mark.parametrize("notebook", drawings.MODULES)


@dataclass(frozen=True)
class Box:
    """A rectangle on the page; what a text or a shape covers."""

    left: float
    top: float
    right: float
    bottom: float
    order: int
    text: str = ""

    def meets(self, other: "Box") -> bool:
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom

    def holds(self, other: "Box") -> bool:
        across = self.left <= other.left and other.right <= self.right
        return across and self.top <= other.top and other.bottom <= self.bottom

    def has(self, x: float, y: float) -> bool:
        return self.left < x < self.right and self.top < y < self.bottom


def is_bold(element) -> bool:
    return "b" in element.get("class", "").split()


def is_mono(element) -> bool:
    return "m" in element.get("class", "").split()


def text_box(element, order: int) -> Box:
    """What a text covers, in the widest font that a reader may have."""
    size, x, y = (float(element.get(key)) for key in ("font-size", "x", "y"))
    parts = [(element.text, element)]
    for span in element:
        parts += [(span.text, span), (span.tail, element)]
    width = sum(
        text_width(
            text,
            size,
            is_bold(element) or is_bold(holder),
            is_mono(element) or is_mono(holder),
        )
        for text, holder in parts
        if text
    )
    left = x - width * {"start": 0, "middle": 0.5, "end": 1}[element.get("text-anchor")]
    words = "".join(element.itertext())
    return Box(left, y - 0.74 * size, left + width, y + 0.2 * size, order, words)


def rect_box(element, order: int) -> Box:
    x, y, width, height = (float(element.get(k)) for k in ("x", "y", "width", "height"))
    return Box(x, y, x + width, y + height, order)


def circle_box(element, order: int) -> Box:
    x, y, r = (float(element.get(key)) for key in ("cx", "cy", "r"))
    return Box(x - r, y - r, x + r, y + r, order)


def points_along(path: str) -> list[tuple[float, float]]:
    """Points of a path, at most two units apart."""
    numbers = [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?", path)]
    corners = list(zip(numbers[::2], numbers[1::2], strict=True))
    points = []
    for a, b in pairwise(corners):
        pieces = max(1, math.ceil(math.dist(a, b) / 2))
        points += [
            (a[0] + (b[0] - a[0]) * i / pieces, a[1] + (b[1] - a[1]) * i / pieces)
            for i in range(pieces + 1)
        ]
    return points


def faults(svg: str) -> list[str]:
    """What collides in a drawing: texts, the boxes around them, the card, the lines."""
    root = ElementTree.fromstring(svg)
    shapes = list(enumerate(root))
    texts = [text_box(e, i) for i, e in shapes if e.tag == f"{SVG}text"]
    rects = [(e, rect_box(e, i)) for i, e in shapes if e.tag == f"{SVG}rect"]
    boxes = [box for e, box in rects if "box" in e.get("class", "").split()]
    boxes += [circle_box(e, i) for i, e in shapes if e.tag == f"{SVG}circle"]
    page = Box(24, 20, WIDTH - 24, float(root.get("height")) - 14, 0)
    found = [f"{t.text!r} leaves the card" for t in texts if not page.holds(t)]
    for i, text in enumerate(texts):
        found += [
            f"{text.text!r} meets {t.text!r}" for t in texts[i + 1 :] if text.meets(t)
        ]
        middle = (text.left + text.right) / 2, (text.top + text.bottom) / 2
        around = [box for box in boxes if box.has(*middle)]
        found += [f"{text.text!r} leaves its box" for b in around if not b.holds(text)]
        # A line below an opaque box cannot be seen through it.
        covered = max((box.order for box in around), default=-1)
        for order, element in shapes[covered + 1 :]:
            if element.tag == f"{SVG}path" and any(
                text.has(*point) for point in points_along(element.get("d"))
            ):
                found.append(f"a line runs through {text.text!r} ({order})")
    return found


def same_text(stored: str, drawn: str) -> bool:
    """Equal but for the last digit of a number."""
    if NUMBER.sub("#", stored) != NUMBER.sub("#", drawn):
        return False
    pairs = zip(NUMBER.findall(stored), NUMBER.findall(drawn), strict=True)
    return all(
        abs(float(a) - float(b)) <= (1 if percent else 0.011)
        for (a, percent), (b, _) in pairs
    )


def same_shape(stored: dict, drawn: dict) -> bool:
    """The same attributes; places may differ by a unit, strengths by a fiftieth."""
    if stored.keys() != drawn.keys():
        return False
    for key, value in stored.items():
        if NUMBER.sub("#", value) != NUMBER.sub("#", drawn[key]):
            return False
        slack = 0.02 if "opacity" in key else 1
        pairs = zip(NUMBER.findall(value), NUMBER.findall(drawn[key]), strict=True)
        if any(abs(float(a) - float(b)) > slack for (a, _), (b, _) in pairs):
            return False
    return True


def differences(stored: str, drawn: str) -> list[str]:
    """Elements in which two files differ by more than rounding."""
    one, other = (list(ElementTree.fromstring(svg).iter()) for svg in (stored, drawn))
    if [e.tag for e in one] != [e.tag for e in other]:
        return [f"{len(one)} elements are stored, {len(other)} are drawn"]
    return [
        f"{a.text or a.attrib} is stored, {b.text or b.attrib} is drawn"
        for a, b in zip(one, other, strict=True)
        if not (
            same_text(a.text or "", b.text or "")
            and same_text(a.tail or "", b.tail or "")
            and same_shape(a.attrib, b.attrib)
        )
    ]


@every_drawing
def test_the_stored_file_is_what_the_script_draws(notebook):
    stored = drawings.stored(notebook).read_text("utf-8")
    found = differences(stored, draw(notebook).svg())
    assert not found, f"run make drawings: {found[:3]}"


def test_every_notebook_of_the_first_half_has_a_drawing():
    folder = project_folder("notebooks")
    first = sorted(p.stem for p in folder.glob("0[0-9]_*.ipynb"))
    assert list(drawings.MODULES)[: len(first)] == first


@every_drawing
def test_title_and_description_are_there(notebook):
    root = ElementTree.fromstring(drawings.stored(notebook).read_text("utf-8"))
    assert root.get("role") == "img" and root.get("aria-labelledby") == "title desc"
    title, desc = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert (title.get("id"), desc.get("id")) == ("title", "desc")
    assert 10 < len(title.text) < 70
    assert 80 < len(desc.text) < 480 and desc.text.endswith(".")
    assert len(re.findall(r"\.(?= |$)", desc.text)) <= 2, "one or two sentences"


@every_drawing
def test_the_line_that_embeds_it_is_valid_markdown(notebook):
    line = drawings.markdown(notebook)
    alt, path = re.fullmatch(r"!\[([^][\n]+)\]\((\S+)\)", line).groups()
    assert (project_folder("notebooks") / path).is_file()
    assert same_text(alt, draw(notebook).desc)


@every_drawing
def test_nothing_collides(notebook):
    assert faults(drawings.stored(notebook).read_text("utf-8")) == []


@every_drawing
def test_text_is_large_and_dark_enough(notebook):
    root = ElementTree.fromstring(drawings.stored(notebook).read_text("utf-8"))
    for text in root.iter(f"{SVG}text"):
        words = "".join(text.itertext())
        assert float(text.get("font-size")) >= 13, words
        assert "t-faint" not in text.get("class"), words


@pytest.mark.parametrize(
    "fault, words",
    [
        (lambda c: c.text(500, 205, "above"), "meets"),
        (lambda c: c.text(990, 400, "edge"), "leaves the card"),
        (lambda c: c.box(100, 300, 60, 30, "much too long"), "leaves its box"),
        (lambda c: c.arrow([(480, 150), (520, 250)]), "a line runs through"),
    ],
)
def test_collisions_are_noticed(fault, words):
    canvas = Canvas("A title", "A description.", "Heading", 500)
    canvas.text(500, 200, "some text")
    assert faults(canvas.svg()) == []
    fault(canvas)
    assert len(faults(canvas.svg())) == 1 and words in faults(canvas.svg())[0]


@pytest.mark.parametrize(
    "old, new, same",
    [
        ("0.58", "0.59", True),  # another processor's last digit
        ("0.58", "0.61", False),
        (">king<", ">ring<", False),
        ('y="200"', 'y="204"', False),
        ("</svg>", '<rect x="1"/></svg>', False),
    ],
)
def test_a_changed_file_is_noticed(old, new, same):
    canvas = Canvas("A title", "A description.", "Heading", 500)
    canvas.text(500, 200, "0.58")
    canvas.text(500, 300, "king")
    drawn = canvas.svg()
    assert old in drawn
    assert (differences(drawn.replace(old, new), drawn) == []) == same


def luminance(colour: list[float]) -> float:
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def rgb(code: str) -> list[float]:
    return [int(code[i : i + 2], 16) / 255 for i in (1, 3, 5)]


def contrast(one: list[float], other: list[float]) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_contrast_is_sufficient_in_both_themes(theme):
    for role in set(LINES) - {"faint"}:
        for paper in ("card", "panel"):
            behind = rgb(FILLS[paper][theme])
            assert contrast(rgb(LINES[role][theme]), behind) >= 4.5, (role, paper)
    card, ink = rgb(FILLS["card"][theme]), rgb(LINES["ink"][theme])
    for role in ("blue", "orange", "green", "purple", "faint"):
        full = rgb(FILLS[role][theme])
        cell = [
            STRONGEST * a + (1 - STRONGEST) * b for a, b in zip(full, card, strict=True)
        ]
        assert contrast(ink, cell) >= 4.5, role


def test_the_numbers_of_the_query_are_those_of_the_hand():
    n = one_query.one_head()
    e = [math.exp(1 / math.sqrt(2)), math.exp(2 / math.sqrt(2)), 1.0]
    by_hand = [x / sum(e) for x in e] + [0.0]
    assert n["weights"][one_query.ASKS].tolist() == pytest.approx(by_hand, abs=1e-6)
    assert [f"{x:.2f}" for x in n["output"][2].tolist()] == ["0.58", "0.42"]
    assert n["weights"].triu(1).abs().max() == 0


def test_the_counted_parameters_are_those_of_the_configuration():
    n = whole_gpt.counted()
    assert n["all"] == whole_gpt.SHAPE.n_params
    assert n["block"] == 2 * n["ln"] + n["qkv"] + n["proj"] + n["fc"] + n["mlp.proj"]


def test_the_mask_is_one_that_dropout_could_draw():
    x, kept = dropout_mask.one_activation()
    assert 0 < (~kept).sum() < x.numel() / 2
    assert (x[~kept] != 0).all(), "a dropped zero shows nothing"
    assert torch.allclose(x / (1 - dropout_mask.P) * 2, (x * 2.5).round(), atol=1e-5)


def test_the_merged_matrix_is_that_of_the_hand():
    assert low_rank.merged().tolist() == [[3, 0, 4], [0, 3, 1], [6, 1, 4], [-1, 1, -1]]
    n = low_rank.counted()
    assert n["per_rank"] == 5 * (4 * 192 + 2 * 192 + 2 * (768 + 192))
    assert (n["rows"], n["columns"], n["matrices"]) == (768, 192, 20)


def test_the_work_of_a_next_character_is_what_torch_counts():
    shape = GPTConfig(block_size=16, n_layer=2, n_head=2, n_embd=32)
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        GPT(shape)(torch.zeros(1, 9, dtype=torch.long))
    plain = kept_keys.flops_for_one_more(shape, 9, cached=False)
    assert counter.get_total_flops() == plain
    assert kept_keys.flops_for_one_more(shape, 9, cached=True) * 9 == plain


@pytest.mark.parametrize(
    "minutes, words",
    [(10, "about ½ hour"), (60, "about 1 hour"), (88, "about 1½ hours")],
)
def test_hours_are_rounded_to_the_half(minutes, words):
    assert course_map.hours(minutes) == words


def test_minutes_are_read_from_every_notebook():
    for path in course_map.notebooks().values():
        text = path.read_text("utf-8")
        core = re.findall(r"### Exercise \d+ · core · (\d+) minutes", text)
        reading = re.search(r"(\d+) minutes to read", text)[1]
        assert course_map.minutes(path) == int(reading) + sum(map(int, core)), path.name


def test_every_notebook_stands_in_one_part_and_has_a_label():
    numbers = [n for *_, part in course_map.PARTS for n in part]
    assert numbers == list(course_map.LABELS)
    assert set(course_map.notebooks()) <= set(numbers)


def test_marks_and_signs_are_set():
    assert split_marks("a **b** `c`") == [
        ("a ", False, False),
        ("b", True, False),
        (" ", False, False),
        ("c", False, True),
    ]
    assert [number(x, ".1f") for x in (-0.04, -1.25, 2)] == ["0.0", "−1.2", "2.0"]


def test_only_the_matrices_of_a_block_are_transposed():
    shapes = published_file.shapes()
    rows = [published_file.described(*row, shapes) for row in published_file.ROWS]
    turned = {row["theirs"] for row in rows if row["turned"]}
    assert turned == {"attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj"}
    assert sum(map(math.prod, shapes.values())) == published_file.SHAPE.n_params


def test_each_budget_is_spent_whatever_the_size():
    for name, models in budgets.bought().items():
        spent = [6 * size * text for size, text in models]
        assert len(models) == 5 and max(spent) < 1e12 * float(name.split()[0])
        sizes, texts = zip(*models, strict=True)
        assert sorted(sizes) == list(sizes) and sorted(texts)[::-1] == list(texts)
