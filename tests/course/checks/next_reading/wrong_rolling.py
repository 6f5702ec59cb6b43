SAYS = "This is the rolling cache"


def answer(window, new, size):
    n = len(window)
    if n < size:
        return [new], [n]
    return [new], [size - 1]
