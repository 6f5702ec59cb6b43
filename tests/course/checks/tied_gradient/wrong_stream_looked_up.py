SAYS = "The stream is added to the rows"


def answer(idx, d_x, stream, d_logits):
    grad = (d_logits.mT @ stream).sum(dim=0)
    return grad.index_add(0, idx.flatten(), stream.flatten(0, 1))
