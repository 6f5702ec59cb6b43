"""Answers to inverted_dropout, right and wrong."""

RIGHT = {
    "in a copy": """
def answer(x, p, u, training):
    y = x.clone()
    if training:
        y[u < p] = 0
        y *= 1 / (1 - p)
    return y
""",
    "mask": """
def answer(x, p, u, training):
    keep = (u >= p).float() if training else u * 0 + 1
    return x * keep / ((1 - p) if training else 1)
""",
}

# Wrong in other ways than the mistakes that the check knows.
WRONG = """
x / (1 - p) => x / (u >= p).float().mean()
    must not depend on that
"""
