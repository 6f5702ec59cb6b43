import torch.nn.functional as F

SAYS = "what LayerNorm does"


def answer(x, eps):
    return F.layer_norm(x, x.shape[-1:], eps=eps)
