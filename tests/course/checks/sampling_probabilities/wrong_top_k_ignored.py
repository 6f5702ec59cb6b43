import torch
from torch.nn import functional as F

SAYS = "top_k has no effect"


def answer(logits, temperature, top_k, top_p):
    p = F.softmax(logits / temperature, dim=-1)  # (B, V)
    ordered, order = p.sort(dim=-1, descending=True, stable=True)  # (B, V) each
    before = ordered.cumsum(dim=-1) - ordered  # (B, V)
    if top_p is not None:
        ordered = ordered * (before < top_p)  # (B, V)
    kept = torch.zeros_like(p).scatter(-1, order, ordered)  # (B, V)
    return kept / kept.sum(dim=-1, keepdim=True)
