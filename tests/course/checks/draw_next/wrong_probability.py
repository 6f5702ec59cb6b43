import torch
from torch.nn import functional as F

SAYS = "This is the probability of the drawn id"


def answer(logits, u):
    p = F.softmax(logits, dim=-1)
    return p[torch.searchsorted(p.cumsum(0), torch.tensor(u))]
