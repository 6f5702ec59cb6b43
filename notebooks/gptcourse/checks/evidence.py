"""Exercises of 07_overfitting: what a model copies, and two kinds of error bars."""

from functools import partial

import torch
from torch import Tensor

from gptcourse.checks.before.core import Case, Exercise, Mistake
from gptcourse.checks.fixed import numbers


def ask_run(text: str, source: str):
    return lambda answer: answer(text, source)


def runs(text: str) -> list[str]:
    """Every run of characters of a text."""
    ends = range(1, len(text) + 1)
    return [text[start:end] for end in ends for start in range(end)]


def longest(text, source) -> int:
    """The length of the longest run of text that is in source."""
    return max((len(run) for run in runs(text) if run in source), default=0)


def beginning(text, source):
    shared = [n for n in range(len(text) + 1) if source.startswith(text[:n])]
    return max(shared)


def same_places(text, source):
    """The longest run at the same place in both."""
    same = "".join(" x"[a == b] for a, b in zip(text, source, strict=False))
    return max(map(len, same.split()), default=0)


def with_gaps(text, source):
    """The longest common subsequence."""
    row = [0] * (len(source) + 1)
    for char in text:
        above, row = row, [0]
        for j, other in enumerate(source):
            row.append(above[j] + 1 if char == other else max(above[j + 1], row[j]))
    return row[-1]


def first_place_only(text, source):
    """Grows a run only where its first character stands first in the source."""
    best = 0
    for start, char in enumerate(text):
        place, n = source.find(char), 0
        while place >= 0 and text[start + n : start + n + 1] and n < len(source):
            if source[place + n : place + n + 1] != text[start + n]:
                break
            n += 1
        best = max(best, n)
    return best


longest_run = Exercise(
    "longest_run",
    right=longest,
    cases=[
        Case("text 'cdab', source 'xabcy'", ask_run("cdab", "xabcy")),
        Case("text 'ace', source 'abcde'", ask_run("ace", "abcde")),
        Case("text 'abc', source 'abxabc'", ask_run("abc", "abxabc")),
        Case("text 'The cat', source 'the cat'", ask_run("The cat", "the cat")),
        Case("text 'aaaa', source 'aab'", ask_run("aaaa", "aab")),
        Case("text 'bcd', source 'abcd'", ask_run("bcd", "abcd")),
        Case("text 'abc', source 'xyz'", ask_run("abc", "xyz")),
        Case("text '', source 'abc'", ask_run("", "abc")),
    ],
    mistakes=[
        Mistake(
            "only the beginning",
            "Only runs at the beginning of both are found: a run may begin anywhere in "
            "the text, and stand anywhere in the source.",
            beginning,
        ),
        Mistake(
            "only the text's beginning",
            "Only runs from the beginning of the text are looked for: a run may begin "
            "at any of its characters.",
            lambda text, source: max(
                n for n in range(len(text) + 1) if text[:n] in source
            ),
        ),
        Mistake(
            "same places",
            "Text and source are compared place by place: what is copied stands at "
            "another place in the source.",
            same_places,
        ),
        Mistake(
            "gaps",
            "Characters with gaps between them are counted (a common subsequence): a "
            "run has none.",
            with_gaps,
        ),
        Mistake(
            "one too short",
            "It is one too short: does the run that reaches the end of the text count, "
            "and is the length of the last run that was found returned?",
            lambda text, source: max(0, longest(text, source) - 1),
        ),
        Mistake(
            "last character left out",
            "The last character of the text is never looked at: "
            "`range(len(text) - n + 1)`.",
            lambda text, source: longest(text[:-1], source),
        ),
        Mistake(
            "one too long",
            "It is one too long: that is the first length that is *not* shared.",
            lambda text, source: longest(text, source) + 1,
        ),
        Mistake(
            "the run itself",
            "This is the run itself: wanted is its length.",
            lambda text, source: max(
                (run for run in runs(text) if run in source), key=len, default=""
            ),
        ),
        Mistake(
            "capitals",
            "Capitals and small letters are taken for the same: they are different "
            "characters.",
            lambda text, source: longest(text.lower(), source.lower()),
        ),
        Mistake(
            "first place only",
            "A run is followed only from the first place where its first character "
            "stands: the source may have it again later.",
            first_place_only,
        ),
    ],
    praise="a run may begin anywhere, and has no gaps.",
)


