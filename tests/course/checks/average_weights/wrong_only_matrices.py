SAYS = "take every name"


def answer(states):
    mean = dict(states[-1])
    for name in mean:
        if mean[name].ndim == 2:
            mean[name] = sum(state[name] for state in states) / len(states)
    return mean
