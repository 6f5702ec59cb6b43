import torch
from torch.nn import functional as F

SAYS = "These are logits"


def answer(logits, temperature, top_k, top_p):
    z = logits / temperature
    ordered, order = z.sort(dim=-1, descending=True, stable=True)
    p = F.softmax(ordered, dim=-1)
    keep = torch.ones_like(z, dtype=torch.bool)
    if top_k is not None:
        keep[:, top_k:] = False
    if top_p is not None:
        keep &= p.cumsum(dim=-1) - p < top_p
    ordered = ordered.masked_fill(~keep, -torch.inf)
    return torch.zeros_like(z).scatter(-1, order, ordered)
