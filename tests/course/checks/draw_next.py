"""Answers to draw_next, right and wrong."""

RIGHT = {
    "counted double": """
def answer(z, point):
    p = z.double().softmax(0)
    return (p.cumsum(0) < point).sum(dim=0, keepdim=True)
""",
    "loop": """
def answer(logits, u):
    weights = [math.exp(z) for z in logits.tolist()]
    point, i = u * sum(weights), 0
    while point > weights[i]:
        point -= weights[i]
        i += 1
    return i
""",
}

# Wrong in other ways than the mistakes that the check knows.
WRONG = """
tensor(u)) => tensor([u])).tolist()
    a list
"""

EQUIVALENT = {
    "cumsum(-1)": "a vector has one axis",
    "dim=-0": "a vector has one axis",
    "F.softmax(logits)": "a vector has one axis",
}
