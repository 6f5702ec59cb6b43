def answer(states):
    """A running mean: the n-th state counts one n-th."""
    mean = {name: value.clone() for name, value in states[0].items()}
    for n, state in enumerate(states[1:], 2):
        for name in mean:
            mean[name] += (state[name] - mean[name]) / n
    return mean
