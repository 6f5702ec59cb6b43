from torch.nn.functional import one_hot


def answer(tokens, V):
    before = one_hot(tokens[:-1], V).double()
    after = one_hot(tokens[1:], V).double()
    return (after.T @ before).T  # not contiguous
