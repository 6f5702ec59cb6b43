SAYS = "It gives back a list, which does not fit here"


def answer(states):
    return [sum(state[name] for state in states) / len(states) for name in states[0]]
