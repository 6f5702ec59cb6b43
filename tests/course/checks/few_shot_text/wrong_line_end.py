SAYS = "begin a new line"


def answer(description, examples, query):
    text = f"{description}\n"
    for word, result in [*examples, (query, "")]:
        text += f"{word}>{result}\n"
    return text
