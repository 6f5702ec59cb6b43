SAYS = "These are nats a character"


def answer(losses, ids, decode):
    return losses.sum() / len(decode(ids[1:]))
