"""Answers to shifted_windows, right and wrong."""

RIGHT = {
    "cut in two": """
def answer(text, first, length):
    longer = text.unfold(0, length + 1, 1)[first]
    return longer[:, :-1], longer[:, 1:]
""",
    "slices": """
def answer(tokens, starts, T):
    idx = torch.stack([tokens[s : s + T] for s in starts])
    targets = torch.stack([tokens[s + 1 : s + T + 1] for s in starts])
    return [idx, targets]
""",
}

# Wrong in other ways than the mistakes that the check knows.
WRONG = """
, tokens[places + 1] =>
    expected a list
"""
