from torch.nn import functional as F


def answer(z, y):
    return F.cross_entropy(z.flatten(0, 1), y.flatten())
