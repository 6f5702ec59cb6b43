import torch
from torch.nn import functional as F


def answer(q, k, v, keys, values, n):
    end = n + k.shape[1]
    keys[:, n:end] = k
    values[:, n:end] = v
    may = torch.arange(end) <= torch.arange(n, end)[:, None]
    return F.scaled_dot_product_attention(q, keys[:, :end], values[:, :end], may)
