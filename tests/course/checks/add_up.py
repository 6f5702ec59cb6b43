"""Answers to add_up, right and wrong."""

RIGHT = {
    "a loop": """
def answer(losses, ids, V):
    total = 0.0
    for v in range(V):
        total += math.exp(-losses(ids + [v])[len(ids) - 1])
    return total
""",
    "tensors": """
def answer(losses, ids, V):
    last = torch.tensor([losses([*ids, v])[-1] for v in range(V)])
    return (-last).exp().sum()
""",
}

# Wrong in other ways than the mistakes that the check knows.
WRONG = """
return => total =
    is a `return` missing
sum( => max(
    not yet
"""
