SAYS = "only their mask is shifted"


def answer(ids, is_answer):
    idx = ids[:, :-1]
    targets = idx.clone()
    targets[~is_answer[:, 1:]] = -100
    return idx, targets
