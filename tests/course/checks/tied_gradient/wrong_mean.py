SAYS = "already hold the 1/(B·T)"


def answer(idx, d_x, stream, d_logits):
    grad = (d_logits.mT @ stream).sum(dim=0)
    return grad.index_add(0, idx.flatten(), d_x.flatten(0, 1)) / idx.numel()
