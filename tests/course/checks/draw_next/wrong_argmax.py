from torch.nn import functional as F

SAYS = "always takes the likeliest"


def answer(logits, u):
    return F.softmax(logits, dim=-1).argmax()
