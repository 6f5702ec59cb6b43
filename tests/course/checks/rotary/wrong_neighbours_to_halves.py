import torch

SAYS = "put back as halves"


def answer(x, places):
    half = x.size(-1) // 2
    i = torch.arange(half)
    angles = places[:, None] / 10_000 ** (i / half)  # (T, D/2)
    cos, sin = angles.cos(), angles.sin()
    a, b = x[..., ::2], x[..., 1::2]  # (B, H, T, D/2) each
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)
