from torch.nn import functional as F

SAYS = "a softmax of a softmax"


def answer(idx, targets, wte, wpe, blocks, ln_f):
    x = wte[idx] + wpe[: idx.size(1)]
    for block in blocks:
        x = block(x)
    logits = ln_f(x) @ wte.T
    if targets is None:
        return logits, None
    p = logits.softmax(dim=-1)
    loss = F.cross_entropy(p.flatten(0, 1), targets.flatten())
    return logits, loss
