import torch
from torch.nn import functional as F

SAYS = "in the order of the ids: sort first"


def answer(logits, temperature, top_k, top_p):
    p = F.softmax(logits / temperature, dim=-1)  # (B, V)
    ordered, order = p.sort(dim=-1, descending=True, stable=True)  # (B, V) each
    before = p.cumsum(dim=-1) - p
    if top_p is not None:
        ordered = ordered * (before.gather(-1, order) < top_p)  # (B, V)
    if top_k is not None:
        ordered[:, top_k:] = 0
    kept = torch.zeros_like(p).scatter(-1, order, ordered)  # (B, V)
    return kept / kept.sum(dim=-1, keepdim=True)
