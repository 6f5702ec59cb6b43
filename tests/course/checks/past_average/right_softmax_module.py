import torch
from torch import nn


class Average(nn.Module):
    def forward(self, x):
        scores = torch.full((x.size(1), x.size(1)), -torch.inf).triu(1)
        return torch.einsum("ts,bsc->bct", scores.softmax(-1), x).transpose(1, 2)


answer = Average()
