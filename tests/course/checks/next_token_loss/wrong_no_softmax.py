SAYS = "logits are used as they are"


def answer(logits, targets):
    logs = logits  # (B, T, V)
    chosen = logs.gather(-1, targets[..., None])  # (B, T, 1)
    return -chosen.mean()  # ()
