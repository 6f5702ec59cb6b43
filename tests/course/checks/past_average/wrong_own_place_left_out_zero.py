import torch

SAYS = "and the first gets zero"


def answer(x):
    y = torch.zeros_like(x)
    for t in range(1, x.size(1)):
        y[:, t] = x[:, :t].mean(dim=1)
    return y
