from torch.nn import functional as F

SAYS = "Every block reads the embeddings"


def answer(idx, targets, wte, wpe, blocks, ln_f):
    start = wte[idx] + wpe[: idx.size(1)]
    x = start
    for block in blocks:
        x = x + (block(start) - start)
    logits = ln_f(x) @ wte.T
    if targets is None:
        return logits, None
    return logits, F.cross_entropy(logits.flatten(0, 1), targets.flatten())
