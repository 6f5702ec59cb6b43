SAYS = "once, at the top"


def answer(description, examples, query):
    text = ""
    for word, result in examples:
        text += f"{description}\n{word}>{result}\n"
    return f"{text}{description}\n{query}>"
