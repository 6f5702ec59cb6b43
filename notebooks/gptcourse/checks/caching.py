"""More exercises of 08_generation: one step with a cache, the window's edge."""

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from gptcourse.checks.before.core import Case, Exercise, Mistake
from gptcourse.checks.fixed import numbers


def ask_step(*counts: int, heads=1, size=2, window=6):
    """A probe: so many new characters, step by step, into one memory."""

    def probe(answer):
        # What lies in places that are not taken yet must not matter.
        keys = torch.full((heads, window, size), 5.0)  # (H, S, d)
        values = torch.full((heads, window, size), 5.0)  # (H, S, d)
        n, out = 0, None
        for count in counts:
            q, k, v = (
                numbers(heads, count, size, start=100 * i + 10 * n) for i in range(3)
            )
            out = answer(q, k, v, keys, values, n)
            n += count
        return [out, keys, values]

    return probe


def lower_right(T, S):
    return torch.ones(T, S, dtype=torch.bool).tril(S - T)


def attend(
    q,
    k,
    v,
    keys,
    values,
    n,
    *,
    at=lambda n, T, S: n,
    write=("keys", "values"),
    seen=lambda n, T, S: slice(0, n + T),
    mask=lower_right,
    scale=True,
    dim=-1,
):
    """One step with a cache, and with other settings the mistakes one makes in it."""
    T, S = q.size(1), keys.size(1)
    all_k = torch.cat([keys[:, :n], k, keys[:, n + T :]], dim=1)  # (H, S, d)
    all_v = torch.cat([values[:, :n], v, values[:, n + T :]], dim=1)  # (H, S, d)
    start = at(n, T, S)
    for name, memory, new in (("keys", keys, k), ("values", values, v)):
        if name in write:
            memory[:, start : start + T] = new
    if start != n or len(write) == 1:  # and then read from there
        all_k, all_v = keys, values
    K, V = all_k[:, seen(n, T, S)], all_v[:, seen(n, T, S)]
    scores = q @ K.transpose(1, 2)  # (H, T, S)
    if scale:
        scores = scores / q.size(2) ** 0.5
    scores = scores.masked_fill(~mask(T, K.size(1)), -torch.inf)
    return F.softmax(scores, dim=dim) @ V  # (H, T, d)


cached_step = Exercise(
    "cached_step",
    right=attend,
    may_change=True,
    cases=[
        Case("one new character, the memory empty", ask_step(1)),
        Case("one new character after one", ask_step(1, 1)),
        Case("three at once, the memory empty", ask_step(3)),
        Case("two at once after two", ask_step(2, 2)),
        Case("two heads, three steps, the memory full", ask_step(3, 1, 2, heads=2)),
    ],
    mistakes=[
        Mistake(
            "always at the beginning",
            "The new keys and values are written to the first places, over the old "
            "ones: they belong to the places n to n + T.",
            partial(attend, at=lambda n, T, S: 0),
        ),
        Mistake(
            "at the end of the memory",
            "The new keys and values are written to the end of the memory: they "
            "belong right behind the old ones, in the places n to n + T.",
            partial(attend, at=lambda n, T, S: S - T),
        ),
        Mistake(
            "one too early",
            "Written one place too early, n - 1: the first free place is n.",
            partial(attend, at=lambda n, T, S: n - 1),
        ),
        Mistake(
            "over the newest",
            "The newest of the old is overwritten: the places 0 to n - 1 are taken, n "
            "is the first free one.",
            partial(attend, at=lambda n, T, S: max(0, n - 1)),
        ),
        Mistake(
            "one too late",
            "Written one place too late: the first free place is n.",
            partial(attend, at=lambda n, T, S: n + 1),
        ),
        Mistake(
            "nothing kept",
            "The result is right, but the memory is as it was: the next step needs "
            "these keys and values. Write them into `keys` and `values` "
            "(`keys[:, n : n + T] = k`).",
            partial(attend, write=()),
        ),
        Mistake(
            "values not kept",
            "The new keys are kept, the new values are not.",
            partial(attend, write=("keys",)),
        ),
        Mistake(
            "keys not kept",
            "The new values are kept, the new keys are not.",
            partial(attend, write=("values",)),
        ),
        Mistake(
            "only the new ones seen",
            "The new characters see only each other: the past lies in the memory.",
            partial(attend, seen=lambda n, T, S: slice(n, n + T)),
        ),
        Mistake(
            "unused places seen",
            "Places that are not taken yet are attended to: n + T places are, so "
            "keys[:, : n + T].",
            partial(
                attend,
                seen=lambda n, T, S: slice(0, S),
                mask=lambda T, S: torch.ones(T, S, dtype=torch.bool),
            ),
        ),
        Mistake(
            "mask to the upper left",
            "The mask is aligned to the upper left (`is_causal=True` does that): the "
            "new characters are the *last* of n + T, so row t sees n + t + 1 places.",
            partial(
                attend, mask=lambda T, S: torch.ones(T, S, dtype=torch.bool).tril()
            ),
        ),
        Mistake(
            "no mask",
            "The new characters see each other's future: of several at once, each "
            "sees the past, those new ones before it, and itself.",
            partial(attend, mask=lambda T, S: torch.ones(T, S, dtype=torch.bool)),
        ),
        Mistake(
            "not itself",
            "A new character does not see itself: its own key and value belong to "
            "what it looks at.",
            partial(
                attend,
                mask=lambda T, S: torch.ones(T, S, dtype=torch.bool).tril(S - T - 1),
            ),
        ),
        Mistake(
            "not scaled",
            "The scores are not divided by the root of the head size.",
            partial(attend, scale=False),
        ),
        Mistake(
            "softmax over the queries",
            "The softmax goes over the queries: each query spreads its attention over "
            "the keys, the last dimension.",
            partial(attend, dim=1),
        ),
    ],
    praise="the same as all at once, and the memory is ready for the next one.",
)


