import torch
from torch.nn import functional as F

SAYS = "The first row decides"


def answer(logits, temperature, top_k, top_p):
    p = F.softmax(logits / temperature, dim=-1)
    order = p[0].argsort(descending=True, stable=True)
    ordered = p[0, order]
    keep = torch.ones_like(order, dtype=torch.bool)
    if top_k is not None:
        keep[top_k:] = False
    if top_p is not None:
        keep &= ordered.cumsum(0) - ordered < top_p
    kept = torch.zeros_like(p)
    kept[:, order[keep]] = p[:, order[keep]]
    return kept / kept.sum(dim=-1, keepdim=True)
