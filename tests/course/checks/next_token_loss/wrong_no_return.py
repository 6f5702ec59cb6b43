from torch.nn import functional as F

SAYS = "is a `return` missing?"


def answer(logits, targets):
    logs = F.log_softmax(logits, dim=-1)  # (B, T, V)
    chosen = logs.gather(-1, targets[..., None])  # (B, T, 1)
    loss = -chosen.mean()  # ()
