SAYS = "Only the first block has run"


def answer(idx, targets, wte, wpe, blocks, ln_f):
    from torch.nn.functional import cross_entropy

    x = wte[idx] + wpe[: idx.size(1)]
    for block in blocks:
        x = block(x)
        logits = ln_f(x) @ wte.T
        if targets is None:
            return logits, None
        return logits, cross_entropy(logits.flatten(0, 1), targets.flatten())
    return None
