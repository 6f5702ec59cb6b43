import torch

SAYS = "-100 stands in the inputs"


def answer(ids, is_answer):
    hidden = torch.where(is_answer[:, 1:], -100, ids[:, :-1])
    return hidden, ids[:, 1:]
