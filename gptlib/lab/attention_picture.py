"""What is stored of an `AttentionView`: an SVG of the position that is shown first.

Its colours are in `static/attention.svg`. The browser draws by `static/attention.js`.
"""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template

FRAME = Template((Path(__file__).parent / "static/attention.svg").read_text("utf-8"))
LEFT, WIDE, ROW = 96, 834, 24  # the text's left edge and most width, a strip's height


def picture(view, told: str) -> str:
    """The SVG; told: its description. A single head on a short text shows every row."""
    labels, t, T = view.labels, view.position, len(view.labels)
    maps = view.maps[view.layer].tolist()  # (H, T, T)
    row, cell = maps[view.head][t], min(64, WIDE / T)
    rows = [(f"head {h}", map_[t], t, h == view.head) for h, map_ in enumerate(maps)]
    if len(maps) == 1:
        rows = [(labels[s], maps[0][s], s, s == t) for s in range(T) if T <= 12]
    who = f"layer {view.layer}, head {view.head}: " * (view.maps[..., 0, 0].numel() > 1)
    far = max((t - s for s in range(t + 1) if row[s] >= 0.02), default=0)
    top = 78 + 0.75 * high(far * cell)
    title = f"{who}position {t}, {labels[t]}, looks back"
    title = title[0].upper() + title[1:]
    body = [text("ink", 36, 46, title, 'font-size="20" text-anchor="start"')]
    body += arcs(row, t, cell, top) + strip(row, t, top, 34, cell, labels)
    body.append(ring(LEFT + t * cell, top, cell, 34))
    body += numbers(row, cell, top + 34)
    y = top + 74
    for name, weights, last, chosen in rows:
        inside = [f"{w:.2f}" if cell >= 36 else "" for w in weights]
        body += strip(weights, last, y, ROW - 4, cell, inside[: last + 1])
        body.append(text("soft", LEFT - 12, y + 15, name, 'text-anchor="end"'))
        place, most = (LEFT + T * cell + 12, y + 15), f"{max(weights):.2f}"
        body.append(text("number", *place, most, 'text-anchor="start"'))
        body += [ring(LEFT - 1, y - 2, T * cell + 2, ROW)] * chosen
        y += ROW
    if view.expected:
        likely = " · ".join(f"{name} {p:.2f}" for name, p, *_ in view.expected[t][:6])
        body.append(text("ink", 36, y + 26, f"Next: {likely}", 'text-anchor="start"'))
        y += 32
    card = f'<rect class="card" x="1" y="1" width="998" height="{y + 12:.0f}" rx="16"/>'
    return FRAME.substitute(
        height=f"{y + 14:.0f}", told=escape(told), body="\n".join([card, *body])
    )


def text(kind: str, x: float, y: float, words: str, more: str = "") -> str:
    words = escape(words)
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" {more}>{words}</text>'


def rect(kind: str, x: float, y: float, width: float, height: float, more="") -> str:
    size = f'width="{width:.1f}" height="{height:.1f}"'
    return f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" {size} rx="3" {more}/>'


def ring(x: float, y: float, width: float, height: float) -> str:
    return rect("ring", x, y, width, height)


def high(distance: float) -> float:
    """How far the handles of an arc over so many pixels reach up."""
    return 36 + 120 * min(1, distance / 700) ** 0.55


def arcs(row: Sequence[float], t: int, cell: float, top: float) -> list[str]:
    """One arc per weight that is seen, the strongest in front."""
    drawn = []
    for s in sorted(range(t + 1), key=row.__getitem__):
        x, to = (LEFT + (i + 0.5) * cell for i in (t, s))
        x, to = x + 3 * (s == t), to - 3 * (s == t)
        y, up = top - 3, top - 3 - high(x - to)
        d = f"M{x:.1f} {y:.1f}C{x:.1f} {up:.1f} {to:.1f} {up:.1f} {to:.1f} {y:.1f}"
        width, opacity = 1.2 + 4 * row[s], 0.4 + 0.5 * row[s]
        size = f'stroke-width="{width:.1f}" opacity="{opacity:.2f}"'
        drawn += [f'<path class="arc" d="{d}" {size}/>'] * (row[s] >= 0.02)
    return drawn


def strip(row, last: int, y: float, height: float, cell: float, words) -> list[str]:
    """A row of cells: colour carries weight, what comes after last is hatched."""
    drawn = [rect("cell", LEFT, y, len(row) * cell, height)]
    if last + 1 < len(row):
        x, width = LEFT + (last + 1) * cell, (len(row) - last - 1) * cell
        hatched = 'style="fill:url(#gpt-att-hatch)"'
        drawn.append(rect("cell", x, y, width, height, hatched))
    for s, weight in enumerate(row):
        if weight >= 0.004:
            shade = f'fill-opacity="{0.06 + 0.66 * weight**0.8:.2f}"'
            drawn.append(rect("blue", LEFT + s * cell, y, cell - 1, height, shade))
    size = min(18, cell / 0.63) if height > 30 else 13
    for s, word in enumerate(words):
        kind = "ink mono" if s <= last else "soft mono"
        x, below = LEFT + (s + 0.5) * cell, y + height / 2 + 0.35 * size
        drawn += [text(kind, x, below, word, f'font-size="{size:.1f}"')] * bool(word)
    return drawn


def numbers(row: Sequence[float], cell: float, y: float) -> list[str]:
    """The largest weights under the text, moved apart where they would overlap."""
    largest = sorted(range(len(row)), key=row.__getitem__)[-6:]
    shown = [s for s in sorted(largest) if row[s] >= 0.02]
    at = [LEFT + (s + 0.5) * cell for s in shown]
    to = list(at)
    for i in list(range(1, len(to))) * 100:
        short = max(0.0, 42 - (to[i] - to[i - 1])) / 2
        to[i - 1], to[i] = to[i - 1] - short, to[i] + short
    drawn = []
    for s, x, label in zip(shown, at, to, strict=True):
        line = f"M{x:.1f} {y + 3:.1f}L{label:.1f} {y + 13:.1f}"
        drawn.append(f'<path class="lead" d="{line}"/>')
        drawn.append(text("number", label, y + 27, f"{row[s]:.2f}"))
    return drawn
