"""09: ten merges of one sentence, a row each, the tokens growing from row to row."""

from collections import Counter
from itertools import pairwise

from gptcourse.drawings.canvas import MARGIN, Canvas
from gptlib.bpe import ID_OF_BYTE, BPETokenizer, merge, train_merges

SENTENCE = "She sells sea shells; she sells shells."
COUNT = 10
LEFT, TOP = 176, 118  # of the first row's first character
STEP, ROW, HIGH = 18.4, 40, 30  # a character's width; a row, and its box


def draw() -> Canvas:
    """The picture of `09_tokenization`."""
    ids = [ID_OF_BYTE[byte] for byte in SENTENCE.encode()]
    merges = train_merges({tuple(ids): 1}, COUNT)
    tok = BPETokenizer(merges)
    rows, counts = [ids], [0]
    for new, pair in enumerate(merges, 256):
        counts.append(Counter(pairwise(rows[-1]))[pair])
        rows.append(merge(rows[-1], pair, new))
    crossing = _shown(tok, next(i for i in rows[-1] if " " in tok.decode([i])[1:]))
    canvas = Canvas(
        "Byte-pair encoding, merge by merge",
        f"The sentence “{SENTENCE}” in {COUNT + 1} rows. Each row merges the most "
        "frequent pair of neighbouring tokens of the row above, first a space and s, "
        f"and {len(ids)} single characters become {len(rows[-1])} tokens.",
        "Merge the most frequent pair, again and again",
        TOP + ROW * len(rows) + 92,
    )
    canvas.note(MARGIN, 96, "new token, count", anchor="start")
    canvas.note(LEFT, 96, "the sentence, one box per token", anchor="start")
    canvas.note(1000 - MARGIN, 96, "tokens", anchor="end")
    for place, row in enumerate(rows):
        y = TOP + ROW * place
        new = 255 + place if place else None
        _row(canvas, y, row, tok, new)
        if place:
            canvas.text(MARGIN, y + 21, _shown(tok, new), 16, anchor="start", mono=True)
            canvas.note(LEFT - 16, y + 21, f"{counts[place]} ×", anchor="end")
    canvas.caption(
        f"Each row merges the pair that is **most frequent in the row above** (blue): "
        f"{len(ids)} tokens become {len(rows[-1])}.",
        f"`{crossing}` reaches from one word into the next. GPT-2 cuts the text into "
        "words first, so that no token does.",
    )
    return canvas


def _row(canvas: Canvas, y: float, ids: list[int], tok: BPETokenizer, new) -> None:
    """The sentence after a merge: new tokens blue, older ones grey."""
    x = LEFT
    for token in ids:
        text = _shown(tok, token)
        wide = STEP * len(text)
        fill, faded = ("blue", 0.3) if token == new else ("road", 1)
        if token < 256:
            fill, faded = "none", 1
        stroke = "blue" if token == new else "edge"
        canvas.rect(
            x + 1, y, wide - 2, HIGH, fill, stroke=stroke, opacity=faded, radius=6
        )
        for place, char in enumerate(text):
            middle = x + STEP * (place + 0.5)
            canvas.text(middle, y + 21, char, 15, mono=True, bold=token == new)
        x += wide
    canvas.text(1000 - MARGIN, y + 21, str(len(ids)), 16, anchor="end", mono=True)


def _shown(tok: BPETokenizer, token: int) -> str:
    return tok.decode([token]).replace(" ", "␣")
