from torch import nn
from torch.nn import functional as F

SAYS = "is not the token embedding"


def answer(idx, targets, wte, wpe, blocks, ln_f):
    x = wte[idx] + wpe[: idx.size(1)]
    for block in blocks:
        x = block(x)
    head = nn.Linear(wte.size(1), wte.size(0), bias=False)
    logits = head(ln_f(x))
    if targets is None:
        return logits, None
    loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
    return logits, loss
