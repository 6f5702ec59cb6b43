"""Answers to step_flops, right and wrong."""

RIGHT = {
    "step by step": """
def answer(L, C, V, T, B):
    shapes = [(C, 3 * C), (C, C), (C, 4 * C), (4 * C, C)] * L + [(C, V)]
    forward = sum(2 * a * b for a, b in shapes)
    scores, sums = 2 * T * C, 2 * T * C
    attention = L * (scores + sums)
    return [3.0 * B * T * forward, 3.0 * B * T * attention]
""",
    "NumPy": """
def answer(L, C, V, T, B):
    per_token = np.array([L * (4 + 8) * C * C + V * C, 2 * L * T * C])
    return per_token * 6 * T * B
""",
}

# Wrong in other ways than the mistakes that the check knows.
WRONG = """
return 6 => return weights, 6
    The length is 3
"""
