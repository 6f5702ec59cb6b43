SAYS = "keeps its old positions"


def answer(window, new, size):
    n = len(window)
    if n < size:
        return [new], [n]
    read = [*window, new][-(size // 2) :]
    return read, list(range(size - len(read), size))
