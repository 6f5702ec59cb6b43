"""Mistakes that can be made in any exercise, as changes of its solution's results.

`core.py` asks them where no mistake of the exercise itself fits; the tests try them all
on every exercise: its cases must reject each of them.
"""

import inspect
import itertools
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from gptcourse.checks.describe import part_name
from gptcourse.checks.values import family, leaves, numeric

Call = tuple[tuple, dict, Any]  # arguments, keywords, result

RESULTS: dict[str, Callable[[Tensor], Tensor | None]] = {
    "These are the right numbers with the wrong sign.": lambda x: (
        -x if family(x) != "truth" and x.any() else None
    ),
    "True and False are exchanged.": lambda x: ~x if family(x) == "truth" else None,
    "These are the right numbers with the last two axes swapped.": lambda x: (
        x.transpose(-1, -2) if x.ndim > 1 and max(x.shape[-2:]) > 1 else None
    ),
    "The right results, in reverse order along the first axis.": lambda x: (
        x.flip(0) if x.ndim and len(x) > 1 else None
    ),
    "The right results, in reverse order along axis 1.": lambda x: (
        x.flip(1) if x.ndim > 2 and x.size(1) > 1 else None
    ),
    "Along axis 1 every item is the first one's.": lambda x: (
        x[:, :1].expand_as(x) if x.ndim > 2 and x.size(1) > 1 else None
    ),
    "These are exponentials, exp(…), of the right numbers.": lambda x: (
        x.exp() if family(x) == "real" else None
    ),
    "These are logarithms, ln(…), of the right numbers.": lambda x: (
        x.log() if family(x) == "real" and (x > 0).all() else None
    ),
    "The right results, moved by one along the last axis.": lambda x: (
        x.roll(1, -1) if x.ndim and x.size(-1) > 1 else None
    ),
    "Every row of the first axis (the batch) holds the first one's result.": (
        lambda x: x[:1].expand_as(x) if x.ndim and len(x) > 1 else None
    ),
    "Only the first row comes back: expected all.": lambda x: (
        x[:1] if x.ndim and len(x) > 1 else None
    ),
    "Only one number comes back, the mean of all.": lambda x: (
        x.double().mean().float() if x.ndim and x.numel() > 1 else None
    ),
    "Every number is too large by one.": lambda x: (
        x + 1 if family(x) == "whole" else None
    ),
    "Every number is too small by one.": lambda x: (
        x - 1 if family(x) == "whole" else None
    ),
    "The numbers lost their decimals: expected floats.": lambda x: (
        x.long() if family(x) == "real" else None
    ),
    "float16 holds three digits only: keep the precision of the arguments.": (
        lambda x: x.half() if family(x) == "real" else None
    ),
}


def changed(value, change: Callable[[Tensor], Tensor | None]):
    """A result with every tensor and number in it changed, where that is possible."""
    if isinstance(value, list | tuple):
        return type(value)(changed(v, change) for v in value)
    if isinstance(value, dict):
        return {k: changed(v, change) for k, v in value.items()}
    new = change(torch.as_tensor(value)) if numeric(value) else None
    if new is None:
        return value
    return new if isinstance(value, Tensor) else new.item()


def applies(value, change: Callable[[Tensor], Tensor | None]) -> bool:
    """Whether a change does anything to a result."""
    tensors = map(torch.as_tensor, filter(numeric, leaves(value)))
    return any(change(x) is not None for x in tensors)


def general_mistakes(
    right: Callable, calls: list[Call], parts: Sequence[str] = ()
) -> Iterator[tuple[str, Callable]]:
    """(what to say, the wrong answer) of each mistake that can be made here.

    calls: how `right` is called in all cases, and what it gives; parts: what the items
    of a list of results are called.
    """
    results = [result for _, _, result in calls]
    for says, change in RESULTS.items():
        if applies(results, change):
            yield says, partial(_change_result, right, change)
    names = [*inspect.signature(right).parameters]
    args, kwargs, _ = calls[0]
    values = dict(zip(names, args, strict=False)) | kwargs
    for i, name in enumerate(names):
        value = values.get(name)
        if isinstance(value, Tensor):
            says = f"`{name}` seems to have no effect on the result."
            yield says, partial(_replace, right, i, name, torch.zeros_like)
            says = f"`{name}` seems to enter with the wrong sign."
            yield says, partial(_replace, right, i, name, torch.neg)
            sums = ((1, "added to"), (-1, "subtracted from"))
            for sign, word in sums if any(_fits(a, i, r) for a, _, r in calls) else ():
                says = f"`{name}` was {word} the right result."
                yield says, partial(_combine, right, i, sign)
        elif isinstance(value, int | float | str):
            says = f"It looks as if `{name}` were always {value!r}: use what comes in."
            yield says, partial(_replace, right, i, name, lambda _, v=value: v)
        if type(value) is int or (
            isinstance(value, Tensor) and family(value) == "whole"
        ):
            for step, word in ((1, "larger"), (-1, "smaller")):
                says = f"It looks as if `{name}` were {word} by one."
                by = partial(_add, step)
                yield says, partial(_replace, right, i, name, by)
    for i, j in itertools.combinations(range(len(args)), 2):
        if type(args[i]) is type(args[j]):
            says = f"`{names[i]}` and `{names[j]}` seem to be exchanged."
            yield says, partial(_exchange, right, i, j)

    of_parts = parts and all(len(result) == len(parts) for result in results)
    for k, (says, change) in itertools.product(range(len(parts)), RESULTS.items()):
        if of_parts and applies([result[k] for result in results], change):
            part = f"In {part_name(k, parts)}: {says}"
            yield part, partial(_change_part, right, change, k)


def _change_result(right, change, *args, **kwargs):
    return changed(right(*args, **kwargs), change)


def _change_part(right, change, k, *args, **kwargs):
    result = [*right(*args, **kwargs)]
    result[k] = changed(result[k], change)
    return result


def _replace(right, i, name, by, *args, **kwargs):
    if name in kwargs:
        kwargs = {**kwargs, name: by(kwargs[name])}
    elif i < len(args):
        args = (*args[:i], by(args[i]), *args[i + 1 :])
    return right(*args, **kwargs)


def _combine(right, i, sign, *args, **kwargs):
    result = right(*args, **kwargs)
    return result + sign * args[i] if _fits(args, i, result) else result


def _fits(args, i, result) -> bool:
    return (
        isinstance(result, Tensor) and i < len(args) and result.shape == args[i].shape
    )


def _add(step, value):
    return value + step if type(value) is int or isinstance(value, Tensor) else value


def _exchange(right, i, j, *args, **kwargs):
    args = list(args)
    args[i], args[j] = args[j], args[i]
    return right(*args, **kwargs)
