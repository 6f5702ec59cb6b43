"""Mistakes that can be made in any exercise, as changes of its solution's results.

`core.py` asks them where no mistake of the exercise itself fits; the tests try them all
on every exercise: its cases must reject each of them.
"""

import inspect
import itertools
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor

from gptcourse.checks.values import family, leaves, numeric, plain, same

Call = tuple[list, Any]  # arguments, result

# What may have become of a result; a change that fails, or changes nothing, is none.
RESULTS: dict[str, Callable[[Tensor], Tensor]] = {
    "These are the right numbers with the wrong sign.": lambda x: -x,
    "True and False are exchanged.": lambda x: ~x if family(x) == "truth" else x,
    "These are the right numbers with the last two axes swapped.": lambda x: x.mT,
    "The right results, in reverse order along the first axis.": lambda x: x.flip(0),
    "The right results, in reverse order along axis 1.": lambda x: x.flip(1),
    "The right results, moved by one along the last axis.": lambda x: x.roll(1, -1),
    "Every row of the first axis (the batch) holds the first one's result.": (
        lambda x: x[:1].expand_as(x)
    ),
    "Only one number comes back, the mean of all.": (
        lambda x: x.double().mean().float() if x.numel() > 1 else x
    ),
    "These are logarithms, ln(…), of the right numbers.": (
        lambda x: x.log() if (x > 0).all() else x
    ),
    "Every number is too large by one.": lambda x: x + int(family(x) == "whole"),
    "Every number is too small by one.": lambda x: x - int(family(x) == "whole"),
    "The numbers lost their decimals: expected floats.": (
        lambda x: x.long() if family(x) == "real" and (x.abs() >= 2).any() else x
    ),
    "float16 holds three digits only: keep the precision of the arguments.": (
        lambda x: x.half() if family(x) == "real" else x
    ),
}


def changed(value, change: Callable[[Tensor], Tensor]):
    """A result with every tensor and number in it changed, where that is possible."""
    if isinstance(value, list | tuple):
        return type(value)(changed(v, change) for v in value)
    if isinstance(value, dict):
        return {k: changed(v, change) for k, v in value.items()}
    if not numeric(value):
        return value
    try:
        dtype = torch.double if isinstance(value, float) else None
        new = change(x := torch.as_tensor(value, dtype=dtype))
    except (RuntimeError, IndexError):  # too few axes, no minus for True
        return value
    return value if new is x else new if isinstance(value, Tensor) else new.item()


def applies(value, change: Callable[[Tensor], Tensor]) -> bool:
    """Whether a change does anything to a result."""
    return any(not same(x, changed(x, change), 0.0) for x in leaves(plain(value)))


def general_mistakes(
    right: Callable, calls: list[Call]
) -> Iterator[tuple[str, Callable]]:
    """(what to say, the wrong answer) of each mistake that can be made here.

    calls: how `right` is called in all cases, and what it gives.
    """
    results = [result for _, result in calls]
    for says, change in RESULTS.items():
        if applies(results, change):
            yield says, lambda *args, f=change: changed(right(*args), f)
    names = [*inspect.signature(right).parameters]
    values = calls[0][0]
    for i, (name, value) in enumerate(zip(names, values, strict=False)):
        replaced = partial(_replaced, right, i)
        if isinstance(value, Tensor):
            yield f"`{name}` seems to enter with the wrong sign.", replaced(torch.neg)
            if any(_fits(args, i, result) for args, result in calls):
                says = f"`{name}` was added to the right result."
                yield says, partial(_added, right, i)
        elif isinstance(value, int | float | str):
            says = f"It looks as if `{name}` were always {value!r}: use what comes in."
            yield says, replaced(lambda _, v=value: v)
        if numeric(value) and family(torch.as_tensor(value)) == "whole":
            says = f"It looks as if `{name}` were"
            yield f"{says} larger by one.", replaced(lambda v: v + 1)
            yield f"{says} smaller by one.", replaced(lambda v: v - 1)
    for i, j in itertools.combinations(range(len(values)), 2):
        if type(values[i]) is type(values[j]):
            says = f"`{names[i]}` and `{names[j]}` seem to be exchanged."
            yield says, partial(_exchange, right, i, j)


def _replaced(right, i, by):
    return lambda *args: right(*args[:i], by(args[i]), *args[i + 1 :])


def _added(right, i, *args):
    result = right(*args)
    return result + args[i] if _fits(args, i, result) else result


def _fits(args, i, result) -> bool:
    return isinstance(result, Tensor) and result.shape == args[i].shape


def _exchange(right, i, j, *args):
    args = [*args]
    args[i], args[j] = args[j], args[i]
    return right(*args)
