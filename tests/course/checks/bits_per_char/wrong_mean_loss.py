SAYS = "the mean loss, in nats a token"


def answer(losses, ids, decode):
    return losses.mean().item()
