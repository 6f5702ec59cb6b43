import torch


def answer(layer, x):
    x = x.clone().requires_grad_()
    y = layer(x)
    leaked = torch.tensor(False)
    for t in range(x.size(1)):
        (slope,) = torch.autograd.grad(y[:, t].sum(), x, retain_graph=True)
        leaked = leaked | (slope[:, t + 1 :] != 0).any()
    return leaked
