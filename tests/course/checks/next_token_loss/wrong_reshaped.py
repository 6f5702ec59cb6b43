from torch.nn import functional as F

SAYS = "mixes the predictions"


def answer(logits, targets):
    B, T, V = logits.shape
    return F.cross_entropy(logits.view(B, V, T), targets)
