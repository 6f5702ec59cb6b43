import torch

SAYS = "fails on -1"


def answer(ids, is_answer):
    return ids[:, :-1], torch.where(is_answer[:, 1:], ids[:, 1:], -1)
