SAYS = "it comes last"


def answer(description, examples, query):
    text = f"{description}\n{query}>"
    for word, result in examples:
        text += f"\n{word}>{result}"
    return text
