def answer(description, examples, query):
    lines = [description] + [f"{word}>{answer}" for word, answer in examples]
    return "\n".join([*lines, f"{query}>"])
