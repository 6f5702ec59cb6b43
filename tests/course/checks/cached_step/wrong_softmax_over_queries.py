import torch
from torch.nn import functional as F

SAYS = "softmax goes over the queries"


def answer(q, k, v, keys, values, n):
    T = q.size(1)
    keys[:, n : n + T], values[:, n : n + T] = k, v
    K, V = keys[:, : n + T], values[:, : n + T]  # (H, n + T, d) each
    scores = q @ K.transpose(1, 2) / q.size(2) ** 0.5  # (H, T, n + T)
    may = torch.ones(T, n + T, dtype=torch.bool).tril(n)  # (T, n + T)
    return F.softmax(scores.masked_fill(~may, -torch.inf), dim=1) @ V  # (H, T, d)
