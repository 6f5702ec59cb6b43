SAYS = "although targets are given"


def answer(idx, targets, wte, wpe, blocks, ln_f):
    x = wte[idx] + wpe[: idx.size(1)]
    for block in blocks:
        x = block(x)
    return ln_f(x) @ wte.T, None
