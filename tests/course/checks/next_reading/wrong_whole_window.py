SAYS = "the window is full again"


def answer(window, new, size):
    n = len(window)
    if n < size:
        return [new], [n]
    read = [*window, new][-size:]
    return read, list(range(len(read)))
