from torch.nn import functional as F

SAYS = "laid from the end"


def answer(logits, u):
    p = F.softmax(logits, dim=-1).flip(0)
    return len(p) - 1 - (p.cumsum(0) < u).sum()
