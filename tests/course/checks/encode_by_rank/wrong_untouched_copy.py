SAYS = "Nothing is merged"


def answer(ids, ranks):
    for i in range(len(ids) - 1):
        if [ids[i], ids[i + 1]] in [*ranks]:
            ids[i : i + 2] = [256 + ranks[ids[i], ids[i + 1]]]
    return list(ids)
