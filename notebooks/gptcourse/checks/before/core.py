"""The frame of every check: it names the mistake that an answer looks like.

In a notebook, after `from gptlib import checks as check`:

    check.causal_weights(my_weights)

prints one line when `my_weights` is right, "causal_weights: not answered yet" for an
untouched stub, and otherwise which mistake it looks like and the smallest tensor that
shows it, expected beside got. It never raises, never hangs, leaves random states as
they were and returns None. Programs use `check.causal_weights.outcome(my_weights)`.

An `Exercise` is made of a right answer, of questions, and of known mistakes *that are
themselves answers*, written out wrong:

    causal_weights = Exercise(
        "causal_weights",
        right=right_weights,
        cases=[
            Case("two positions", lambda answer: answer(SMALL)),   # smallest first
            Case("two texts of four", lambda answer: answer(LARGE)),
        ],
        mistakes=[
            Mistake("no mask", "The mask is missing: …", unmasked_weights),
        ],
        praise="each position averages itself and its past, and only those.",
    )

How an answer is judged. Every case's `probe` puts its question to the answer and
returns a value: a tensor, a number, a text, None, or a list, tuple or dict of these.
The same probe is put to `right`. If all values agree, the answer is right. Otherwise
the mistakes are asked too: the one whose values agree with the answer's in *all*
cases is named; else the only one that agrees in the first case that went wrong; else
what differs is described in general (an exception, nothing returned, the type, the
shape, the dtype, NaN, swapped axes, a factor, …). What is shown is the first case
that differs, so put the smallest first, and let it be one that tells mistakes apart.

What a probe gets is a stand-in for the answer: call it as you would call the answer.
Tensors in the arguments are handed over as copies; if the answer changes them in
place and is otherwise right, that is the mistake (`may_change=True`: it may, and gets
the tensors themselves). `fixed.py` has numbers and layers to ask with, the same on
every machine. Random numbers start from the same state before each probe.

A `Mistake` whose effect cannot be written as an answer has `when` instead: a function
of the values got and the values expected, two lists with one entry a case, that
returns whether it is this mistake. It is asked only about wrong answers, in the order
of the table, and an exception in it counts as no.

Each exercise has a folder `tests/course/checks/<name>/` with wrong_*.py and
right_*.py, each of which defines `answer`, the wrong ones also `SAYS`, a piece of
their message: `tests/course/test_checks.py` finds and tries them all. Each file's
exercises are imported in
`notebooks/gptcourse/checks/__init__.py` and entered in its table.
"""

import dis
import inspect
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from torch import nn

from gptcourse.checks.before.running import (
    Ask,
    InAnswerError,
    TimeIsUp,
    in_thread,
    raised,
    start_afresh,
)
from gptcourse.checks.before.values import (
    Raised,
    beside,
    describe,
    kind_of,
    plain,
    same,
)

