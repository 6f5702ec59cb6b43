def answer(text, source):
    best = ""
    for char_at in range(len(text)):
        for end in range(char_at + len(best) + 1, len(text) + 1):
            if text[char_at:end] not in source:
                break
            best = text[char_at:end]
    return len(best)
