"""Answers to best_size, right and wrong."""

RIGHT = {
    "torch": """
def answer(sizes, losses):
    '''Least squares in log2, the place of the lowest point from the derivative.'''
    x = torch.log2(torch.tensor(sizes, dtype=torch.float64))
    y = torch.tensor(losses, dtype=torch.float64)
    shifted = x - x.mean()
    columns = torch.stack([shifted**2, shifted, torch.ones_like(x)], dim=1)
    a, b, _ = torch.linalg.lstsq(columns, y[:, None]).solution[:, 0]
    return 2 ** (x.mean() - b / (2 * a))
""",
    "whole": """
def answer(sizes, losses):
    p = np.polynomial.Polynomial.fit([math.log(n) for n in sizes], losses, 2)
    return round(math.exp(p.deriv().roots()[0]))
""",
}

# Wrong in other ways than the mistakes that the check knows.
WRONG = """
2) => 1)
    not enough values to unpack
"""

EQUIVALENT = {
    "The numbers lost their decimals: expected floats.": "whole numbers are as good",
}
