import torch
from torch.nn import functional as F

SAYS = "unless it is the first"


def answer(logits, temperature, top_k, top_p):
    p = F.softmax(logits / temperature, dim=-1)  # (B, V)
    ordered, order = p.sort(dim=-1, descending=True, stable=True)  # (B, V) each
    if top_p is not None:
        keep = ordered.cumsum(dim=-1) <= top_p
        keep[:, 0] = True
        ordered = ordered * keep
    if top_k is not None:
        ordered[:, top_k:] = 0
    kept = torch.zeros_like(p).scatter(-1, order, ordered)  # (B, V)
    return kept / kept.sum(dim=-1, keepdim=True)
