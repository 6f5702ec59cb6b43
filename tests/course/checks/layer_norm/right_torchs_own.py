from torch.nn.functional import layer_norm


def answer(x, gain, bias, eps):
    return layer_norm(x, (x.size(-1),), gain, bias, eps)
