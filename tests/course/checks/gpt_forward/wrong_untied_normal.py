import torch
from torch.nn import functional as F

SAYS = "is not the token embedding"


def answer(idx, targets, wte, wpe, blocks, ln_f):
    x = wte[idx] + wpe[: idx.size(1)]
    for block in blocks:
        x = block(x)
    w = torch.randn_like(wte) * 0.02
    logits = ln_f(x) @ w.T
    if targets is None:
        return logits, None
    loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
    return logits, loss
