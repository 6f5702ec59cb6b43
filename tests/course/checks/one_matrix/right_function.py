import torch


def answer(heads):
    def qkv(x):
        y = [head.query(x) for head in heads]
        y += [head.key(x) for head in heads]
        y += [head.value(x) for head in heads]
        return torch.cat(y, dim=-1)

    return qkv
