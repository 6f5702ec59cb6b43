import torch

SAYS = "Each tensor became a single number"


def answer(states):
    return {name: torch.stack([s[name] for s in states]).mean() for name in states[0]}
