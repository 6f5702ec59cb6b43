from torch.nn import functional as F

SAYS = "returns a rank"


def answer(logits, u):
    p = F.softmax(logits, dim=-1).sort(descending=True).values
    return (p.cumsum(0) < u).sum()
