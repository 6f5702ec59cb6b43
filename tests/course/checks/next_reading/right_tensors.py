import torch


def answer(window, new, size):
    if len(window) != size:
        return torch.tensor([new]), torch.tensor([len(window)])
    half = size // 2
    read = torch.tensor([*window[size - half + 1 :], new])
    return read, torch.arange(half)
