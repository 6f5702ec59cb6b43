"""What an answer depends on: one argument is changed, and the results are compared.

Used by `core.py` where no known mistake fits: what it says is observed, not guessed.
"""

from dataclasses import replace

import torch
from torch import Tensor

from gptcourse.checks.values import Raised, alike, has_reals, kind_of, same

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
    usable = [i for i, (c, a, b) in pairs if c.args is not None and alike(a, b)]
    if wrong[0] not in usable:  # the case that is shown stopped, or has another shape
        return ""
    first = [i for i in usable if i in wrong]
    first = {*first[:3], first[-1]}  # of these the slices, too
    seen = [_effects(exercise, i, answer, clock, i in first) for i in usable]
    if RANDOM in seen:
        return RANDOM
    effects = [effect for case in seen for effect in case]
    for what in dict.fromkeys(what for what, at, _ in effects if at is None):
        moved = [both for name, at, both in effects if name == what and at is None]
        count = sum(right for right, _ in moved)
        enough = 1 if has_reals(got[wrong[0]]) else 3
        if count >= enough and not any(own is not False for _, own in moved):
            return f"{what} has no effect on the result here, but it should."
    rights = {}  # whether the right result moves, of all slices of a kind
    for _, at, (right, _) in effects:
        rights.setdefault(at, set()).add(right)
    for says, at, (right, own) in effects:
        # Where the right one moves in some cases only, it does so by chance.
        if at is None or rights[at] != {right} or own is not (not right):
            continue
        if right:
            return f"{says} stays as it is: it should depend on that."
        later = at[-1] > 0 and rights.get((*at[:2], -1)) != {False}
        return (
            f"{says} changes, too: {LATER if later else 'it must not depend on that.'}"
        )
    return ""


def _effects(exercise, i: int, answer, clock, slices: bool):
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
        for variant, (where, changed) in enumerate(_changes(value), 1):
            if isinstance(where, tuple) and not slices:
                continue
            after = ask(n, changed, variant)
            if any(isinstance(v, Raised) for v in after):
                continue
            if not isinstance(where, tuple):
                seen.append((f"`{name}{where}`", None, _moved(before, after)))
            elif kind_of(before[0]) == kind_of(before[1]):
                seen += _slices_moved(name, *where, value, before, after)
    return seen


def _moved(before, after) -> list[bool]:
    """Of the right answer and of the reader's: whether the result is another one.

    None for the reader's: it moved, but by too little to say so.
    """
    right, own = (not same(a, b, 1e-5) for a, b in zip(before, after, strict=True))
    return [right, own or (None if not same(before[1], after[1], 0.0) else False)]


def _slices_moved(name, axis, by, value, before, after):
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
    for to in range(value.size(axis)):
        parts = [v.select(axis, to) for v in first]
        at = name, axis, (by > to) - (by < to)  # 1: what is changed comes later
        what = f"When only `{name}{_index(axis, by)}` changes, the result at"
        yield f"{what} {_index(axis, to)}", at, _moved(parts[:2], parts[2:])


def _index(axis: int, at: int) -> str:
    return f"[{':, ' * axis}{at}]"


def _changes(value):
    """(what is changed, the changed argument); "" is all of it, (axis, at) a slice."""
    if isinstance(value, bool):
        yield "", not value
    elif isinstance(value, int):
        yield from (("", value + 1), ("", value * 2))
    elif isinstance(value, float):
        yield from (
            ("", value * by + add) for by, add in ((0.5, 0), (0.5, 0.5), (1e3, 0))
        )
    elif isinstance(value, list) and value and all(map(callable, value)):
        yield "[0]", [_other(value[0]), *value[1:]]
        yield "[-1]", [*value[:-1], _other(value[-1])]
    elif callable(value):
        yield "", _other(value)
    elif isinstance(value, Tensor) and value.numel() and value.dtype != torch.bool:
        new = value.max() + value.min() - value
        if value.is_floating_point():
            new = torch.sin(value + torch.arange(value.numel()).view_as(value) + 1)
            yield "", 1000 * value
        yield "", new
        yield "", value.flatten().flip(0).view_as(value)
        yield "", torch.full_like(value, value.min())
        for axis in range(min(2, value.ndim)):
            for at in range(value.size(axis)) if value.size(axis) < 6 else ():
                part = value.clone()
                part.select(axis, at).copy_(new.select(axis, at))
                yield (axis, at), part


def _other(f):
    return lambda *args: -0.5 * f(*args)
