SAYS = "nothing is left to write"


def answer(description, examples, query):
    text = f"{description}\n"
    for word, result in [*examples, (query, query[::-1])]:
        text += f"{word}>{result}\n"
    return text[:-1]
