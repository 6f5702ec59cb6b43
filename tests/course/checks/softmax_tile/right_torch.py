import torch


def answer(m, s, y, scores, V):
    new = torch.maximum(m, scores.amax(dim=1, keepdim=True))  # (T, 1)
    shrink = (m - new).exp()  # (T, 1), for what counts from the old m
    e = (scores - new).exp()  # (T, S)
    s = s * shrink + e.sum(dim=1, keepdim=True)  # (T, 1)
    y = y * shrink + e @ V  # (T, d)
    return new, s, y
