import torch


def answer(ids, is_answer):
    targets = torch.where(is_answer, ids, -100)
    return ids[:, :-1], targets[:, 1:]
