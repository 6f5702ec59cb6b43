SAYS = "Everything is read anew"


def answer(window, new, size):
    n = len(window)
    if n < size:
        return [*window, new], list(range(n + 1))
    read = [*window, new][-(size // 2) :]
    return read, list(range(len(read)))
