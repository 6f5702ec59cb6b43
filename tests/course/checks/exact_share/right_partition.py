def answer(written, wanted):
    lines = [text.partition("\n")[0] for text in written]
    return sum(map(str.__eq__, lines, wanted)) / len(wanted)
