"""Answers to count_and_read, right and wrong."""

RIGHT = {
    "a Counter": """
def answer(ids, V, alpha):
    pairs, firsts, losses = Counter(), Counter(), []
    for a, b in zip(ids, ids[1:]):
        losses.append(-math.log((pairs[a, b] + alpha) / (firsts[a] + alpha * V)))
        pairs[a, b] += 1
        firsts[a] += 1
    return sum(losses) / len(losses)
""",
    "counts that begin with alpha": """
def answer(ids, V, alpha):
    counts = torch.full((V, V), alpha, dtype=torch.float64)
    total = torch.zeros(())
    for t in range(1, len(ids)):
        row = counts[ids[t - 1]]
        total = total - (row[ids[t]] / row.sum()).log()
        row[ids[t]] += 1
    return total / (len(ids) - 1)
""",
}

# Wrong in other ways than the mistakes that the check knows.
WRONG = """
total -= math.log(p) => total = -math.log(p)
    not yet
return => mean =
    is a `return` missing
pairwise(ids) => pairwise(ids[1:])
    not yet
"""
