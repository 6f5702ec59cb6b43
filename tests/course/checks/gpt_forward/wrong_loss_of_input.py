from torch.nn import functional as F

SAYS = "asks for idx"


def answer(idx, targets, wte, wpe, blocks, ln_f):
    x = wte[idx] + wpe[: idx.size(1)]
    for block in blocks:
        x = block(x)
    logits = ln_f(x) @ wte.T
    if targets is None:
        return logits, None
    return logits, F.cross_entropy(logits.flatten(0, 1), idx.flatten())
