from torch.nn import functional as F

SAYS = "positions are missing"


def answer(idx, targets, wte, wpe, blocks, ln_f):
    x = wte[idx]
    for block in blocks:
        x = block(x)
    logits = ln_f(x) @ wte.T
    if targets is None:
        return logits, None
    loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
    return logits, loss
