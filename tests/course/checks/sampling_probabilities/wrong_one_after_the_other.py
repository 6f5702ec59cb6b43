import torch
from torch.nn import functional as F

SAYS = "looks at what top_k has left"


def answer(logits, temperature, top_k, top_p):
    p = F.softmax(logits / temperature, dim=-1)
    ordered, order = p.sort(dim=-1, descending=True, stable=True)
    if top_k is not None:
        ordered[:, top_k:] = 0
        ordered = ordered / ordered.sum(dim=-1, keepdim=True)
    if top_p is not None:
        ordered = ordered * (ordered.cumsum(dim=-1) - ordered < top_p)
    kept = torch.zeros_like(p).scatter(-1, order, ordered)
    return kept / kept.sum(dim=-1, keepdim=True)
