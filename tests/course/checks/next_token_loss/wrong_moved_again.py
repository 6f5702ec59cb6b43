from torch.nn import functional as F

SAYS = "moved by one once more"


def answer(logits, targets):
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), targets[:, 1:].flatten())
