SAYS = "This is the last state"


def answer(states):
    mean = {}
    for state in states:
        mean.update(state)
    return mean
