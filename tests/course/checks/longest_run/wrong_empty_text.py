SAYS = "ValueError: max()"


def answer(text, source):
    runs = [
        j - i
        for i in range(len(text))
        for j in range(i, len(text) + 1)
        if text[i:j] in source
    ]
    return max(runs)
