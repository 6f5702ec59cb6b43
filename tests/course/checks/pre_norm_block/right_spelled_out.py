import torch


def answer(x, ln_1, attn, ln_2, mlp):
    gathered = attn(ln_1(x))
    middle = torch.add(x, gathered)
    thought = mlp(ln_2(middle))
    return torch.stack([x, gathered, thought]).sum(dim=0)
