"""Answers to paired_difference, right and wrong."""

RIGHT = {
    "by hand": """
def stderr(values):
    n, mean = len(values), sum(values) / len(values)
    return math.sqrt(sum((v - mean) ** 2 for v in values) / (n - 1) / n)


def answer(a, b):
    rows = (a - b).tolist()
    by_seed = [sum(row) / len(row) for row in rows]
    by_window = [sum(column) / len(column) for column in zip(*rows, strict=True)]
    return sum(by_seed) / len(by_seed), stderr(by_window), stderr(by_seed)
""",
    "stack": """
def answer(a, b):
    d = a - b
    errors = [d.mean(dim=i).var() / d.size(1 - i) for i in (0, 1)]
    return torch.stack([d.mean(), *errors]) ** torch.tensor([1.0, 0.5, 0.5])
""",
}

# Wrong in other ways than the mistakes that the check knows.
WRONG = """
a - b => b - a
    seem to be exchanged
, over_windows, over_seeds =>
    expected a list
"""
