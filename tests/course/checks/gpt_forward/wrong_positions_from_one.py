import torch
from torch.nn import functional as F

SAYS = "off by one"


def answer(idx, targets, wte, wpe, blocks, ln_f):
    places = torch.arange(1, idx.size(1) + 1)
    x = wte[idx] + wpe[places]
    for block in blocks:
        x = block(x)
    logits = ln_f(x) @ wte.T
    if targets is None:
        return logits, None
    loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
    return logits, loss
