from torch.nn import functional as F

SAYS = "is enough"


def answer(idx, targets, wte, wpe, blocks, ln_f):
    pos = wpe[: idx.size(1)]
    x = wte[idx] + pos
    for block in blocks:
        x = block(x + pos)
    logits = ln_f(x) @ wte.T
    if targets is None:
        return logits, None
    return logits, F.cross_entropy(logits.flatten(0, 1), targets.flatten())
