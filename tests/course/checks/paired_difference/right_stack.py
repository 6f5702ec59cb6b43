import torch


def answer(a, b):
    d = a - b
    errors = [d.mean(dim=i).var() / d.size(1 - i) for i in (0, 1)]
    return torch.stack([d.mean(), *errors]) ** torch.tensor([1.0, 0.5, 0.5])
