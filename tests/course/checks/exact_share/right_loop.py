def answer(written, wanted):
    right = 0
    for text, expected in zip(written, wanted):
        if (text + "\n").startswith(expected + "\n"):
            right += 1
    return right / len(written)
