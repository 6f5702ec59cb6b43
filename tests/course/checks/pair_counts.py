"""Answers to pair_counts, right and wrong."""

RIGHT = {
    "accumulate": """
def answer(text, size):
    counts = torch.zeros(size, size, dtype=torch.int32)
    ones = torch.ones(len(text) - 1, dtype=torch.int32)
    return counts.index_put((text[:-1], text[1:]), ones, accumulate=True)
""",
    "loop of floats": """
def answer(tokens, V):
    counts = torch.zeros(V, V)
    for x, y in zip(tokens[:-1], tokens[1:]):
        counts[x, y] += 1
    return counts
""",
    "one hot product": """
from torch.nn.functional import one_hot

def answer(tokens, V):
    before = one_hot(tokens[:-1], V).double()
    after = one_hot(tokens[1:], V).double()
    return (after.T @ before).T  # not contiguous
""",
}

# Wrong in other ways than the mistakes that the check knows.
WRONG = """
.view(V, V) =>
    The shape is (4,): expected (2, 2)
view(V, V) => view(V, V)[V]
    Your code stopped with IndexError
"""
