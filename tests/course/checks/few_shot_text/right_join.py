def answer(description, examples, query):
    pairs = [*examples, (query, "")]
    return "\n".join([description, *(">".join(pair) for pair in pairs)])
