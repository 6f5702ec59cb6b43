SAYS = "new character is missing from what is read"


def answer(window, new, size):
    n = len(window)
    if n < size:
        return [new], [n]
    read = window[-(size // 2) :]
    return read, list(range(len(read)))
