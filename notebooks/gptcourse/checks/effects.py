"""What an answer depends on: one argument is changed, and the results are compared.

Used by `core.py` where no known mistake fits: what it says is observed, not guessed.
"""

from dataclasses import replace

import torch
from torch import Tensor

from gptcourse.checks.values import Raised, has_reals, kind_of, leaves, numeric, same

RANDOM = (
    "Asked twice, it gives two different results: something random is in it, such as "
    "dropout or a draw of its own."
)


def observed(exercise, answer, got: list, wrong: list[int], clock) -> str:
    """What the answer depends on and should not, or the other way round; else ""."""
    usable = [i for i in wrong if exercise.cases[i].args is not None]
    expected = exercise.expected()
    usable = [i for i in usable if _alike(expected[i], got[i])]
    if usable[:1] != wrong[:1]:  # the case that is shown stopped, or has another shape
        return ""
    seen = [
        _effects(exercise, i, answer, clock)
        for i in dict.fromkeys([*usable[:3], *usable[-1:]])
    ]
    if RANDOM in seen:
        return RANDOM
    whole = [(what, moved) for case in seen for what, at, moved in case if at is None]
    for what in dict.fromkeys(what for what, at, _ in seen[0] if at is None):
        moved = [both for name, both in whole if name == what]
        count = sum(right for right, _ in moved)
        if count > (not has_reals(got[wrong[0]])) and not any(own for _, own in moved):
            return f"{what} has no effect on the result here, but it should."
    for case in seen:
        for what, at, moved in case:
            says = f"When only {what} changes, the result at {at}"
            if at and moved == [False, True]:
                return f"{says} changes, too: it must not depend on that."
            if at and moved == [True, False]:
                return f"{says} stays as it is: it should depend on that."
    return ""


def _alike(expected, got) -> bool:
    """Whether two values are of one kind: else that says more than what they do."""
    if any(torch.as_tensor(x).isnan().any() for x in leaves(got) if numeric(x)):
        return False
    if numeric(expected) and numeric(got):
        return torch.as_tensor(expected).shape == torch.as_tensor(got).shape
    return type(expected) is type(got) and not isinstance(got, Raised)


def _effects(exercise, i: int, answer, clock):
    """[(what is changed, where in the result, whether right and own result moved)]."""
    case = exercise.cases[i]

    def ask(n=0, changed=None, variant=0, seed=0):
        args = [*case.make()]
        args[n] = args[n] if changed is None else changed
        new = replace(case, args=tuple(args))
        key = i, n, variant, seed
        if key not in exercise.effects:  # of the right answer: asked once, then kept
            exercise.effects[key] = exercise.value(new, exercise.right, seed=seed)[0]
        return exercise.effects[key], exercise.value(new, answer, clock, seed)[0]

    before = ask()
    if _moved(before, ask(seed=1)) == [False, True]:
        return RANDOM
    seen = []
    values = zip(exercise.arguments, case.make(), strict=False)
    for n, (name, value) in enumerate(values):
        for variant, (what, axis, changed) in enumerate(_changes(name, value), 1):
            after = ask(n, changed, variant)
            if name in exercise.may_change or any(isinstance(v, Raised) for v in after):
                continue
            if axis is None:
                seen.append((what, None, _moved(before, after)))
            elif kind_of(before[0]) == kind_of(before[1]):
                seen += _slices_moved(what, axis, value, before, after)
    return seen


def _moved(before, after) -> list[bool]:
    """Of the right answer and of the reader's: whether the result is another one.

    None for the reader's: it moved, but by too little to say so.
    """
    right, own = (not same(a, b, 1e-5) for a, b in zip(before, after, strict=True))
    return [right, own or (None if not same(before[1], after[1], 1e-7) else False)]


def _slices_moved(what, axis, value, before, after):
    """Of a result that has the axes of the argument: what moved, slice by slice."""
    first = [v[0] if isinstance(v, list) and v else v for v in (*before, *after)]
    if not all(isinstance(v, Tensor) and v.ndim >= value.ndim for v in first):
        return
    if not all(v.isfinite().all() for v in first):
        return
    if any(v.shape[: axis + 1] != value.shape[: axis + 1] for v in first):
        return
    if value.ndim == 1 != first[0].ndim:
        return
    for at in range(value.size(axis)):
        parts = [v.select(axis, at) for v in first]
        yield what, _index(axis, at), _moved(parts[:2], parts[2:])


def _index(axis: int, at: int) -> str:
    return f"[{':, ' * axis}{at}]"


def _changes(name: str, value):
    """(what is changed, its axis or None for all of it, the changed argument)."""
    name = f"`{name}`"
    if isinstance(value, bool):
        yield name, None, not value
    elif isinstance(value, int):
        yield from ((name, None, value + 1), (name, None, value * 2))
    elif isinstance(value, float):
        yield from ((name, None, value / 2 + add) for add in (0.0, 0.5))
    elif isinstance(value, list) and value and all(map(callable, value)):
        yield f"{name[:-1]}[0]`", None, [_other(value[0]), *value[1:]]
        yield f"{name[:-1]}[-1]`", None, [*value[:-1], _other(value[-1])]
    elif callable(value):
        yield name, None, _other(value)
    elif isinstance(value, Tensor) and value.numel() and value.dtype != torch.bool:
        new = value.max() + value.min() - value
        if value.is_floating_point():
            new = torch.sin(value + torch.arange(value.numel()).view_as(value) + 1)
        yield name, None, new
        yield name, None, value.flatten().flip(0).view_as(value)
        yield name, None, torch.full_like(value, value.min())
        for axis in range(min(2, value.ndim)):
            for at in range(value.size(axis)) if value.size(axis) < 6 else ():
                part = value.clone()
                part.select(axis, at).copy_(new.select(axis, at))
                yield f"{name[:-1]}{_index(axis, at)}`", axis, part


def _other(f):
    return lambda *args: -0.5 * f(*args)
