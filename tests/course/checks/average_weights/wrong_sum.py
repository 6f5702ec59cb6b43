SAYS = "divide it by the number of states"


def answer(states):
    return {name: sum(state[name] for state in states) for name in states[0]}
