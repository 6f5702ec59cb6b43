import math

import torch
from torch.nn import functional as F

SAYS = "read from the back"


def answer(x, qkv, proj, n_head):
    B, T, C = x.shape
    d = C // n_head
    parts = qkv(x).split(C, dim=-1)  # 3 × (B, T, C)
    v, k, q = (
        part.view(B, T, n_head, d).transpose(1, 2) for part in parts
    )  # (B, H, T, d)
    scores = q @ k.transpose(2, 3) / math.sqrt(d)  # (B, H, T, T)
    past = torch.ones(T, T, dtype=torch.bool).tril()  # (T, T)
    w = F.softmax(scores.masked_fill(~past, -math.inf), dim=-1)
    y = (w @ v).transpose(1, 2).reshape(B, T, C)  # (B, T, C)
    return proj(y)  # (B, T, C)
