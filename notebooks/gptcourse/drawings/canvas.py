"""A small toolkit for the drawings of the notebooks: shapes in, SVG text out.

One style: colour carries size, what is hidden is hatched, names and shapes stand under
each grid, and a sentence at the bottom reads one row. All units are those of a page
that is 1,000 wide. Read next: `one_query.py`.
"""

import math
from collections.abc import Iterable, Sequence
from html import escape

from gptcourse.drawings.fonts import split_marks, text_width
from gptcourse.drawings.theme import FAINTEST, STRONGEST, style_sheet

WIDTH = 1000
MARGIN = 36
Point = tuple[float, float]
HIDDEN = None  # a cell of a grid that nobody may see


class Canvas:
    """Collects the shapes of one drawing; `svg()` returns the file's text.

    title: a few words for the page's outline; desc: what is seen, in one or two
    sentences, also the alt text; heading: the large line at the top.
    """

    def __init__(self, title: str, desc: str, heading: str, height: float):
        self.title, self.desc, self.height = title, desc, height
        self.shapes: list[str] = []
        self.text(MARGIN, 50, heading, 22, anchor="start", bold=True)

    def svg(self) -> str:
        """The whole file: style sheet, card, shapes."""
        size = f'width="{WIDTH}" height="{_n(self.height)}"'
        box = f'viewBox="0 0 {WIDTH} {_n(self.height)}"'
        hatch = (
            '<pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" '
            'patternTransform="rotate(45)"><rect class="f-hatch-paper" width="7" '
            'height="7"/><path class="s-hatch-line" d="M0 0V7" stroke-width="3"/>'
            "</pattern>"
        )
        lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} {box} role="img" '
            'aria-labelledby="title desc">',
            f'<title id="title">{escape(self.title)}</title>',
            f'<desc id="desc">{escape(self.desc)}</desc>',
            f"<style>{style_sheet()}</style><defs>{hatch}</defs>",
            f'<rect class="f-card s-edge" x="1" y="1" width="{WIDTH - 2}" '
            f'height="{_n(self.height - 2)}" rx="16"/>',
            *self.shapes,
            "</svg>",
        ]
        return "\n".join(lines) + "\n"

    # Text

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float = 15,
        role: str = "ink",
        *,
        anchor: str = "middle",
        bold: bool = False,
        mono: bool = False,
    ) -> float:
        """Write a line whose baseline is at y; returns its width.

        `**bold**` and `` `code` `` are marked in the text itself.
        """
        spans, width = [], 0.0
        for part, is_bold, is_mono in split_marks(text):
            kinds = {"b": is_bold and not bold, "m": is_mono and not mono}
            classes = " ".join(name for name, on in kinds.items() if on)
            written = escape(part, quote=False)
            spans.append(
                f'<tspan class="{classes}">{written}</tspan>' if classes else written
            )
            width += text_width(part, size, bold or is_bold, mono or is_mono)
        classes = f"t-{role}" + " b" * bold + " m" * mono
        self.shapes.append(
            f'<text class="{classes}" x="{_n(x)}" y="{_n(y)}" font-size="{_n(size)}" '
            f'text-anchor="{anchor}">{"".join(spans)}</text>'
        )
        return width

    def note(self, x: float, y: float, text: str, **style) -> float:
        """Write a small grey line; see `text`."""
        return self.text(x, y, text, 14, "soft", **style)

    def lines(self, x: float, y: float, lines: Iterable[str], size=15, **style) -> None:
        """Write lines one under the other; y is the first baseline."""
        for row, line in enumerate(lines):
            self.text(x, y + 1.45 * size * row, line, size, **style)

    def caption(self, *lines: str) -> None:
        """The sentence at the bottom that reads the drawing."""
        top = self.height - 34 - 24 * (len(lines) - 1)
        for row, line in enumerate(lines):
            self.text(MARGIN, top + 24 * row, line, 16, anchor="start")

    # Shapes

    def rect(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        fill: str = "panel",
        *,
        stroke: str = "",
        thick: float = 1.5,
        radius: float = 8,
        opacity: float = 1,
        dashed: bool = False,
        box: bool = False,
    ) -> None:
        """A rounded rectangle; fill "none" or "hatch" too. box: it holds its text."""
        classes = [f"f-{fill}"] * (fill not in ("none", "hatch"))
        classes += [f"s-{stroke}"] * bool(stroke) + ["box"] * box
        paint = {"none": ' fill="none"', "hatch": ' fill="url(#hatch)"'}.get(fill, "")
        faded = f' fill-opacity="{opacity:.2f}"' if opacity < 1 else ""
        line = f' stroke-width="{_n(thick)}"' if stroke else ""
        dash = ' stroke-dasharray="4 4"' if dashed else ""
        self.shapes.append(
            f'<rect class="{" ".join(classes)}" x="{_n(x)}" y="{_n(y)}" '
            f'width="{_n(width)}" height="{_n(height)}" rx="{_n(radius)}"'
            f"{paint}{faded}{line}{dash}/>"
        )

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        *lines: str,
        role: str = "soft",
        fill: str = "",
        size: float = 15,
        opacity: float = 0.13,
    ) -> None:
        """A labelled box: the first line bold, the others below it, smaller."""
        if fill:
            self.rect(x, y, width, height, "card")
        self.rect(
            x,
            y,
            width,
            height,
            fill or "panel",
            stroke=role,
            opacity=opacity if fill else 1,
            box=True,
        )
        step, small = 1.3 * size, size - 1
        first = y + height / 2 + 0.36 * size - step * (len(lines) - 1) / 2
        for row, line in enumerate(lines):
            style = {"bold": True} if row == 0 else {"role": "soft"}
            self.text(
                x + width / 2, first + step * row, line, small if row else size, **style
            )

    def circle(self, x, y, radius, fill="card", *, stroke="", thick=1.5) -> None:
        """A disc."""
        line = f' stroke-width="{_n(thick)}"' if stroke else ""
        classes = f"f-{fill}" + (f" s-{stroke}" if stroke else "")
        self.shapes.append(
            f'<circle class="{classes}" cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}"'
            f"{line}/>"
        )

    def plus(self, x: float, y: float, role: str = "ink", radius: float = 15) -> None:
        """The sign of a sum: a ring with a plus."""
        self.circle(x, y, radius, stroke=role, thick=2.2)
        arm = 0.5 * radius
        self.path([(x - arm, y), (x + arm, y)], role, 2.2)
        self.path([(x, y - arm), (x, y + arm)], role, 2.2)

    def path(
        self,
        points: Sequence[Point],
        role: str = "faint",
        thick: float = 1.8,
        *,
        dashed: bool = False,
        bend: float = 10,
        opacity: float = 1,
    ) -> None:
        """A line through points, with rounded corners."""
        dash = ' stroke-dasharray="2 5"' if dashed else ""
        faded = f' stroke-opacity="{opacity:.2f}"' if opacity < 1 else ""
        self.shapes.append(
            f'<path class="s-{role}" d="{_rounded(points, bend)}" fill="none" '
            f'stroke-width="{_n(thick)}" stroke-linecap="round" '
            f'stroke-linejoin="round"{dash}{faded}/>'
        )

    def arrow(self, points: Sequence[Point], role="faint", thick=1.8, **style) -> None:
        """A line through points with a head at the last."""
        (x0, y0), (x1, y1) = points[-2:]
        length = math.hypot(x1 - x0, y1 - y0)
        ux, uy = (x1 - x0) / length, (y1 - y0) / length
        head, half = 5.5 + 2.2 * thick, 2.2 + 1.2 * thick
        neck = (x1 - 0.8 * head * ux, y1 - 0.8 * head * uy)
        self.path([*points[:-1], neck], role, thick, **style)
        left = (x1 - head * ux - half * uy, y1 - head * uy + half * ux)
        right = (x1 - head * ux + half * uy, y1 - head * uy - half * ux)
        corners = " ".join(f"{_n(x)},{_n(y)}" for x, y in ((x1, y1), left, right))
        self.shapes.append(f'<polygon class="h-{role}" points="{corners}"/>')

    # What the family of drawings is made of

    def chip(self, x, y, char, role="faint", *, size=38, hidden=False) -> None:
        """One character of a text, (x, y) its upper left corner."""
        fill = "hatch" if hidden else "card" if role == "faint" else role
        opacity = 0.2 if role != "faint" and not hidden else 1
        self.rect(
            x, y, size, size, fill, stroke=role, opacity=opacity, radius=9, box=True
        )
        tint = "soft" if hidden else "ink"
        self.text(
            x + size / 2, y + 0.66 * size, char, 0.5 * size, tint, bold=True, mono=True
        )

    def cell(
        self, x, y, width, height, role, strength: float, text="", size=14
    ) -> None:
        """One number of a grid; strength, in [0, 1], is how large it is."""
        opacity = FAINTEST + (STRONGEST - FAINTEST) * strength
        self.rect(x + 1, y + 1, width - 2, height - 2, role, opacity=opacity, radius=4)
        if text:
            self.text(
                x + width / 2, y + height / 2 + 0.36 * size, text, size, mono=True
            )

    def hidden(self, x, y, width, height) -> None:
        """A cell that may not be seen: the future."""
        self.rect(x + 1, y + 1, width - 2, height - 2, "hatch", radius=4)

    def grid(
        self,
        x: float,
        y: float,
        rows: Sequence[Sequence[float | None]],
        role: str = "blue",
        *,
        cell: float | Point = 38,
        form: str = ".2f",
        top: float | None = None,
        row_names: Sequence[str] = (),
        column_names: Sequence[str] = (),
        name: str = "",
        shape: str = "",
        size: float = 14,
    ) -> None:
        """A matrix: colour carries size, HIDDEN is hatched; form "" hides numbers.

        top: the number of the strongest colour. name and shape stand under it.
        """
        width, height = cell if isinstance(cell, tuple) else (cell, cell)
        shown = [abs(v) for row in rows for v in row if v is not HIDDEN]
        top = top or max(shown, default=1) or 1
        for i, row in enumerate(rows):
            for j, value in enumerate(row):
                place = (x + j * width, y + i * height, width, height)
                if value is HIDDEN:
                    self.hidden(*place)
                    continue
                text = number(value, form) if form else ""
                self.cell(*place, role, min(1, abs(value) / top), text, size)
        for i, text in enumerate(row_names):
            middle = y + (i + 0.5) * height + 5
            self.text(x - 9, middle, text, 15, "soft", anchor="end", mono=True)
        for j, text in enumerate(column_names):
            middle = x + (j + 0.5) * width
            self.text(middle, y - 9, text, 15, "soft", mono=True)
        middle, below = x + len(rows[0]) * width / 2, y + len(rows) * height
        if name:
            self.text(middle, below + 24, name, 15, bold=True)
        if shape:
            self.text(
                middle, below + 43 - 19 * (not name), shape, 14, "soft", mono=True
            )


def number(value: float, form: str) -> str:
    """A number with a proper minus sign, and without a sign before zero."""
    text = format(value, form)
    if not text.strip("-0."):
        text = text.lstrip("-")
    return text.replace("-", "−")


def _n(value: float) -> str:
    return f"{round(value, 1):g}"


def _rounded(points: Sequence[Point], bend: float) -> str:
    """Path data through points; a quadratic curve rounds each corner."""
    out = [f"M{_n(points[0][0])} {_n(points[0][1])}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        start, end = _towards(corner, before, bend), _towards(corner, after, bend)
        out.append(f"L{_n(start[0])} {_n(start[1])}")
        out.append(f"Q{_n(corner[0])} {_n(corner[1])} {_n(end[0])} {_n(end[1])}")
    out.append(f"L{_n(points[-1][0])} {_n(points[-1][1])}")
    return "".join(out)


def _towards(start: Point, goal: Point, distance: float) -> Point:
    """The point on the way from start to goal, at most halfway."""
    length = math.dist(start, goal) or 1
    share = min(distance, length / 2) / length
    return (
        start[0] + share * (goal[0] - start[0]),
        start[1] + share * (goal[1] - start[1]),
    )
