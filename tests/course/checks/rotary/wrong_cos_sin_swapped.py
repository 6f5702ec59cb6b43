import torch

SAYS = "cos and sin are swapped"


def answer(x, places):
    half = x.size(-1) // 2
    i = torch.arange(half)
    angles = places[:, None] / 10_000 ** (i / half)  # (T, D/2)
    sin, cos = angles.cos(), angles.sin()
    a, b = x[..., :half], x[..., half:]  # (B, H, T, D/2) each
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)
