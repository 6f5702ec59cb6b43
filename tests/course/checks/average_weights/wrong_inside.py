import torch

SAYS = "The mean is over a tensor's own numbers"


def answer(states):
    return {name: torch.stack([s[name] for s in states]).mean(-1) for name in states[0]}
