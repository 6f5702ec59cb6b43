"""Which known mistake do wrong values look like? Guess rarely, and say so.

Used by `core.py`. A mistake is an answer: it is put to all cases, and what counts is in
how many of the cases that went wrong it gives what the reader's answer gives.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gptcourse.checks.values import Raised, alike, has_reals, numeric, same

PERHAPS = "It may be this mistake, but not all numbers agree with it. "


@dataclass(frozen=True)
class Mistake:
    """A known mistake: what to say about it, and an answer that makes it.

    when(got, expected) instead of an answer: whether the values, one of each per case,
    show it.
    """

    says: str
    answer: Any = None
    when: Callable[[list, list], bool] | None = None


@dataclass(frozen=True)
class Found:
    """What to say, or "" for nothing; mistake: the known one, named with certainty.

    sure: whether more than "it may be"; shows: the first wrong case that agrees.
    """

    says: str = ""
    mistake: str = ""
    sure: bool = False
    shows: int | None = None


def recognise(exercise, got: list, wrong: list[int]) -> Found:
    """The mistake that agrees best with the cases that went wrong, if any does."""
    expected = exercise.expected()
    for mistake in exercise.mistakes:
        if mistake.when is not None and _holds(mistake.when, got, expected):
            return Found(mistake.says, mistake.says, True)
    ranked = []
    for mistake in exercise.mistakes:
        if mistake.when is None:
            known = (exercise.known(i, mistake.answer) for i in range(len(got)))
            pairs = zip(known, got, strict=True)
            agree = [same(a, b, exercise.tolerance) for a, b in pairs]
            hits = [i for i in wrong if agree[i]]
            ranked.append((len(hits) / len(wrong), sum(agree), mistake, hits))
    # Cases in which the answer stopped say little: an exception fits many mistakes.
    telling = [i for i in wrong if not isinstance(got[i], Raised)]
    best = max(ranked, key=lambda entry: entry[:2], default=None)
    if best and best[1] == len(got):
        return Found(best[2].says, best[2].says, True)
    general = _general(exercise, got, wrong) or _off_by(exercise, got)
    if general:
        return Found(general, sure=True)
    by_chance = not any(has_reals(got[i]) for i in telling)
    if best and not by_chance:
        tied = sum(entry[:2] == best[:2] for entry in ranked)
        if best[0] >= 0.8 and len(wrong) > 1 and tied == 1:
            return Found(best[2].says, best[2].says, True, best[3][0])
    if best and not by_chance and best[0] > 0.5 and tied == 1:
        return Found(PERHAPS + best[2].says, shows=best[3][0])
    return Found()


def _general(exercise, got: list, wrong: list[int]) -> str:
    """What to say of a general mistake, or two known ones, that fit in all cases."""
    if all(isinstance(value, Raised) for value in got):
        return ""
    chance = type(got[0]) is bool or all(same(got[0], value, 0.0) for value in got)
    usual = not chance and alike(exercise.expected()[wrong[0]], got[wrong[0]])
    for mistake in [*exercise.general, *(exercise.pairs if usual else [])]:
        values = ((exercise.known(i, mistake.answer), got[i]) for i in range(len(got)))
        if all(same(a, b, exercise.tolerance) for a, b in values):
            return mistake.says
    return ""


def _off_by(exercise, got: list) -> str:
    """By which product of its arguments, all whole, a count is wrong in all cases."""
    rows, expected = [args for args, _ in exercise.calls], exercise.expected()
    counted = all(type(value) is int for row in rows for value in row)
    if not counted or len(rows) != len(got) or not all(map(numeric, got)):
        return ""
    off = np.array(list(map(float, got))) - np.array(list(map(float, expected)))
    for powers in itertools.product(range(3), repeat=len(exercise.arguments)):
        ratios = off / np.prod(np.array(rows, float) ** powers, axis=1)
        n = ratios[0].round()
        if n and abs(n) < 1000 and np.allclose(ratios, n, 1e-4, 0):
            names = np.repeat(exercise.arguments, powers)
            word = "large" if n > 0 else "small"
            return f"It is too {word} by {' · '.join([f'{abs(n):g}', *names])}."
    return ""


def _holds(when, got: list, expected: list) -> bool:
    try:
        return bool(when(got, expected))
    except Exception:
        return False
