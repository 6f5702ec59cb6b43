import math

import torch


def answer(q, k, v, keys, values, n):
    out = []
    for t in range(q.size(1)):
        keys[:, n + t] = k[:, t]
        values[:, n + t] = v[:, t]
        w = torch.einsum("hd,hsd->hs", q[:, t], keys[:, : n + t + 1])
        w = torch.softmax(w / math.sqrt(q.size(-1)), dim=-1)
        out.append(torch.einsum("hs,hsd->hd", w, values[:, : n + t + 1]))
    return torch.stack(out, dim=1)
