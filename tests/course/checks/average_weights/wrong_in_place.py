SAYS = "changed in place"


def answer(states):
    mean = states[0]
    for state in states[1:]:
        for name in mean:
            mean[name] += state[name]
    for name in mean:
        mean[name] /= len(states)
    return mean
