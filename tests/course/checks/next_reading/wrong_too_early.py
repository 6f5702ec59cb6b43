SAYS = "Halved one character too early"


def answer(window, new, size):
    n = len(window)
    if n < size - 1:
        return [new], [n]
    read = [*window, new][-(size // 2) :]
    return read, list(range(len(read)))
