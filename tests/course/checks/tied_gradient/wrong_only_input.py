import torch

SAYS = "Only the use as input"


def answer(idx, d_x, stream, d_logits):
    grad = torch.zeros(d_logits.size(-1), d_x.size(-1))
    return grad.index_add_(0, idx.flatten(), d_x.flatten(0, 1))
