import torch

SAYS = "has been turned already"


def answer(x, places):
    half = x.size(-1) // 2
    i = torch.arange(half)
    angles = places[:, None] / 10_000 ** (i / half)  # (T, D/2)
    cos, sin = angles.cos(), angles.sin()
    a, b = x[..., :half], x[..., half:]  # (B, H, T, D/2) each
    a = a * cos - b * sin
    b = a * sin + b * cos
    return torch.cat([a, b], dim=-1)
