from torch.nn import functional as F

SAYS = "Only the last place counts"


def answer(logits, targets):
    return F.cross_entropy(logits[:, -1], targets[:, -1])
