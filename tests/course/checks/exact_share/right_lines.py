def answer(written, wanted):
    lines = [text.split("\n")[0] for text in written]
    return sum(a == b for a, b in zip(lines, wanted, strict=True)) / len(wanted)