SECONDS = 5.0  # for all questions together; they take milliseconds
DOES_NOTHING = {"RESUME", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST", "NOP"}


@dataclass(frozen=True)
class Case:
    """One question. title: what is asked, in a few words; probe(answer) asks it."""

    title: str
    probe: Callable[[Any], Any]


@dataclass(frozen=True)
class Mistake:
    """A known mistake: a short name, what to say about it, and the mistake itself.

    answer: a wrong answer that makes it; or when(got, expected): whether it was made.
    """

    name: str
    says: str
    answer: Any = None
    when: Callable[[list, list], bool] | None = None


@dataclass(frozen=True)
class Outcome:
    """What a check found. verdict: "right", "wrong" or "open" (not answered yet).

    mistake: the name of the known mistake, or "" for none of them.
    """

    exercise: str
    verdict: str
    message: str
    mistake: str = ""


class Exercise:
    """A check: call it with an answer and it prints what it found. See the module."""

    def __init__(
        self,
        name: str,
        *,
        right: Any,
        cases: Sequence[Case],
        mistakes: Sequence[Mistake] = (),
        praise: str = "",
        may_change: bool = False,
        tolerance: float = 1e-4,
        seconds: float = SECONDS,
    ):
        self.name, self.__name__ = name, name
        self.__doc__ = f"Check an answer to the exercise {name}; prints the result."
        self.right, self.cases, self.mistakes = (right, list(cases), list(mistakes))
        self.praise, self.may_change = praise, may_change
        self.tolerance, self.seconds = tolerance, seconds
        self._kept = {}  # (case, id of one of our answers): what it gives

    def __repr__(self) -> str:
        return f"check.{self.name}(your_answer)"

    def __call__(self, answer: Any = None) -> None:
        """Print one line for a right answer, and for a wrong one what is wrong."""
        print(self.outcome(answer).message)

    def outcome(self, answer: Any = None) -> Outcome:
        """The same, without printing."""
        if untouched(answer):
            return self._open()
        problem = self._wrong_kind(answer)
        if problem:
            return self._wrong(problem)
        outcome, printed, ended = in_thread(lambda: self._judge(answer), self.seconds)
        if not ended:
            outcome = self._wrong(
                f"It did not come to an end within {self.seconds:g} seconds and was "
                "stopped: is there a loop that never ends?"
            )
        if outcome.verdict == "wrong":
            message = outcome.message + _printed(printed)
            outcome = replace(outcome, message=message)
        return outcome

    def _wrong_kind(self, answer) -> str:
        """What is wrong with the kind of thing that was handed in, or ""."""
        is_class = isinstance(answer, type)
        if is_class and any("__call__" in vars(k) for k in answer.__mro__):
            return (
                f"Hand in an object, not the class: {answer.__name__}(…) with its "
                "arguments."
            )
        if callable(answer):
            return ""
        return f"Hand in the function itself: got {kind_of(answer)}."

    def _judge(self, answer) -> Outcome:
        """Ask everything, compare, and say what was found. Must not raise."""
        try:
            expected = [self._known(i, self.right) for i in range(len(self.cases))]
            results = [self._value(case, answer) for case in self.cases]
            return self._compare(expected, results)
        except TimeIsUp:
            raise
        except BaseException as error:  # what an answer returns can be anything
            return self._wrong(f"What it gives back cannot be used: {raised(error)}")

    def _compare(self, expected: list, results: list) -> Outcome:
        got = [value for value, _ in results]
        if any(_left_open(value) for value in got):
            return self._open()
        agree = [same(a, b, self.tolerance) for a, b in zip(expected, got, strict=True)]
        if all(agree):
            if any(changed for _, changed in results):
                return self._wrong(
                    "The result is right, but the tensors it was given are changed "
                    "in place: whoever calls it still needs them. Work on a new "
                    "tensor (`x = x + 1` rather than `x += 1`)."
                )
            return Outcome(self.name, "right", f"{self.name}: right. {self.praise}")
        first = agree.index(False)
        mistake = self._recognise(expected, got, first)
        if mistake:
            says = mistake.says
        else:
            says = describe(expected[first], got[first], self.tolerance)
        shown = ""
        if mistake or not isinstance(got[first], Raised):
            shown = beside(expected[first], got[first], self.tolerance)
        if shown and self.cases[first].title:
            shown = f"  {self.cases[first].title}:\n{shown}"
        return self._wrong(says, shown, mistake.name if mistake else "")

    def _recognise(self, expected: list, got: list, first: int) -> Mistake | None:
        """The mistake that the values look like."""
        partly = []
        for mistake in self.mistakes:
            if mistake.when is not None:
                if _holds(mistake.when, got, expected):
                    return mistake
                continue
            if not self._agrees(mistake, got, first):
                continue
            if all(self._agrees(mistake, got, i) for i in range(len(got))):
                return mistake
            partly.append(mistake)
        return partly[0] if len(partly) == 1 else None

    def _agrees(self, mistake: Mistake, got: list, i: int) -> bool:
        return same(self._known(i, mistake.answer), got[i], self.tolerance)

    def _known(self, i: int, answer):
        """What case i gets out of an answer of our own: asked once, then kept."""
        if (i, id(answer)) not in self._kept:
            self._kept[i, id(answer)] = self._value(self.cases[i], answer)[0]
        return self._kept[i, id(answer)]

    def _value(self, case: Case, answer) -> tuple[Any, bool]:
        """What a probe gets out of an answer, and whether it changed its arguments."""
        ask = Ask(answer, self.may_change)
        try:
            start_afresh()
            value = plain(case.probe(ask))
        except TimeIsUp:
            raise
        except InAnswerError as error:
            value = raised(error.__cause__)
        except BaseException as error:
            value = raised(error)
            if not value.where:  # it broke in the probe, on what the answer returned
                value = replace(value, returned=kind_of(ask.last))
        return value, ask.changed

    def _open(self) -> Outcome:
        return Outcome(self.name, "open", f"{self.name}: not answered yet")

    def _wrong(self, says, shown="", mistake="") -> Outcome:
        text = textwrap.fill(
            f"{self.name}: not yet. {says}", 79, break_on_hyphens=False
        )
        message = "\n".join(filter(None, [text, shown]))
        return Outcome(self.name, "wrong", message, mistake)


def _printed(text: str) -> str:
    """The first lines of what an answer printed, for the end of a message."""
    lines = text.strip().splitlines()
    if not lines:
        return ""
    shown = "".join(f"\n    {line[:75]}" for line in lines[:4])
    return f"\n  your code printed:{shown}" + ("\n    …" if len(lines) > 4 else "")


def _holds(when, got: list, expected: list) -> bool:
    try:
        return bool(when(got, expected))
    except Exception:
        return False


def _left_open(value) -> bool:
    """Whether a `...` that stood for the reader's code is still there."""
    if isinstance(value, Raised):
        placeholder = value.kind == "TypeError" and "llipsis" in value.text
        return value.kind == "NotImplementedError" or placeholder
    return value is Ellipsis


def untouched(answer) -> bool:
    """Whether an answer is still the stub it was: no code but `...` or `pass`."""
    if answer is None or answer is Ellipsis or answer is NotImplemented:
        return True
    if isinstance(answer, partial):
        return untouched(answer.func)
    if inspect.ismethod(answer):
        return untouched(answer.__func__)
    if inspect.isfunction(answer):
        return _does_nothing(answer.__code__)
    kind = answer if isinstance(answer, type) else type(answer)
    own = {k: v for k, v in vars(kind).items() if inspect.isfunction(v)}
    if issubclass(kind, nn.Module) and "forward" in own:
        return untouched(own["forward"])
    return bool(own) and all(_does_nothing(f.__code__) for f in own.values())


def _does_nothing(code) -> bool:
    instructions = list(dis.get_instructions(code))
    loaded = [i.argval for i in instructions if "CONST" in i.opname]
    names = {i.opname for i in instructions}
    return names <= DOES_NOTHING and loaded[-1:] in ([None], [Ellipsis])
