import torch

SAYS = "Large logits overflow"


def answer(logits, temperature, top_k, top_p):
    p = (logits / temperature).exp()
    p = p / p.sum(dim=-1, keepdim=True)
    ordered, order = p.sort(dim=-1, descending=True, stable=True)  # (B, V) each
    before = ordered.cumsum(dim=-1) - ordered  # (B, V)
    if top_p is not None:
        ordered = ordered * (before < top_p)  # (B, V)
    if top_k is not None:
        ordered[:, top_k:] = 0
    kept = torch.zeros_like(p).scatter(-1, order, ordered)  # (B, V)
    return kept / kept.sum(dim=-1, keepdim=True)
