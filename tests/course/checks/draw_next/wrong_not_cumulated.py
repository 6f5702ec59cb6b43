from torch.nn import functional as F

SAYS = "compared with single probabilities"


def answer(logits, u):
    for i, chance in enumerate(F.softmax(logits, dim=-1)):
        if chance > u:
            return i
    return 0
