"""The frame of every check: it says which mistake an answer looks like.

`check.causal_head(my_head)` shows one line when `my_head` is right, "causal_head: not
answered yet" for an untouched stub, and otherwise which mistake it looks like and the
smallest case that shows it, expected beside got (`showing.py`). It never raises, never
hangs, leaves random states as they were and returns None. Programs use its `outcome`.

An `Exercise` has a solution, cases, and mistakes that are patches of the solution
(`patches.py`). Each case is put to the solution and to the answer. If all values agree,
the answer is right, provided that it changed no argument, let gradients flow, and
called nothing that is forbidden. Otherwise the mistakes are asked, too
(`recognise.py`); if none fits, what differs is described in general (`describe.py`).
Shown is the first case that differs, so put the smallest first.
"""

import contextlib
import functools
import inspect
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from gptcourse.checks.describe import beside, describe
from gptcourse.checks.effects import observed
from gptcourse.checks.general import general_mistakes
from gptcourse.checks.gradients import IN_PLACE, NO_GRADIENT, lost_gradient, slopes
from gptcourse.checks.patches import Patch, apply, load, parse
from gptcourse.checks.recognise import Mistake, recognise
from gptcourse.checks.running import Ask, Clock, TimeIsUp, in_thread, raised
from gptcourse.checks.showing import Outcome, first_lines, show
from gptcourse.checks.stubs import left_open, untouched
from gptcourse.checks.values import Raised, kind_of, listed, plain, same

GRADIENTS = "the gradients: "
NOTE = (
    "As part of a model it could not learn: no gradient flows back, or not all of it."
)
LARGE = (
    "Right for moderate numbers, wrong for large ones: exp(89) is infinite in float32 "
    "(F.softmax subtracts the maximum first), an added 1e-6 hides small probabilities "
    "(take log_softmax), and what must not count needs -inf."
)


@dataclass(frozen=True)
class Case:
    """One question. title: what is asked, in a few words.

    args: the arguments, or a function that makes them (where a module is among them).
    probe(answer) instead: calls the answer and returns what is to be compared. large:
    whether its numbers are so large that a naive exp overflows.
    """

    title: str
    probe: Callable[[Any], Any] | None = None
    args: tuple | Callable[[], tuple] | None = None
    large: bool = False

    def put(self, answer):
        """What the case gets out of an answer."""
        return self.probe(answer) if self.args is None else answer(*self.make())

    def make(self) -> tuple:
        return self.args() if callable(self.args) else self.args


