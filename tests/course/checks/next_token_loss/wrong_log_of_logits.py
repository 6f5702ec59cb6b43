SAYS = "logarithm of the logits"


def answer(logits, targets):
    logs = logits.log()  # (B, T, V)
    chosen = logs.gather(-1, targets[..., None])  # (B, T, 1)
    return -chosen.mean()  # ()
