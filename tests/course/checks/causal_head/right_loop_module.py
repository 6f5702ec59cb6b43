import torch
from torch import nn


class ByHand(nn.Module):
    """Place by place, in double precision, as a module."""

    def forward(self, x, query, key, value):
        q, k, v = (part(x).double() for part in (query, key, value))
        rows = []
        for t in range(x.shape[1]):
            scores = torch.einsum("bd,bsd->bs", q[:, t], k[:, : t + 1])
            w = (scores / q.shape[-1] ** 0.5).exp()
            w = w / w.sum(dim=1, keepdim=True)
            rows.append(torch.einsum("bs,bsd->bd", w, v[:, : t + 1]))
        return torch.stack(rows, dim=1)


answer = ByHand()
