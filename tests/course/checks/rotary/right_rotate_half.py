import torch


def answer(x, places):
    D = x.size(-1)
    angles = places.view(-1, 1) * 10_000.0 ** (-torch.arange(0, D, 2) / D)
    angles = torch.cat([angles, angles], dim=-1)  # (T, D)
    a, b = x.chunk(2, dim=-1)
    return x * angles.cos() + torch.cat([-b, a], dim=-1) * angles.sin()
