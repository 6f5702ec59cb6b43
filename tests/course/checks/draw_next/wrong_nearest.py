from torch.nn import functional as F

SAYS = "nearest to u"


def answer(logits, u):
    return (F.softmax(logits, dim=-1) - u).abs().argmin()
