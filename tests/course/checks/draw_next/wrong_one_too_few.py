import torch
from torch.nn import functional as F

SAYS = "one too early"


def answer(logits, u):
    ends = F.softmax(logits, dim=-1).cumsum(0)  # (V,)
    return torch.searchsorted(ends, torch.tensor(u)) - 1  # ()
