"""Gradients of a result, and what is said where they differ. Used by `core.py`."""

import torch
from torch import Tensor, nn

from gptcourse.checks.values import Raised, leaves, same

NO_GRADIENT = "no gradient"
IN_PLACE = "worked in place, which autograd cannot undo"  # no question of gradients
LOST = (
    "The result is right, but no gradient flows back from it: no .item(), .detach(), "
    "no_grad or NumPy on the way."
)
MISSING = (
    "The result is right, but {} gradient of {} is lost: .detach(), .item(), no_grad "
    "or a new tensor cuts it off."
)


def lost_gradient(expected: dict, got) -> str:
    """What to say where the values are right and the gradients differ."""
    if not isinstance(got, dict):
        return str(got) if isinstance(got, Raised) else LOST
    none = [k for k, v in expected.items() if v.any() and not got[k].any()]
    part = [k for k, v in expected.items() if not same(v, got[k], 1e-4)]
    return MISSING.format("the" if none else "part of the", f"`{(none or part)[0]}`")


def mixture(value):
    """A sum of all real numbers in a result, each with a weight of its own."""
    total = 0.0
    for x in leaves(value):
        if isinstance(x, Tensor) and x.is_floating_point():
            weights = torch.sin(torch.arange(1.0, x.numel() + 1)).to(x)
            total = total + (x.flatten() * weights).sum()
    return total


def slopes(names: list[str], case, answer):
    """The gradient of a fixed mixture of the results for each argument, by its name."""
    args, inputs = [], {}
    for name, value in zip(names, case.make(), strict=False):
        if isinstance(value, Tensor) and value.is_floating_point():
            value = value.clone().requires_grad_()
            inputs[name] = value
        if isinstance(value, nn.Module):
            inputs |= {f"{name}.{k}": p for k, p in value.named_parameters()}
        args.append(value)
    total = mixture(answer(*args))
    if not (isinstance(total, Tensor) and total.requires_grad):
        return NO_GRADIENT
    try:
        found = torch.autograd.grad(total, [*inputs.values()], materialize_grads=True)
    except RuntimeError as error:
        if "inplace operation" in str(error):
            return IN_PLACE
        raise
    return dict(zip(inputs, found, strict=True))
