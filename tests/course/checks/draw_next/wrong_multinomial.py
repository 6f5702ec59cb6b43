import torch
from torch.nn import functional as F

SAYS = "u is not used"


def answer(logits, u):
    return torch.multinomial(F.softmax(logits, dim=-1), 1)
