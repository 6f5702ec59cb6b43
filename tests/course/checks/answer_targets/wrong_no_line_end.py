SAYS = "never learn to stop"


def answer(ids, is_answer):
    targets = ids[:, 1:].clone()
    mask = is_answer[:, 1:].clone()
    for row in mask:
        for t in range(len(row)):
            if row[t] and (t + 1 == len(row) or not row[t + 1]):
                row[t] = False
    targets[~mask] = -100
    return ids[:, :-1], targets
