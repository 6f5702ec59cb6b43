from torch.nn import functional as F

SAYS = "come back in order of size"


def answer(logits, temperature, top_k, top_p):
    p = F.softmax(logits / temperature, dim=-1)
    if top_k is None and top_p is None:
        return p
    p = p.sort(dim=-1, descending=True).values
    before = p.cumsum(dim=-1) - p
    if top_p is not None:
        p = p * (before < top_p)
    if top_k is not None:
        p[:, top_k:] = 0
    return p / p.sum(dim=-1, keepdim=True)
