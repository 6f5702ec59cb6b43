import torch


def answer(step, steps, lr, rise):
    """cos² of half the angle is the lifted cosine; the warm-up by min."""
    late = max(0, step - rise - 1) / (steps - rise)
    up = min(1.0, step / rise) if rise else 1.0
    return lr * up * torch.cos(torch.tensor(late * torch.pi / 2)) ** 2
