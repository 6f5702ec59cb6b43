from torch.nn import functional as F

SAYS = "Your code stopped with NameError"


def answer(logits, targets):
    logs = F.log_softmax(logits, dim=-1)  # (B, T, V)
    chosen = logs.gather(-1, target[..., None])  # (B, T, 1)
    return -chosen.mean()  # ()
