import torch


def answer(p, g, m, v, t, lr, decay, b1, b2, eps):
    m = torch.lerp(m, g, 1 - b1)
    v = v.mul(b2).addcmul(g, g, value=1 - b2)
    size = torch.sqrt(v / (1 - b2**t)).add(eps)
    moved = torch.addcdiv(p - p * lr * decay, m, size, value=-lr / (1 - b1**t))
    return [moved, m, v]
