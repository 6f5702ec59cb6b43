import torch


def answer(layer, x):
    T = x.shape[1]
    moved = []
    for t in range(T):
        after = (torch.arange(T) > t)[:, None]
        other = torch.where(after, x + 0.5, x)
        moved.append((layer(other)[:, t] - layer(x)[:, t]).abs().max() > 1e-5)
    return any(moved)
