import torch

SAYS = "counted from its own highest"


def answer(m, s, y, scores, V):
    new = torch.maximum(m, scores.amax(dim=1, keepdim=True))  # (T, 1)
    shrink = (m - new).exp()  # (T, 1), for what counts from the old m
    e = (scores - scores.amax(dim=1, keepdim=True)).exp()  # (T, S)
    s = s * shrink + e.sum(dim=1, keepdim=True)  # (T, 1)
    y = y * shrink + e @ V  # (T, d)
    return new, s, y
