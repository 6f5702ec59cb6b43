SAYS = "This is (C, V)"


def answer(idx, d_x, stream, d_logits):
    grad = (stream.mT @ d_logits).sum(dim=0)
    return grad.index_add(1, idx.flatten(), d_x.flatten(0, 1).T)
