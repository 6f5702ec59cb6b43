SAYS = "has the new character among them"


def answer(window, new, size):
    n = len(window)
    if n < size:
        return [new], [n]
    read = [*window[-(size // 2) :], new]
    return read, list(range(len(read)))
