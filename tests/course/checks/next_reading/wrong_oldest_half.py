SAYS = "The oldest are kept"


def answer(window, new, size):
    n = len(window)
    if n < size:
        return [new], [n]
    read = [*window[: size // 2 - 1], new]
    return read, list(range(len(read)))
