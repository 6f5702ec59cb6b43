import torch
from torch.nn import functional as F

SAYS = "the new keys are not"


def answer(q, k, v, keys, values, n):
    T = q.size(1)
    values[:, n : n + T] = v
    K, V = keys[:, : n + T], values[:, : n + T]  # (H, n + T, d) each
    scores = q @ K.transpose(1, 2) / q.size(2) ** 0.5  # (H, T, n + T)
    may = torch.ones(T, n + T, dtype=torch.bool).tril(n)  # (T, n + T)
    return F.softmax(scores.masked_fill(~may, -torch.inf), dim=-1) @ V  # (H, T, d)
