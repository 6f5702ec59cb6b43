import torch
from torch.nn import functional as F

SAYS = "see only each other"


def answer(q, k, v, keys, values, n):
    T = q.size(1)
    keys[:, n : n + T], values[:, n : n + T] = k, v
    K, V = k, v  # (H, n + T, d) each
    scores = q @ K.transpose(1, 2) / q.size(2) ** 0.5  # (H, T, n + T)
    may = torch.ones(T, T, dtype=torch.bool).tril()  # (T, n + T)
    return F.softmax(scores.masked_fill(~may, -torch.inf), dim=-1) @ V  # (H, T, d)
