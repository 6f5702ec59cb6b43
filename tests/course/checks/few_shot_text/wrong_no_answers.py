SAYS = "answers are missing"


def answer(description, examples, query):
    words = [word for word, _ in examples] + [query]
    return description + "".join(f"\n{word}>" for word in words)
