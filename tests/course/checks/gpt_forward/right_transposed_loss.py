import torch
from torch.nn import functional as F


def answer(idx, targets, wte, wpe, blocks, ln_f):
    places = torch.arange(idx.shape[1])
    x = F.embedding(idx, wte) + F.embedding(places, wpe)
    logits = F.linear(ln_f(torch.nn.Sequential(*map(Wrap, blocks))(x)), wte)
    loss = None
    if targets is not None:
        loss = F.cross_entropy(logits.transpose(1, 2), targets)
    return logits, loss


class Wrap(torch.nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)