def ask_difference(a: Tensor, b: Tensor):
    """A probe: three numbers, as a list, whatever they come in."""

    def probe(answer):
        back = answer(a, b)
        row = isinstance(back, Tensor) and back.ndim == 1
        several = row or isinstance(back, tuple | list)
        return [float(number) for number in back] if several else back

    return probe


def error(values: Tensor, *, unbiased=True, root=True, over="root") -> Tensor:
    """The standard error of a mean, and with other settings what it is taken for."""
    spread = values.var(correction=int(unbiased))
    spread = spread.sqrt() if root else spread
    return spread / {"root": len(values) ** 0.5, "n": len(values), "": 1}[over]


def two_errors(a, b, *, sign=1, swapped=False, error=error):
    d = a - b
    errors = error(d.mean(dim=0)), error(d.mean(dim=1))
    return [sign * d.mean(), *(errors[::-1] if swapped else errors)]


def unpaired(a, b):
    def both(dim):
        return (error(a.mean(dim=dim)) ** 2 + error(b.mean(dim=dim)) ** 2).sqrt()

    return [(a - b).mean(), both(0), both(1)]


def all_at_once(a, b):
    d = (a - b).flatten()
    return [d.mean(), error(d), error(d)]


def not_averaged_first(a, b):
    """The spread of all differences, over the root of each count."""
    d = a - b
    return [d.mean(), *(d.std() / n**0.5 for n in (d.size(1), d.size(0)))]


GAPS = torch.tensor([[1.0, 2.0, 3.0], [3.0, 4.0, 8.0]])
LEVELS = torch.tensor([[2.0, 9.0, 4.0], [1.0, 5.0, 2.0]])

paired_difference = Exercise(
    "paired_difference",
    right=two_errors,
    cases=[
        Case(
            "a - b = [[1, 2, 3], [3, 4, 8]]: 2 seeds, 3 windows",
            ask_difference(LEVELS + GAPS, LEVELS),
        ),
        Case(
            "3 seeds, 5 windows",
            ask_difference(numbers(3, 5), numbers(3, 5, start=40)),
        ),
        Case(
            "every difference 0.5", ask_difference(numbers(2, 4) + 0.5, numbers(2, 4))
        ),
    ],
    mistakes=[
        Mistake(
            "sign",
            "The difference has the wrong sign: a - b.",
            partial(two_errors, sign=-1),
        ),
        Mistake(
            "not paired",
            "The errors are those of two separate means, squared and added: take the "
            "differences first, window by window; what a and b share cancels.",
            unpaired,
        ),
        Mistake(
            "swapped",
            "The two errors are swapped, or the means go over the wrong axis: windows "
            "are axis 1, and their error needs the mean over seeds, axis 0.",
            partial(two_errors, swapped=True),
        ),
        Mistake(
            "all at once",
            "All S·W differences are taken as independent: they come from only W "
            "windows and only S seeds. Average over one axis before.",
            all_at_once,
        ),
        Mistake(
            "not averaged first",
            "The spread is that of all single differences: average over the other axis "
            "first.",
            not_averaged_first,
        ),
        Mistake(
            "biased",
            "The squares are divided by n: n - 1, since the mean was found from the "
            "same n numbers (`std` does so by itself).",
            partial(two_errors, error=partial(error, unbiased=False)),
        ),
        Mistake(
            "standard deviations",
            "These are standard deviations, how far single values lie apart: the mean "
            "of n is surer, divide by √n.",
            partial(two_errors, error=partial(error, over="")),
        ),
        Mistake(
            "divided by n",
            "The standard deviation is divided by n: by √n.",
            partial(two_errors, error=partial(error, over="n")),
        ),
        Mistake(
            "root missing",
            "These are squares of errors: the root is missing.",
            partial(two_errors, error=partial(error, root=False, over="n")),
        ),
    ],
    praise="paired, and one error for the windows, one for the seeds.",
)
