"""Exercises of 16_gpt2: the best size for a budget, and the best split of one."""

import math
from functools import partial

import numpy as np

from gptcourse.checks.before.core import Case, Exercise, Mistake


def lowest(sizes, losses, *, log=np.log, back=np.exp, sign=-1, half=2, low_first=False):
    """The size at a parabola's lowest point, and with other settings the mistakes."""
    a, b, c = np.polyfit(log(np.asarray(sizes, float)), np.asarray(losses, float), 2)
    if low_first:
        a, b = c, b
    return float(back(sign * b / (half * a)))


def same_size(x):
    return x


def best_measured(sizes, losses):
    return float(sizes[int(np.argmin(losses))])


def lowest_loss(sizes, losses):
    a, b, c = np.polyfit(np.log(np.asarray(sizes, float)), losses, 2)
    return float(c - b**2 / (4 * a))


def ask_size(sizes, losses):
    def probe(answer):
        size = answer(list(sizes), list(losses))
        return float(size) if isinstance(size, int | np.integer) else size

    return probe


def valley(x):
    """A loss with its lowest point at x = 9 in ln N."""
    return 2 + 0.05 * (x - 9) ** 2


FIVE = [3_000, 8_000, 20_000, 30_000, 90_000]
best_size = Exercise(
    "best_size",
    right=lowest,
    cases=[
        Case(
            "10, 100 and 1,000: 2.2, 2.0, 2.1", ask_size([10, 100, 1000], [2.2, 2, 2.1])
        ),
        Case(
            "five sizes on an exact parabola",
            ask_size(FIVE, [valley(math.log(n)) for n in FIVE]),
        ),
        Case(
            "five sizes that lie near one",
            ask_size(FIVE, [2.21, 2.12, 2.10, 2.11, 2.24]),
        ),
    ],
    mistakes=[
        Mistake(
            "the best of those measured",
            "This is the best of the sizes measured: the parabola's lowest point lies "
            "between them.",
            best_measured,
        ),
        Mistake(
            "no logarithm",
            "The parabola is laid through (N, loss): expected through (ln N, loss).",
            partial(lowest, log=same_size, back=same_size),
        ),
        Mistake(
            "the logarithm",
            "This is ln N: one more exp gives N.",
            partial(lowest, back=same_size),
        ),
        Mistake(
            "bases mixed",
            "One logarithm in, another out: np.log goes with np.exp, np.log10 with "
            "10 ** x.",
            partial(lowest, log=np.log10),
        ),
        Mistake(
            "bases mixed the other way",
            "np.log in, but 10 ** x out: np.exp undoes np.log.",
            partial(lowest, back=lambda x: 10.0 ** min(x, 300)),
        ),
        Mistake(
            "sign",
            "The sign is wrong: a x² + b x + c is lowest at -b / 2a.",
            partial(lowest, sign=1),
        ),
        Mistake(
            "not halved",
            "A 2 is missing: the slope 2a x + b is zero at -b / 2a.",
            partial(lowest, half=1),
        ),
        Mistake(
            "order of coefficients",
            "np.polyfit gives the highest power first: a, b, c.",
            partial(lowest, low_first=True),
        ),
        Mistake(
            "the loss",
            "This is the loss at the lowest point: asked is the size there.",
            lowest_loss,
        ),
    ],
    praise="the lowest point of the parabola in ln N, as a number of parameters.",
)


def split(
    budget, A, B, alpha, beta, *, per=6.0, weigh=True, root=True, upside=1, swap=False
):
    """The best N and D for a budget, and with other settings the mistakes."""
    G = (alpha * A) / (beta * B) if weigh else A / B
    G = G ** (upside / (alpha + beta) if root else upside)
    up, down = (alpha, beta) if swap else (beta, alpha)
    tokens = budget / per
    n = G * tokens ** (up / (alpha + beta))
    d = tokens ** (down / (alpha + beta)) / G
    return n, d


def halves(budget, A, B, alpha, beta):
    return (budget / 6) ** 0.5, (budget / 6) ** 0.5


def twenty(budget, A, B, alpha, beta):
    n = (budget / 120) ** 0.5
    return n, 20 * n


def data_first(budget, A, B, alpha, beta):
    return split(budget, A, B, alpha, beta)[::-1]


def ask_split(*arguments):
    """Logarithms: a budget may be any size."""
    return lambda answer: [math.log10(x) for x in answer(*arguments)]


best_split = Exercise(
    "best_split",
    right=split,
    cases=[
        Case("log₁₀ of N, D: (600, 9, 1, 0.5, 0.5)", ask_split(600, 9, 1, 0.5, 0.5)),
        Case("log₁₀ of N, D: (6e6, 2, 3, 0.6, 0.4)", ask_split(6e6, 2, 3, 0.6, 0.4)),
        Case(
            "log₁₀ of N, D for the published law at 5.76e23 operations",
            ask_split(5.76e23, 406.4, 410.7, 0.34, 0.28),
        ),
    ],
    mistakes=[
        Mistake(
            "6 forgotten",
            "N · D is the whole budget: it must be a sixth, C = 6 N D.",
            partial(split, per=1.0),
        ),
        Mistake(
            "A, B without exponents",
            "The slopes have α and β as factors: setting them equal gives αA / βB, not "
            "A / B.",
            partial(split, weigh=False),
        ),
        Mistake(
            "upside down",
            "The factor is upside down: the larger A, the more a larger model helps, "
            "so the larger N.",
            partial(split, upside=-1),
        ),
        Mistake(
            "root missing",
            "The factor αA / βB still needs its root, the power 1 / (α + β).",
            partial(split, root=False),
        ),
        Mistake(
            "exponents swapped",
            "The exponents are swapped: N grows with the power β / (α + β), D with "
            "α / (α + β).",
            partial(split, swap=True),
        ),
        Mistake(
            "data first",
            "D comes before N: expected N, then D.",
            data_first,
        ),
        Mistake(
            "equal shares",
            "N and D are equal here, whatever A, B, α and β: the two slopes must be "
            "equal, not the two numbers.",
            halves,
        ),
        Mistake(
            "rule of thumb",
            "This is the rule of thumb of 20 tokens a parameter: asked is what the "
            "law's own numbers say.",
            twenty,
        ),
    ],
    praise="N · D = C / 6, split where one more of either would help as much.",
)
