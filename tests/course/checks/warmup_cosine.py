"""Answers to warmup_cosine, right and wrong."""

RIGHT = {
    "square": """
def answer(step, steps, lr, rise):
    '''cos² of half the angle is the lifted cosine; the warm-up by min.'''
    late = max(0, step - rise - 1) / (steps - rise)
    up = min(1.0, step / rise) if rise else 1.0
    return lr * up * torch.cos(torch.tensor(late * torch.pi / 2)) ** 2
""",
    "numpy": """
def answer(step, steps, lr, rise):
    up = np.linspace(0, lr, rise + 1)[1:]
    down = lr * (1 + np.cos(np.linspace(0, np.pi, steps - rise + 1)[:-1])) / 2
    return np.concatenate([up, down])[step - 1]
""",
}

# Wrong in other ways than the mistakes that the check knows.
WRONG = """
+ return right(step, steps, 1.0, rise)
    `lr` were always 1.0
+ return [right(s, steps, lr, rise) for s in range(1, steps + 1)]
    a list
"""
