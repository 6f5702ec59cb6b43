"""The lab's live chart as SVG: fast to draw, without flicker.

Its colours are those of `plots.py`, which draws stored figures. Read next: `run.py`.
"""

import math
from collections.abc import Sequence
from html import escape
from statistics import fmean

from gptlib.lab.run import WORDS, Record, settled
from gptlib.plots import COLOURS, GREY, TRAIN, VAL

WIDTH, HEIGHT = 760, 330
LEFT, RIGHT, TOP, BOTTOM = 52, 130, 30, 38
MOST_POINTS = 300  # per line; more would not be visible at this width
LABEL_HEIGHT = 13
LONGEST_NAME = 20


class Frame:
    """Maps steps and losses to pixels."""

    def __init__(self, steps: int, low: float, high: float):
        self.steps, self.low, self.high = steps, low, high

    def x(self, step: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * step / self.steps

    def y(self, loss: float) -> float:
        share = (loss - self.low) / (self.high - self.low)
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share

    def path(self, points: Sequence[tuple[float, float]]) -> str:
        return " ".join(f"{self.x(s):.1f},{self.y(v):.1f}" for s, v in points)


def draw(record: Record, kept: Sequence[Record] = ()) -> str:
    """Return the chart of a run as SVG, with the kept runs behind it."""
    frame = _frame(record, kept)
    lines = [_kept(frame, old, colour) for old, colour in _coloured(kept)]
    lines += [_batches(frame, record), _checks(frame, record)]
    parts = [_axes(frame), f'<g clip-path="url(#inside)">{"".join(lines)}</g>']
    parts += [_turns(frame, record), _best(frame, record)]
    parts += [_labels(frame, record, kept)]
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="loss against step" style="width:100%;max-width:900px;'
        f'background:white;font:11px sans-serif">{INSIDE}{"".join(parts)}</svg>'
    )


# Equal in every chart, so it does not matter which of them a page finds first.
INSIDE = (
    f'<clipPath id="inside"><rect x="{LEFT}" y="{TOP - 8}" '
    f'width="{WIDTH - LEFT - RIGHT}" height="{HEIGHT - TOP - BOTTOM + 8}"/></clipPath>'
)


def thin(points: list, most: int = MOST_POINTS) -> list:
    """Average equal stretches of points, so that at most `most` are left."""
    if len(points) <= most:
        return points
    width = math.ceil(len(points) / most)
    stretches = [points[i : i + width] for i in range(0, len(points), width)]
    return [tuple(map(fmean, zip(*stretch, strict=True))) for stretch in stretches]


def _frame(record: Record, kept: Sequence[Record]) -> Frame:
    steps = max([record.steps, *(old.steps for old in kept)])
    checks = [c for one in (record, *kept) for c in one.checks]
    losses = [loss for check in checks for loss in (check.train, check.val)]
    losses += [step.loss for step in record.history[-1:]] or [4.2]
    # The losses of the first steps are high and would flatten everything after them.
    late = [c.val for c in checks if c.step > steps / 12]
    ceiling = max(late, default=0.0) * 1.12
    high = max(ceiling, 2.0) if late else max(4.3, *losses)
    low = min(losses)
    high = max(high, low + 0.1)
    return Frame(steps, max(0.0, low - 0.08 * (high - low)), high)


