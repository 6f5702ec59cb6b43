from torch.nn import functional as F

SAYS = "ln_f is missing"


def answer(idx, targets, wte, wpe, blocks, ln_f):
    x = wte[idx] + wpe[: idx.size(1)]
    for block in blocks:
        x = block(x)
    logits = x @ wte.T
    if targets is None:
        return logits, None
    loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
    return logits, loss
