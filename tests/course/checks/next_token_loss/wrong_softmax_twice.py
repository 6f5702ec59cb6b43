from torch.nn import functional as F

SAYS = "softmax is taken twice"


def answer(logits, targets):
    p = F.softmax(logits, dim=-1)
    return F.cross_entropy(p.flatten(0, 1), targets.flatten())
