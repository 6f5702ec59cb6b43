SAYS = "begins at 0 with every character"


def answer(window, new, size):
    n = len(window)
    if n < size:
        return [new], [0]
    read = [*window, new][-(size // 2) :]
    return read, list(range(len(read)))
