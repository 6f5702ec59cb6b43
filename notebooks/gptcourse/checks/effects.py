"""What an answer depends on: one argument is changed, and the results are compared.

Used by `core.py` where no known mistake fits: what it says is observed, not guessed.
"""

from collections import defaultdict
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from gptcourse.checks.values import Raised, alike, has_reals, same

RANDOM = (
    "Asked twice, it gives two different results: something random is in it, such as "
    "dropout or a draw of its own."
)
LATER = (
    "it must not depend on what comes later. Look at the mask, at reshapes, and at the "
    "axis of sums and of the softmax."
)


def observed(exercise, answer, got: list, wrong: list[int], clock) -> str:
    """What the answer depends on and should not, or the other way round; else ""."""
    pairs = enumerate(zip(exercise.cases, exercise.expected(), got, strict=True))
    usable = [i for i, (c, a, b) in pairs if c.args and not c.large and alike(a, b)]
    if wrong[0] not in usable:  # the case that is shown stopped, or has another shape
        return ""
    wholes, slices = defaultdict(list), []  # what moved, by argument and by slice
    for case in (exercise.cases[i] for i in usable):
        ask = partial(_ask, exercise, answer, clock, case)
        before = ask()
        if _moved(before, ask(seed=1)) == (False, True):
            return RANDOM
        arguments = zip(exercise.arguments, case.make(), strict=False)
        for n, (name, value) in enumerate(arguments):
            for at, changed in _changes(value):
                after = ask(n, changed)
                if any(isinstance(v, Raised) for v in after):
                    continue
                if at:
                    slices += _slices_moved(name, *at, value, before, after)
                else:
                    wholes[name].append(_moved(before, after))
    enough = 1 if has_reals(got[wrong[0]]) else 3
    for name, moved in wholes.items():
        right, own = map(sum, zip(*moved, strict=True))
        if right >= enough and not own:
            return f"`{name}` has no effect on the result here, but it should."
    rights = defaultdict(set)  # whether the right result moves, of all slices of a kind
    for _, kind, (right, _) in slices:
        rights[kind].add(right)
    for says, kind, (right, own) in slices:
        # Where the right one moves in some cases only, it does so by chance.
        if own == right or len(rights[kind]) > 1:
            continue
        if right:
            return f"{says} stays as it is: it should depend on that."
        argument, side = kind
        later = side > 0 and True in rights[argument, -1]
        why = LATER if later else "it must not depend on that."
        return f"{says} changes, too: {why}"
    return ""


def _ask(exercise, answer, clock, case, n=0, changed=None, seed=0) -> list:
    """What the solution and the answer give where argument n is changed."""
    args = [*case.make()]
    args[n] = args[n] if changed is None else changed
    case = replace(case, args=tuple(args))
    both = (exercise.right, None), (answer, clock)
    return [exercise.value(case, f, its_clock, seed)[0] for f, its_clock in both]


def _moved(before, after) -> tuple[bool, bool]:
    """Whether the right result is another one, and whether the answer's is."""
    right, own = (not same(a, b, 1e-5) for a, b in zip(before, after, strict=True))
    return right, own


def _slices_moved(name, axis, by, value, before, after):
    """Of results that have the axis of the argument: what moved, slice by slice."""
    shape = value.shape[: axis + 1]
    results = [v[0] if isinstance(v, list) and v else v for v in (*before, *after)]
    for v in results:
        if not isinstance(v, Tensor) or v.shape[: axis + 1] != shape:
            return
        if not v.isfinite().all():
            return
    for to in range(value.size(axis)):
        parts = [v.select(axis, to) for v in results]
        side = (by > to) - (by < to)  # 1: what is changed comes later
        index = ":, " * axis
        says = f"When only `{name}[{index}{by}]` changes, the result at [{index}{to}]"
        yield says, ((name, value.ndim, axis), side), _moved(parts[:2], parts[2:])


def _changes(value):
    """((axis, index) of a slice or None for all, the changed argument)."""
    if isinstance(value, bool):
        yield None, not value
    elif isinstance(value, int):
        yield from ((None, value + 1), (None, value * 2))
    elif isinstance(value, float):
        yield from ((None, value / 2), (None, value / 2 + 0.5), (None, value * 1000))
    elif callable(value):
        yield None, lambda *args: -0.5 * value(*args)
    elif isinstance(value, Tensor) and value.numel() and value.dtype != torch.bool:
        new = value.max() + value.min() - value
        if value.is_floating_point():
            new = torch.sin(value + torch.arange(value.numel()).view_as(value) + 1)
            yield None, 1000 * value
        yield None, new
        yield None, value.flatten().flip(0).view_as(value)
        yield None, torch.full_like(value, value.min())
        for axis in range(min(2, value.ndim)):
            for at in range(value.size(axis)) if value.size(axis) < 6 else ():
                part = value.clone()
                part.select(axis, at).copy_(new.select(axis, at))
                yield (axis, at), part
