import torch
from torch.nn import functional as F

SAYS = "one token more than needed"


def answer(logits, temperature, top_k, top_p):
    p = F.softmax(logits / temperature, dim=-1)  # (B, V)
    ordered, order = p.sort(dim=-1, descending=True, stable=True)  # (B, V) each
    before = ordered.cumsum(dim=-1) - ordered  # (B, V)
    if top_p is not None:
        reached = ordered.cumsum(dim=-1)
        needed = 1 + (reached < top_p).sum(dim=-1, keepdim=True)
        ordered = ordered * (torch.arange(p.size(-1)) <= needed)
    if top_k is not None:
        ordered[:, top_k:] = 0
    kept = torch.zeros_like(p).scatter(-1, order, ordered)  # (B, V)
    return kept / kept.sum(dim=-1, keepdim=True)
