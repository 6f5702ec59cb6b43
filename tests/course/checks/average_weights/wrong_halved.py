SAYS = "the last state counts half"


def answer(states):
    mean = dict(states[0])
    for state in states[1:]:
        for name in mean:
            mean[name] = (mean[name] + state[name]) / 2
    return mean
