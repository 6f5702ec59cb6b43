from torch.nn.functional import dropout

SAYS = "random numbers of its own"


def answer(x, p, u, training):
    return dropout(x, p, training)
