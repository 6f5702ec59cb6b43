import torch


def answer(layer, x):
    whole = layer(x)
    for t in range(1, x.size(1) + 1):
        if not torch.allclose(layer(x[:, :t]), whole[:, :t], atol=1e-6):
            return True
    return False
