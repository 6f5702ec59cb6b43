"""Answers to next_reading, right and wrong."""

RIGHT = {
    "by dropping": """
def answer(window, new, size):
    place = len(window)
    window = (*window, new)
    if len(window) <= size:
        return window[place:], range(place, place + 1)
    while len(window) > size // 2:
        window = window[1:]
    return window, range(len(window))
""",
    "tensors": """
def answer(window, new, size):
    if len(window) != size:
        return torch.tensor([new]), torch.tensor([len(window)])
    half = size // 2
    read = torch.tensor([*window[size - half + 1 :], new])
    return read, torch.arange(half)
""",
}

# Wrong in other ways than the mistakes that the check knows.
WRONG = """
return read, list(range(len(read))) => return read
    not yet
"""

EQUIVALENT = {"(read, range(len(read)))": "a range is as good as a list"}
