from torch.nn import functional as F

SAYS = "in order of size"


def answer(logits, u):
    p, ids = F.softmax(logits, dim=-1).sort(descending=True, stable=True)
    return ids[(p.cumsum(0) < u).sum()]
