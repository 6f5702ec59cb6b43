SAYS = "d_logits is multiplied by d_x"


def answer(idx, d_x, stream, d_logits):
    grad = (d_logits.mT @ d_x).sum(dim=0)
    return grad.index_add(0, idx.flatten(), d_x.flatten(0, 1))
