import torch
from torch.nn import functional as F

SAYS = "Each tile has a softmax of its own"


def answer(m, s, y, scores, V):
    w = F.softmax(scores, dim=1)
    return torch.maximum(m, scores.amax(1, keepdim=True)), s + 1, y + w @ V
