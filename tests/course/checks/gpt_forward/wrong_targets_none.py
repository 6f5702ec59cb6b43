from torch.nn import functional as F

SAYS = "It breaks where targets is None"


def answer(idx, targets, wte, wpe, blocks, ln_f):
    x = wte[idx] + wpe[: idx.size(1)]
    for block in blocks:
        x = block(x)
    logits = ln_f(x) @ wte.T
    return logits, F.cross_entropy(logits.flatten(0, 1), targets.flatten())
