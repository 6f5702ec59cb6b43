from torch.nn import functional as F

SAYS = "shifted by one place"


def answer(idx, targets, wte, wpe, blocks, ln_f):
    x = wte[idx] + wpe[: idx.size(1)]
    for block in blocks:
        x = block(x)
    logits = ln_f(x) @ wte.T
    if targets is None:
        return logits, None
    shifted = logits[:, :-1].flatten(0, 1)
    loss = F.cross_entropy(shifted, targets[:, 1:].flatten())
    return logits, loss
