from torch.nn import functional as F

SAYS = "over the places"


def answer(logits, targets):
    logs = F.log_softmax(logits, dim=1)  # (B, T, V)
    chosen = logs.gather(-1, targets[..., None])  # (B, T, 1)
    return -chosen.mean()  # ()
