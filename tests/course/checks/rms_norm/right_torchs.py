import torch.nn.functional as F


def answer(x, eps):
    return F.rms_norm(x, (x.shape[-1],), eps=eps)
