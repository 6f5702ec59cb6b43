import torch
from torch.nn.functional import layer_norm


def answer(x, dy, eps):
    x = x.detach().requires_grad_()
    y = layer_norm(x, (x.size(-1),), eps=eps)
    return torch.autograd.grad(y, x, dy)[0]
