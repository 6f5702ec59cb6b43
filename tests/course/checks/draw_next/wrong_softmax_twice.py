import torch
from torch.nn import functional as F

SAYS = "softmax is taken twice"


def answer(logits, u):
    ends = F.softmax(logits, dim=-1).softmax(0).cumsum(0)  # (V,)
    return torch.searchsorted(ends, torch.tensor(u))  # ()
