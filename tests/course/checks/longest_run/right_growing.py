def answer(text, source):
    """If a run of n + 1 is shared, so is one of n: try ever longer ones."""
    n = 0
    while any(text[i : i + n + 1] in source for i in range(len(text) - n)):
        n += 1
    return n
