SAYS = "Only the use as output"


def answer(idx, d_x, stream, d_logits):
    return (d_logits.mT @ stream).sum(dim=0)
