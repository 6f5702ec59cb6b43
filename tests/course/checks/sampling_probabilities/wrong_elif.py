import torch
from torch.nn import functional as F

SAYS = "only top_k counts"


def answer(logits, temperature, top_k, top_p):
    p = F.softmax(logits / temperature, dim=-1)
    ordered, order = p.sort(dim=-1, descending=True, stable=True)
    if top_k is not None:
        ordered[:, top_k:] = 0
    elif top_p is not None:
        ordered = ordered * (ordered.cumsum(dim=-1) - ordered < top_p)
    kept = torch.zeros_like(p).scatter(-1, order, ordered)
    return kept / kept.sum(dim=-1, keepdim=True)
