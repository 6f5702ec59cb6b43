import torch
from torch.nn.functional import one_hot


def answer(idx, d_x, stream, d_logits):
    chosen = one_hot(idx, d_logits.size(-1)).float()
    by_reading = torch.einsum("btv,btc->vc", chosen, d_x)
    return by_reading + torch.einsum("btv,btc->vc", d_logits, stream)
