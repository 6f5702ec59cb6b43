def answer(description, examples, query):
    text = description + "\n"
    for word, result in examples:
        text += word + ">" + result + "\n"
    return text + query + ">"
