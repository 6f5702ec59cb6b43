import math


def stderr(values):
    n, mean = len(values), sum(values) / len(values)
    return math.sqrt(sum((v - mean) ** 2 for v in values) / (n - 1) / n)


def answer(a, b):
    rows = (a - b).tolist()
    by_seed = [sum(row) / len(row) for row in rows]
    by_window = [sum(column) / len(column) for column in zip(*rows, strict=True)]
    return sum(by_seed) / len(by_seed), stderr(by_window), stderr(by_seed)