class Exercise:
    """A check: call it with an answer and it prints what it found. See the module.

    solution: as the notebook prints it; mistakes: patches of it; more: those that are
    no patches; parts: what the items of a result are called; result: makes results
    comparable; forbid: functions and dtypes of torch that must not be used; gradients:
    whether to see if they flow as through the solution; learns: whether the statement
    says that they must: else an answer without them is right, with a note; keeps:
    arguments that must stay as they are, for the statement says so; fills: those that
    the answer is to change; names: what the solution uses besides `patches.NAMES`;
    seconds: CPU time for all cases together, which take milliseconds.
    """

    def __init__(
        self,
        solution: str,
        *,
        cases: Sequence[Case],
        mistakes: str = "",
        more: Sequence[Mistake] = (),
        praise: str = "",
        parts: Sequence[str] = (),
        result: Callable[[Any], Any] = lambda value: value,
        forbid: Sequence[str] = (),
        gradients: bool = True,
        learns: bool = False,
        keeps: Sequence[str] = (),
        fills: Sequence[str] = (),
        names: dict[str, Any] | None = None,
        tolerance: float = 1e-4,
        seconds: float = 5.0,
    ):
        self.name = ""  # `called` gives it one
        self.solution, self.patches, self.more = solution, mistakes, more
        self.praise, self.parts, self.result = praise, parts, result
        self.forbid, self.learns, self.names = forbid, learns, names or {}
        self.keeps = [*map(self.arguments.index, keeps)]  # positions
        self.fills = [*map(self.arguments.index, fills)]
        self.tolerance, self.seconds = tolerance, seconds
        last = [case for case in cases if case.args is not None][-1:]
        self.cases = [*cases, *(map(self._for_gradients, last) if gradients else [])]
        self.passed = False  # whether the reader's last answer was right
        self._kept = {}  # (case, id of one of our answers): what it gives
        self.calls = []  # (arguments, result) of each call to the solution

    def called(self, name: str) -> "Exercise":
        """The exercise itself, with the name that notebooks know it by."""
        self.name = self.__name__ = name
        self.__doc__ = f"Check an answer to the exercise {name}; shows the result."
        return self

    def __repr__(self) -> str:
        return f"check.{self.name}(your_answer)"

    def __call__(self, answer: Any = None) -> None:
        """Show one line for a right answer, and for a wrong one what is wrong."""
        outcome = self.outcome(answer)
        self.passed = outcome.verdict == "right"
        show(outcome)

    @cached_property
    def right(self) -> Callable:
        """The solution, as a function."""
        return load(self.solution, f"<solution of {self.name}>", **self.names)

    @cached_property
    def arguments(self) -> list[str]:
        """The names of the solution's arguments."""
        return [*inspect.signature(self.right).parameters]

    @cached_property
    def mistakes(self) -> list[Mistake]:
        """All known mistakes, as answers."""
        return [self._mistake(p.says, p) for p in parse(self.patches)] + [*self.more]

    def _mistake(self, says: str, *patches: Patch) -> Mistake:
        source = functools.reduce(apply, patches, self.solution)
        names = {**self.names, "right": self.right}
        return Mistake(says, load(source, f"<{says}>", **names))

    @cached_property
    def pairs(self) -> list[Mistake]:
        """Two known mistakes at once, where their patches fit together."""
        found = []
        for one, two in itertools.combinations(parse(self.patches), 2):
            says = f"Two things. {one.says} {two.says}"
            with contextlib.suppress(ValueError, SyntaxError):
                found.append(self._mistake(says, one, two))
        return found

    @cached_property
    def general(self) -> list[Mistake]:
        """The mistakes that can be made anywhere; needs what `expected` has asked."""
        found = general_mistakes(self.right, self.calls)
        return [Mistake(*both) for both in found] if self.calls else []

    def outcome(self, answer: Any = None) -> Outcome:
        """The same, without showing it."""
        if untouched(answer):
            return Outcome(self.name, "open")
        if problem := self._wrong_kind(answer):
            return self._wrong(problem)
        clock = Clock()
        work = functools.partial(self._judge, answer, clock)
        outcome, printed = in_thread(work, self.seconds, clock)
        outcome = outcome or self._wrong(
            f"It did not come to an end within {self.seconds:g} seconds and was "
            "stopped: is there a loop that never ends?"
        )
        if outcome.verdict == "wrong":
            shown = [outcome.shown, first_lines(printed)]
            outcome = replace(outcome, shown="\n".join(filter(None, shown)))
        return outcome

    def expected(self) -> list:
        """What the solution gives in every case."""
        values = [self.known(i, self.right) for i in range(len(self.cases))]
        if values[-1] == NO_GRADIENT:  # none flows through this solution: do not ask
            self.cases.pop(), values.pop(), self.calls.pop()
        return values

    def known(self, i: int, answer):
        """What case i gets out of an answer of our own: asked once, then kept."""
        if (i, id(answer)) not in self._kept:
            value, ask = self.value(self.cases[i], answer)
            self._kept[i, id(answer)] = value
            if answer is self.right:
                self.calls += ask.calls
        return self._kept[i, id(answer)]

    def value(self, case: Case, answer, clock=None, seed=0) -> tuple[Any, Ask]:
        """What a case gets out of an answer, and what was noticed meanwhile."""
        ask = Ask(answer, self.keeps, self.fills, self.forbid, clock, seed)
        try:
            value = self.result(plain(case.put(ask)))
        except TimeIsUp:
            raise
        except BaseException as error:
            value = raised(error)
            if error is not ask.error and not value.where:  # it broke in the probe
                value = replace(value, returned=kind_of(ask.last))
        return value, ask

    def asks_for_gradients(self, i: int) -> bool:
        return self.cases[i].title.startswith(GRADIENTS)

    def is_usual(self, i: int) -> bool:
        """Whether case i asks for values, and for moderate ones: it says the most."""
        return not (self.asks_for_gradients(i) or self.cases[i].large)

    def _for_gradients(self, case: Case) -> Case:
        """A case with arguments of its own, asked for gradients."""
        return Case(GRADIENTS + case.title, lambda f: slopes(self.arguments, case, f))

    def _wrong_kind(self, answer) -> str:
        """What is wrong with the kind of thing that was handed in, or ""."""
        is_class = isinstance(answer, type)
        if is_class and any("__call__" in vars(k) for k in answer.__mro__):
            return f"Hand in an object, not the class: {answer.__name__}(…)."
        if callable(answer):
            return ""
        return f"Hand in the function itself: got {kind_of(answer)}."

    def _judge(self, answer, clock) -> Outcome:
        """Ask, compare, and say what was found. Must not raise."""
        try:
            expected = self.expected()
            results = [self.value(case, answer, clock) for case in self.cases]
            return self._compare(expected, results, answer, clock)
        except TimeIsUp:
            raise
        except BaseException as error:  # what an answer returns can be anything
            return self._wrong(f"What it gives back cannot be used: {raised(error)}")

    def _compare(self, expected: list, results: list, answer, clock) -> Outcome:
        got, asks = map(list, zip(*results, strict=True))
        if any(map(left_open, got)):
            return Outcome(self.name, "open")
        got = [*map(listed, expected, got)]
        right = [same(a, b, self.tolerance) for a, b in zip(expected, got, strict=True)]
        wrong = [i for i, ok in enumerate(right) if not ok and got[i] is not IN_PLACE]
        if all(map(self.asks_for_gradients, wrong)):  # the values are right
            outcome = self._judge_conduct(asks)
            if not wrong or outcome.verdict == "wrong":
                return outcome
            if not self.learns:
                return replace(outcome, says=f"{self.praise} {NOTE}")
        wrong = [i for i in wrong if self.is_usual(i)] or wrong
        found, known = recognise(self, got, wrong)
        says, i = found, wrong[0]
        if not found and self.asks_for_gradients(i):
            says = lost_gradient(expected[i], got[i])
        elif not found:
            # Where it is a large one, none of the usual cases is wrong.
            large = self.cases[i].large and type(got[i]) is not Raised
            says = LARGE if large else observed(self, answer, got, wrong, clock)
            differing = [(expected[n], got[n]) for n in wrong]
            says = says or describe(differing, self.parts, self.tolerance)
        shown = ""
        if got[i] is not NO_GRADIENT and (found or type(got[i]) is not Raised):
            shown = beside(expected[i], got[i], self.parts, self.tolerance)
        if shown and self.cases[i].title:
            shown = f"  {self.cases[i].title}:\n{shown}"
        elif self.cases[i].title and type(got[i]) is Raised and got[i].where:
            shown = f"  It stopped in this case: {self.cases[i].title}."
        return self._wrong(says, shown, known)

    def _judge_conduct(self, asks: list[Ask]) -> Outcome:
        """The values are right: what did the answer do to get them?"""
        if changed := [self.arguments[i] for ask in asks for i in ask.changed]:
            return self._wrong(
                f"The result is right, but the argument `{changed[0]}` is changed in "
                "place: make a new value (`x = x + 1` rather than `x += 1`)."
            )
        if seen := [name for ask in asks for name in ask.watch.seen]:
            return self._wrong(
                f"The result is right, but `{seen[0]}` does the work: the exercise "
                "asks you to do without it."
            )
        return Outcome(self.name, "right", self.praise)

    def _wrong(self, says, shown="", mistake="") -> Outcome:
        return Outcome(self.name, "wrong", says, shown, mistake)
