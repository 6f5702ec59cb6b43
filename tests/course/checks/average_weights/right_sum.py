def answer(states):
    return {
        name: sum(state[name] for state in states) / len(states) for name in states[0]
    }
