from torch.nn import functional as F

SAYS = "Without targets there is no loss"


def answer(idx, targets, wte, wpe, blocks, ln_f):
    if targets is None:
        targets = idx
    x = wte[idx] + wpe[: idx.size(1)]
    for block in blocks:
        x = block(x)
    logits = ln_f(x) @ wte.T
    return logits, F.cross_entropy(logits.flatten(0, 1), targets.flatten())
