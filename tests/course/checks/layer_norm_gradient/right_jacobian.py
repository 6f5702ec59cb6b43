import torch


def answer(x, dy, eps):
    """Each vector's matrix of derivatives, written out."""
    C = x.shape[-1]
    s = (x.var(-1, unbiased=False, keepdim=True) + eps).sqrt()[..., None]
    y = (x - x.mean(-1, keepdim=True)) / s[..., 0]
    J = torch.eye(C) - 1 / C - y[..., :, None] * y[..., None, :] / C
    return (dy[..., None, :] @ (J / s))[..., 0, :]
