"""Which mistake do wrong values look like? Only one that fits in all cases is named.

Used by `core.py`. A mistake is an answer: it is put to the same cases.
"""

import contextlib
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gptcourse.checks.patches import load
from gptcourse.checks.slips import mutants
from gptcourse.checks.values import alike, has_reals, numeric, same

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


def recognise(exercise, got: list, wrong: list[int]) -> tuple[str, str]:
    """(what to say or "", the known mistake or "") of the first mistake that fits."""
    expected = exercise.expected()
    for mistake in exercise.mistakes:
        with contextlib.suppress(Exception):  # got can be anything
            if mistake.when is not None and mistake.when(got, expected):
                return mistake.says, mistake.says
    usual = exercise.is_usual(wrong[0])  # if so, only such cases count
    asked = [i for i in range(len(got)) if exercise.is_usual(i) or not usual]
    order = [wrong[0], *asked]  # the first soon tells them apart

    def fitting(mistakes) -> str:
        for mistake in mistakes:
            known = (exercise.known(i, mistake.answer) for i in order)
            pairs = zip(known, (got[i] for i in order), strict=True)
            if all(same(a, b, exercise.tolerance) for a, b in pairs):
                return mistake.says
        return ""

    if says := fitting(m for m in exercise.mistakes if m.when is None):
        return says, says
    if exercise.asks_for_gradients(wrong[0]):
        return "", ""
    if says := fitting(exercise.general) or _off_by(exercise, got):
        return says, ""
    chance = type(got[0]) is bool or all(same(got[0], value, 0.0) for value in got)
    reals = has_reals(got[wrong[0]])
    if chance or not alike(expected[wrong[0]], got[wrong[0]]):
        return "", ""
    says = _slip(exercise, got, order) if reals or len(wrong) > 2 else ""
    return says or (fitting(exercise.pairs) if reals else ""), ""


def _slip(exercise, got: list, order: list[int]) -> str:
    """Which small change of the solution gives what the answer gives."""
    if "while" in exercise.solution:  # a changed one may never end
        return ""
    slips = mutants(exercise.solution)
    if type(got[0]) is not int:  # one id or count agrees by chance too often
        slips = itertools.chain(slips, mutants(exercise.solution, wide=True))
    for old, new, source in slips:
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
    counted = counted and all(map(numeric, [*got, *expected]))
    if not counted or len(rows) != len(got):
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
