SAYS = "one too small"


def answer(window, new, size):
    n = len(window)
    if n < size:
        return [new], [n - 1]
    read = [*window, new][-(size // 2) :]
    return read, list(range(len(read)))
