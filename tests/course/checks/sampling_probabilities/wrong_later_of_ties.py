import torch
from torch.nn import functional as F

SAYS = "with the larger id is kept"


def answer(logits, temperature, top_k, top_p):
    p = F.softmax(logits / temperature, dim=-1)
    ordered, order = p.sort(dim=-1, stable=True)
    above = 1 - ordered.cumsum(dim=-1)
    if top_k is not None:
        ordered[:, : max(0, p.size(-1) - top_k)] = 0
    if top_p is not None:
        ordered = ordered * (above < top_p)
    kept = torch.zeros_like(p).scatter(-1, order, ordered)
    return kept / kept.sum(dim=-1, keepdim=True)
