"""How a step changes the weights: which ones decay, and how the rate moves.

AdamW as in *Language Models are Few-Shot Learners* (arXiv 2005.14165), appendix B.
Read next: `training.py`, which calls it.
"""

import math

import torch
from torch import nn

SCHEDULES = ("cosine", "linear", "constant")


def learning_rate(step: int, steps: int, lr: float, warmup: float, schedule: str):
    """The rate of update step (1..steps) of a training.

    Rises linearly to lr over the first warmup·steps updates, then stays
    ("constant") or falls to almost zero along half a cosine or a line.
    """
    rise = round(warmup * steps)
    if step <= rise:
        return lr * step / rise
    done = (step - rise - 1) / max(1, steps - rise)  # 0 ... just under 1
    if schedule == "cosine":
        return lr * (1 + math.cos(math.pi * done)) / 2
    if schedule == "linear":
        return lr * (1 - done)
    return lr


def parameter_groups(model: nn.Module) -> list[dict]:
    """Split a model's parameters into those that decay and those that do not.

    Only the matrices inside the body decay: no embedding, no position, no output
    head, no bias and no LayerNorm.
    """
    decayed = {
        id(module.weight): module.weight
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and not name.endswith("lm_head")
    }
    others = [p for p in model.parameters() if id(p) not in decayed]
    groups = [
        {"params": list(decayed.values()), "decays": True},
        {"params": others, "decays": False},
    ]
    return [group for group in groups if group["params"]]


def adamw(model: nn.Module, config) -> torch.optim.AdamW:
    """torch's AdamW over `parameter_groups`, with the rates of a TrainConfig."""
    groups = parameter_groups(model)
    for group in groups:
        group["weight_decay"] = config.weight_decay if group["decays"] else 0.0
    betas = (config.beta1, config.beta2)
    # One pass over each tensor instead of a dozen: a tenth of a small model's step.
    return torch.optim.AdamW(groups, lr=config.lr, betas=betas, eps=1e-8, fused=True)
