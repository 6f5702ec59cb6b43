SAYS = "its line is missing"


def answer(description, examples, query):
    text = f"{description}\n" if description else ""
    for word, result in examples:
        text += f"{word}>{result}\n"
    return f"{text}{query}>"