def _axes(frame: Frame) -> str:
    parts = []
    tick = _tick(frame.high - frame.low)
    for i in range(math.ceil(frame.low / tick), math.floor(frame.high / tick) + 1):
        y = frame.y(i * tick)
        parts.append(_line(LEFT, y, WIDTH - RIGHT, y, "#E6E6E6"))
        digits = 1 if tick >= 0.1 else 2
        parts.append(_text(LEFT - 6, y + 4, f"{i * tick:.{digits}f}", "#444", "end"))
    tick = max(1, _tick(frame.steps))
    for i in range(frame.steps // tick + 1):
        x = frame.x(i * tick)
        parts.append(_text(x, HEIGHT - BOTTOM + 16, f"{i * tick:,}", "#444", "middle"))
    bottom = HEIGHT - BOTTOM
    parts.append(_line(LEFT, bottom, WIDTH - RIGHT, bottom, "#444"))
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(_text(middle, HEIGHT - 6, "step", "#444", "middle"))
    parts.append(_text(LEFT - 40, 14, "loss (nats per token)", "#444"))
    return "".join(parts)


def _batches(frame: Frame, record: Record) -> str:
    points = thin([(step.step, step.loss) for step in record.history])
    return _polyline(frame, points, TRAIN, 'stroke-width="1" opacity="0.35"')


def _checks(frame: Frame, record: Record) -> str:
    """The lines of train and val, and the shaded gap between them."""
    checks = thin([(c.step, c.train, c.val) for c in record.checks])
    train = [(step, loss) for step, loss, _ in checks]
    val = [(step, loss) for step, _, loss in checks]
    area = frame.path(train + val[::-1])
    gap = f'<polygon points="{area}" fill="{VAL}" opacity="0.13"/>'
    wide = 'stroke-width="2"'
    lines = _polyline(frame, train, TRAIN, wide) + _polyline(frame, val, VAL, wide)
    return gap + lines


def _best(frame: Frame, record: Record) -> str:
    best = record.best
    if best is None:
        return ""
    x, y = frame.x(best.step), frame.y(best.val)
    ring = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="none" stroke="{VAL}"/>'
    return ring + _text(x, y + 18, f"best val {best.val:.3f}", VAL, "middle")


def _turns(frame: Frame, record: Record) -> str:
    parts = []
    for row, turn in enumerate(settled(record.turns, frame.steps // 50)):
        x = frame.x(turn.step)
        y = TOP + LABEL_HEIGHT * (row % 3)
        parts.append(_line(x, TOP - 8, x, HEIGHT - BOTTOM, GREY, "4 3"))
        words = f"{WORDS[turn.knob]} {turn.value:.3g}"
        parts.append(_text(x + 4, y, words, "#444"))
    return "".join(parts)


def _kept(frame: Frame, old: Record, colour: str) -> str:
    line = thin([(check.step, check.val) for check in old.checks])
    return _polyline(frame, line, colour, 'stroke-width="1.3" opacity="0.6"')


def _coloured(kept: Sequence[Record]) -> list[tuple[Record, str]]:
    """The kept runs, each with a colour other than those of train and val."""
    others = COLOURS[2:]
    return [(old, others[i % len(others)]) for i, old in enumerate(kept)]


def _labels(frame: Frame, record: Record, kept: Sequence[Record]) -> str:
    """A label at the end of each line, moved apart where ends are close together."""
    labels = []
    for old, colour in _coloured(kept):
        name = old.name
        if len(name) > LONGEST_NAME:
            name = name[: LONGEST_NAME - 1] + "…"
        last = old.checks[-1]
        labels.append((frame.y(last.val), frame.x(last.step), name, colour))
    for last in record.checks[-1:]:
        x = frame.x(last.step)
        labels.append((frame.y(last.val), x, f"val {last.val:.2f}", VAL))
        labels.append((frame.y(last.train), x, f"train {last.train:.2f}", TRAIN))
    parts, lowest = [], 0.0
    for y, x, text, colour in sorted(labels):
        lowest = max(y, lowest + LABEL_HEIGHT)
        parts.append(_text(x + 6, lowest + 4, text, colour, weight="bold"))
    return "".join(parts)


def _polyline(frame: Frame, points: Sequence, colour: str, style: str) -> str:
    line = f'points="{frame.path(points)}" fill="none" stroke="{colour}"'
    return f"<polyline {line} {style}/>"


def _line(x1, y1, x2, y2, colour: str, dashes: str = "") -> str:
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="{colour}" stroke-dasharray="{dashes}"/>'


def _text(x, y, text, colour, anchor: str = "start", weight: str = "normal") -> str:
    at = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}"'
    # The white rim keeps a label readable on top of a line.
    rim = 'stroke="white" stroke-width="3" paint-order="stroke"'
    return f'<text {at} fill="{colour}" {rim}>{escape(text)}</text>'


def _tick(span: float) -> float:
    """A round step (1, 2 or 5 times a power of ten) for about six ticks."""
    power = 10 ** math.floor(math.log10(span / 5))
    tick = next(power * m for m in (1, 2, 5, 10) if power * m * 7 >= span)
    return int(tick) if tick >= 1 else tick
