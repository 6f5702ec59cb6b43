import torch

SAYS = "Nothing is subtracted"


def answer(m, s, y, scores, V):
    new = torch.maximum(m, scores.amax(dim=1, keepdim=True))  # (T, 1)
    e = scores.exp()  # (T, S)
    s = s + e.sum(dim=1, keepdim=True)  # (T, 1)
    y = y + e @ V  # (T, d)
    return new, s, y
