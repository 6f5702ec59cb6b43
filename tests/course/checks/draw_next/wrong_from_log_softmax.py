import torch
from torch.nn import functional as F

SAYS = "logarithms of probabilities"


def answer(logits, u):
    ends = F.log_softmax(logits, dim=-1).cumsum(0)  # (V,)
    return torch.searchsorted(ends, torch.tensor(u))  # ()
