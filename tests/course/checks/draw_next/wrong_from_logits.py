import torch

SAYS = "draws from the logits themselves"


def answer(logits, u):
    ends = logits.cumsum(0)  # (V,)
    return torch.searchsorted(ends, torch.tensor(u))  # ()
