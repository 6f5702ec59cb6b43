SAYS = "overwrites what stood there"


def answer(idx, d_x, stream, d_logits):
    grad = (d_logits.mT @ stream).sum(dim=0)
    grad[idx.flatten()] = d_x.flatten(0, 1)
    return grad
