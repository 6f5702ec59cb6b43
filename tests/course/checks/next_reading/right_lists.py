def answer(window, new, size):
    n = len(window)
    if n < size:
        return [new], [n]
    read = [*window, new][-(size // 2) :]
    return read, list(range(len(read)))
