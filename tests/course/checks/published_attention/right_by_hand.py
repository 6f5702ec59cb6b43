import torch


def answer(x, w, name, n_head):
    B, T, C = x.shape
    qkv = x @ w[f"{name}.c_attn.weight"] + w[f"{name}.c_attn.bias"]  # (B, T, 3C)
    q, k, v = qkv.split(C, dim=-1)  # (B, T, C) each
    q, k, v = (t.view(B, T, n_head, -1).transpose(1, 2) for t in (q, k, v))
    scores = q @ k.transpose(2, 3) / (C // n_head) ** 0.5  # (B, H, T, T)
    future = torch.ones(T, T, dtype=torch.bool).triu(1)
    mixed = scores.masked_fill(future, -torch.inf).softmax(-1) @ v  # (B, H, T, d)
    mixed = mixed.transpose(1, 2).reshape(B, T, C)
    return mixed @ w[f"{name}.c_proj.weight"] + w[f"{name}.c_proj.bias"]
