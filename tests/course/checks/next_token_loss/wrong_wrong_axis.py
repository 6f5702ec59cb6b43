from torch.nn import functional as F

SAYS = "in axis 1"


def answer(logits, targets):
    return F.cross_entropy(logits, targets)
