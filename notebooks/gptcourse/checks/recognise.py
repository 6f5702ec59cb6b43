"""Which known mistake do wrong values look like? Guess rarely, and say so.

Used by `core.py`. A mistake is an answer: it is put to all cases, and what counts is in
how many of the cases that went wrong it gives what the reader's answer gives.
"""

import contextlib
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gptcourse.checks.patches import load
from gptcourse.checks.slips import mutants
from gptcourse.checks.values import Raised, alike, has_reals, numeric, same

SURE, PERHAPS_FROM = 0.8, 0.7  # the share of cases that have to agree
PERHAPS = "It may be this mistake, but not all numbers agree with it. "
SLIP = "These are the results of our solution with `{new}` in place of `{old}`."


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
    usual = exercise.is_usual(wrong[0])  # if so, only such cases count
    asked = [i for i in range(len(got)) if exercise.is_usual(i) or not usual]
    ranked = []
    for mistake in exercise.mistakes:
        if mistake.when is None:
            known = {i: exercise.known(i, mistake.answer) for i in asked}
            agree = [i for i in asked if same(known[i], got[i], exercise.tolerance)]
            hits = [i for i in wrong if i in agree]
            ranked.append((len(hits) / len(wrong), len(agree), mistake, hits))
    best = max(ranked, key=lambda entry: entry[:2], default=None)
    if best and best[1] == len(asked):
        return Found(best[2].says, best[2].says, True)
    if exercise.asks_for_gradients(wrong[0]):
        return Found()
    if general := _general(exercise, got, asked, wrong):
        return Found(general, sure=True)
    # Cases in which the answer stopped say little: an exception fits many mistakes.
    telling = [i for i in wrong if not isinstance(got[i], Raised)]
    if not best or not any(has_reals(got[i]) for i in telling):
        return Found()
    share, agreed, mistake, hits = best
    tied = sum(entry[:2] == best[:2] for entry in ranked) > 1
    both = min(share, agreed / len(asked))
    if tied or len(hits) < 2 or both < PERHAPS_FROM:
        return Found()
    if both >= SURE:
        return Found(mistake.says, mistake.says, True, hits[0])
    return Found(PERHAPS + mistake.says, shows=hits[0])


def _general(exercise, got: list, asked: list[int], wrong: list[int]) -> str:
    """What to say of a general mistake, or two known ones, that fit in all cases."""
    if all(isinstance(value, Raised) for value in got):
        return ""
    order = [wrong[0], *asked]  # the first soon tells them apart

    def fits(mistake) -> bool:
        known = ((exercise.known(i, mistake.answer), got[i]) for i in order)
        return all(same(a, b, exercise.tolerance) for a, b in known)

    says = next((m.says for m in exercise.general if fits(m)), "")
    if says := says or _off_by(exercise, got):
        return says
    chance = type(got[0]) is bool or all(same(got[0], value, 0.0) for value in got)
    reals = has_reals(got[wrong[0]])
    if chance or not alike(exercise.expected()[wrong[0]], got[wrong[0]]):
        return ""
    if (reals or len(wrong) > 2) and (says := _slip(exercise, got, order)):
        return says
    return next((m.says for m in exercise.pairs if fits(m)), "") if reals else ""


def _slip(exercise, got: list, order: list[int]) -> str:
    """Which small change of the solution gives what the answer gives."""
    if "while" in exercise.solution:  # a changed one may never end
        return ""
    plain, more = (mutants(exercise.solution, wide) for wide in (False, True))
    for old, new, source in itertools.chain(plain, more):
        with contextlib.suppress(Exception):
            answer = load(source, "<slip>", **exercise.names)
            values = ((exercise.value(exercise.cases[i], answer)[0], i) for i in order)
            if all(same(value, got[i], exercise.tolerance) for value, i in values):
                return SLIP.format(new=new, old=old)
    return ""


def _off_by(exercise, got: list) -> str:
    """By which product of its arguments, all whole, a count is wrong in all cases."""
    rows, expected = [args for args, _ in exercise.calls], exercise.expected()
    counted = all(type(value) is int for row in rows for value in row)
    if not counted or len(rows) != len(got):
        return ""
    if not all(map(numeric, [*got, *expected])):
        return ""
    rows, got, expected = (np.array(values, float) for values in (rows, got, expected))
    exact = expected < 2**53
    off = (got - expected)[exact]
    for powers in itertools.product(range(3), repeat=len(exercise.arguments)):
        ratios = off / np.prod(rows[exact] ** powers, axis=1)
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
