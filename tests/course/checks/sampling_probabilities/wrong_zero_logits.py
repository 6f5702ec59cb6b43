import torch
from torch.nn import functional as F

SAYS = "logits are set to 0"


def answer(logits, temperature, top_k, top_p):
    ordered, order = (logits / temperature).sort(dim=-1, descending=True, stable=True)
    p = F.softmax(ordered, dim=-1)
    keep = torch.ones_like(p, dtype=torch.bool)
    if top_k is not None:
        keep[:, top_k:] = False
    if top_p is not None:
        keep &= p.cumsum(dim=-1) - p < top_p
    kept = torch.zeros_like(p).scatter(-1, order, ordered * keep)
    return F.softmax(kept, dim=-1)
