def answer(text, first, length):
    longer = text.unfold(0, length + 1, 1)[first]
    return longer[:, :-1], longer[:, 1:]
