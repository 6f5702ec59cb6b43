from collections import OrderedDict

import torch


def answer(states):
    mean = OrderedDict()
    for name in states[0]:
        mean[name] = torch.stack([state[name] for state in states], dim=-1).mean(-1)
    return mean
