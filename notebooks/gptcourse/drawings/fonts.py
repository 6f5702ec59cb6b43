"""How wide a text is, in the widest of the fonts that a reader may have.

DejaVu comes with Matplotlib and is wider than the usual system fonts, so what fits in
it fits everywhere.
"""

import re
from functools import cache

MARKS = re.compile(r"\*\*(.+?)\*\*|`(.+?)`")


def split_marks(text: str) -> list[tuple[str, bool, bool]]:
    """Split `**bold**` and `` `code` `` off: (text, bold, mono) for each part."""
    parts, at = [], 0
    for mark in MARKS.finditer(text):
        parts.append((text[at : mark.start()], False, False))
        parts.append((mark[1] or mark[2], mark[1] is not None, mark[2] is not None))
        at = mark.end()
    parts.append((text[at:], False, False))
    return [part for part in parts if part[0]]


@cache
def text_width(text: str, size: float, bold: bool = False, mono: bool = False) -> float:
    """Width of a text without marks, in the drawing's units."""
    if mono:
        return 0.603 * size * len(text)
    return size * sum(_advance(char, bold) for char in text)


@cache
def _advance(char: str, bold: bool) -> float:
    """How far a character moves the pen, in em."""
    face = _face(bold)
    # 1/64 of a pixel at 1,000 pixels per em
    return face.load_char(ord(char)).linearHoriAdvance / 65536 / 1000


@cache
def _face(bold: bool):
    from matplotlib.font_manager import FontProperties, findfont, get_font

    weight = "bold" if bold else "normal"
    face = get_font(findfont(FontProperties(family="DejaVu Sans", weight=weight)))
    face.set_size(1000, 72)
    return face
