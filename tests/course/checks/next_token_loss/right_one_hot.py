from torch.nn import functional as F


def answer(logits, targets):
    p = F.softmax(logits, dim=-1)
    p = (p * F.one_hot(targets, logits.size(-1))).sum(-1)
    return p.log().mean().neg()
