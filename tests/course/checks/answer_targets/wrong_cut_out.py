SAYS = "cut out of the rows"


def answer(ids, is_answer):
    columns = is_answer[0, 1:].nonzero().flatten()
    return ids[:, :-1][:, columns], ids[:, 1:][:, columns]
