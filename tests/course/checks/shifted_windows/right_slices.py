import torch


def answer(tokens, starts, T):
    idx = torch.stack([tokens[s : s + T] for s in starts])
    targets = torch.stack([tokens[s + 1 : s + T + 1] for s in starts])
    return [idx, targets]
