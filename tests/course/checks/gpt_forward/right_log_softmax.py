from functools import reduce

import torch


def answer(idx, targets, wte, wpe, blocks, ln_f):
    T = idx.size(1)
    start = wte[idx] + wpe[:T].unsqueeze(0)
    x = ln_f(reduce(lambda x, block: block(x), blocks, start))
    logits = torch.einsum("btc,vc->btv", x, wte)
    loss = None
    if targets is not None:
        log_p = logits.log_softmax(dim=-1)
        loss = -log_p.gather(-1, targets[..., None]).mean()
    return [logits, loss]
