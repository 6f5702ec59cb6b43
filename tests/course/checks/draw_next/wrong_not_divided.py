import torch

SAYS = "not divided by their sum"


def answer(logits, u):
    ends = logits.exp().cumsum(0)  # (V,)
    return torch.searchsorted(ends, torch.tensor(u))  # ()
