SAYS = "The first state is in the sum twice"


def answer(states):
    mean = {name: value.clone() for name, value in states[0].items()}
    for state in states:
        for name in mean:
            mean[name] += state[name]
    return {name: value / len(states) for name, value in mean.items()}
