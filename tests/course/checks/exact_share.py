"""Answers to exact_share, right and wrong."""

RIGHT = {
    "loop": r"""
def answer(written, wanted):
    right = 0
    for text, expected in zip(written, wanted):
        if (text + "\n").startswith(expected + "\n"):
            right += 1
    return right / len(written)
""",
    "partition": r"""
def answer(written, wanted):
    lines = [text.partition("\n")[0] for text in written]
    return sum(map(str.__eq__, lines, wanted)) / len(wanted)
""",
    "mean": r"""
def answer(written, wanted):
    lines = [(text.splitlines() or [""])[0] for text in written]
    return np.mean([a == b for a, b in zip(lines, wanted, strict=True)])
""",
    "zero as a whole number": r"""
def answer(written, wanted):
    hits = [a for a, b in zip(written, wanted) if a.split("\n")[0] == b]
    return len(hits) / len(wanted) if hits else 0
""",
}

EQUIVALENT = {
    "/ len(written)": "the two lists have the same length",
    "zip(wanted, lines": "a == b and b == a are the same",
    "strict=False": "the two lists have the same length",
    "zip(lines, wanted)))": "the two lists have the same length",
}

WRONG = r"""
+ for text, answer in zip(written, wanted, strict=True):
+     return (text.split("\n")[0] == answer) / len(wanted)
    `[*zip(lines, wanted, strict=True)][:1]` in place of
"""
