import torch

SAYS = "The pairs are neighbours, numbers 2i and 2i + 1"


def answer(x, places):
    half = x.size(-1) // 2
    i = torch.arange(half)
    angles = places[:, None] / 10_000 ** (i / half)  # (T, D/2)
    cos, sin = angles.cos(), angles.sin()
    a, b = x[..., ::2], x[..., 1::2]  # (B, H, T, D/2) each
    return torch.stack([a * cos - b * sin, a * sin + b * cos], dim=-1).view(x.shape)
