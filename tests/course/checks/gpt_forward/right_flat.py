from torch.nn import functional as F


def answer(idx, targets, wte, wpe, blocks, ln_f):
    x = wte[idx] + wpe[: idx.size(1)]  # (B, T, C)
    for block in blocks:
        x = block(x)  # (B, T, C)
    logits = ln_f(x) @ wte.T  # (B, T, V)
    if targets is None:
        return logits, None
    return logits, F.cross_entropy(logits.flatten(0, 1), targets.flatten())
