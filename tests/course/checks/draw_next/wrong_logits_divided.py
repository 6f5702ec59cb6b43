import torch

SAYS = "logits are divided by their sum"


def answer(logits, u):
    ends = (logits / logits.sum()).cumsum(0)  # (V,)
    return torch.searchsorted(ends, torch.tensor(u))  # ()
