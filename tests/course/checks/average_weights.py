"""Answers to average_weights, right and wrong."""

RIGHT = {
    "running": """
def answer(states):
    '''A running mean: the n-th state counts one n-th.'''
    mean = {name: value.clone() for name, value in states[0].items()}
    for n, state in enumerate(states[1:], 2):
        for name in mean:
            mean[name] += (state[name] - mean[name]) / n
    return mean
""",
    "stack": """
from collections import OrderedDict
def answer(states):
    mean = OrderedDict()
    for name in states[0]:
        mean[name] = torch.stack([state[name] for state in states], dim=-1).mean(-1)
    return mean
""",
}

# Wrong in other ways than the mistakes that the check knows.
WRONG = """
+ mean = states[0]
+ for name in mean:
+     for state in states[1:]:
+         mean[name] += state[name]
+     mean[name] /= len(states)
+ return mean
    changed in place
+ return [*right(states).values()]
    It gives back a list
"""

EQUIVALENT = {"states[-1]}": "all states have the same names"}