# The window's edge


def ask_reading(n: int, size: int):
    def probe(answer):
        window = list(range(10, 10 + n))
        read = answer(window, 10 + n, size)
        if not isinstance(read, tuple | list) or len(read) != 2:
            return read
        return [_as_list(part) for part in read]

    return probe


def _as_list(part):
    if isinstance(part, Tensor):
        return part.tolist() if part.is_cpu else part
    return list(part) if isinstance(part, range | tuple) else part


def reading(window, new, size, *, full=0, keep=lambda s: s // 2, first=0):
    """What to read and where, and with other settings the mistakes one makes."""
    text = [*window, new]
    if len(window) < size + full:
        return [new], [len(window)]
    read = text[-keep(size) :]
    return read, [first + i for i in range(len(read))]


def oldest_half(window, new, size):
    if len(window) < size:
        return reading(window, new, size)
    kept = [*window[: size // 2 - 1], new]
    return kept, list(range(len(kept)))


def without_new(window, new, size):
    if len(window) < size:
        return reading(window, new, size)
    return window[-(size // 2) :], list(range(size // 2))


def old_places(window, new, size):
    if len(window) < size:
        return reading(window, new, size)
    read = [*window, new][-(size // 2) :]
    return read, list(range(size - len(read), size))


def rolled(window, new, size):
    return [new], [min(len(window), size - 1)]


def always_zero(window, new, size):
    read = reading(window, new, size)[0]
    return read, list(range(len(read)))


def everything(window, new, size):
    read = [*window, new] if len(window) < size else reading(window, new, size)[0]
    return read, list(range(len(read)))


next_reading = Exercise(
    "next_reading",
    right=reading,
    cases=[
        Case("a window of 4 that holds 10 11, new: 12", ask_reading(2, 4)),
        Case("a window of 4 that holds 10 11 12, new: 13", ask_reading(3, 4)),
        Case("a window of 4 that holds 10 11 12 13, new: 14", ask_reading(4, 4)),
        Case("a window of 7 that holds 10 to 16, new: 17", ask_reading(7, 7)),
        Case("an empty window of 6, new: 10", ask_reading(0, 6)),
        Case("a window of 8 that holds 10 to 17, new: 18", ask_reading(8, 8)),
    ],
    mistakes=[
        Mistake(
            "one by one at place 0",
            "The position begins at 0 with every character: the cache holds some "
            "already, so the new one has position len(window).",
            always_zero,
        ),
        Mistake(
            "off by one place",
            "The new character's position is one too small: positions count from 0, "
            "and len(window) of them are taken.",
            lambda window, new, size: (
                ([new], [len(window) - 1])
                if len(window) < size
                else reading(window, new, size)
            ),
        ),
        Mistake(
            "all read anew",
            "Everything is read anew while there is room: the cache has read the old "
            "ones, only the new character is missing.",
            everything,
        ),
        Mistake(
            "one too early",
            "Halved one character too early: while len(window) < size there is room "
            "for the new one.",
            partial(reading, full=-1),
        ),
        Mistake(
            "one too late",
            "With a full window the new character gets a position that the model does "
            "not have: positions go up to size - 1.",
            partial(reading, full=1),
        ),
        Mistake(
            "rolling",
            "This is the rolling cache: the new character gets the last place, and "
            "what is kept still remembers what was forgotten.",
            rolled,
        ),
        Mistake(
            "old positions",
            "The newest half keeps its old positions: it is read afresh from position "
            "0, or there is no room behind it.",
            old_places,
        ),
        Mistake(
            "new not counted",
            "One too many: the newest half, size // 2, has the new character among "
            "them.",
            partial(reading, keep=lambda s: s // 2 + 1),
        ),
        Mistake(
            "new not read",
            "The new character is missing from what is read: it is the newest of all.",
            without_new,
        ),
        Mistake(
            "the oldest half",
            "The oldest are kept: what comes next hangs most on the newest.",
            oldest_half,
        ),
        Mistake(
            "rounded up",
            "Half of an odd window is rounded down, size // 2.",
            partial(reading, keep=lambda s: (s + 1) // 2),
        ),
        Mistake(
            "the whole window",
            "The newest *size* characters are read: then the window is full again, "
            "and every further character costs a whole reading.",
            partial(reading, keep=lambda s: s),
        ),
    ],
    praise="one character while there is room, half a window when there is none.",
)
