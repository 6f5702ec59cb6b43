"""Answers to layer_norm_gradient, right and wrong."""

RIGHT = {
    "autograd": """
from torch.nn.functional import layer_norm
def answer(x, dy, eps):
    x = x.detach().requires_grad_()
    y = layer_norm(x, (x.size(-1),), eps=eps)
    return torch.autograd.grad(y, x, dy)[0]
""",
    "jacobian": """
def answer(x, dy, eps):
    '''Each vector's matrix of derivatives, written out.'''
    C = x.shape[-1]
    s = (x.var(-1, unbiased=False, keepdim=True) + eps).sqrt()[..., None]
    y = (x - x.mean(-1, keepdim=True)) / s[..., 0]
    J = torch.eye(C) - 1 / C - y[..., :, None] * y[..., None, :] / C
    return (dy[..., None, :] @ (J / s))[..., 0, :]
""",
}

EQUIVALENT = {
    "`x` seems to enter with the wrong sign.": "y changes its sign, and enters twice"
}
