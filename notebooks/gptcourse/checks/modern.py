"""Exercises of 14_modern: rotary positions, RMSNorm."""

from functools import partial

import torch

from gptcourse.checks.before.core import Case, Exercise, Mistake
from gptcourse.checks.fixed import numbers


def ask_turned(x: torch.Tensor, places: list[int]):
    return lambda answer: answer(x, torch.tensor(places))


def turn(x, places, *, form="a-b,a+b", pairs="halves", sign=1, of=None, start=None):
    """x turned by its places; the other settings are the mistakes one makes.

    of: the frequencies, made of i / (D / 2). start: where places begin instead.
    """
    half = x.size(-1) // 2
    if start is not None:
        places = torch.arange(start, start + len(places))
    share = torch.arange(half) / half  # (D/2,)
    frequencies = 10_000.0**-share if of is None else of(share)
    angles = sign * places[:, None] * frequencies  # (T, D/2)
    cos, sin = angles.cos(), angles.sin()
    if pairs == "heads":
        cos, sin = cos[:, None], sin[:, None]  # (T, 1, D/2)
    apart = pairs.startswith("neighbours")
    a, b = (x[..., 0::2], x[..., 1::2]) if apart else x.chunk(2, dim=-1)
    first = a * cos + b * sin if form == "a+b,a+b" else a * cos - b * sin
    if form == "swapped":
        first, cos, sin = a * sin - b * cos, sin, cos
    second = (first if form == "overwritten" else a) * sin + b * cos
    if pairs == "neighbours":
        return torch.stack([first, second], dim=-1).flatten(-2)
    return torch.cat([first, second], dim=-1)


def spread_to_the_end(share):
    """Frequencies whose last one is exactly 1/10000."""
    return 10_000.0 ** -torch.linspace(0, 1, len(share))


rotary = Exercise(
    "rotary",
    right=turn,
    cases=[
        Case(
            "the pair (1, 0) at places 0, 1 and 2",
            ask_turned(torch.tensor([[[[1.0, 0.0]] * 3]]), [0, 1, 2]),
        ),
        Case(
            "(1, 2, 3, 4), two pairs, at places 0 and 1",
            ask_turned(torch.tensor([[[[1.0, 2.0, 3.0, 4.0]] * 2]]), [0, 1]),
        ),
        Case("one new query at place 7", ask_turned(numbers(1, 1, 1, 4), [7])),
        Case(
            "two texts, three heads, places 5, 6 and 7",
            ask_turned(numbers(2, 3, 3, 8), [5, 6, 7]),
        ),
    ],
    mistakes=[
        Mistake(
            "not turned",
            "Nothing is turned: a and b come out as they went in.",
            lambda x, places: x,
        ),
        Mistake(
            "other way",
            "It turns the other way: (1, 0) goes to (cos, sin). The minus belongs to "
            "b · sin in the first number.",
            partial(turn, sign=-1),
        ),
        Mistake(
            "no minus",
            "The minus is missing: a · cos - b · sin. Without it lengths change, and "
            "nothing is turned.",
            partial(turn, form="a+b,a+b"),
        ),
        Mistake(
            "cos and sin swapped",
            "cos and sin are swapped: at place 0 the angle is 0, and nothing turns.",
            partial(turn, form="swapped"),
        ),
        Mistake(
            "a overwritten",
            "b is turned with the a that has been turned already: keep the old a "
            "until both are computed.",
            partial(turn, form="overwritten"),
        ),
        Mistake(
            "neighbours",
            "The pairs are neighbours, numbers 2i and 2i + 1: pair i is here number i "
            "and number i + D/2.",
            partial(turn, pairs="neighbours"),
        ),
        Mistake(
            "neighbours, put back as halves",
            "The pairs are taken from neighbours and put back as halves: numbers "
            "change places. Pair i is number i and number i + D/2, before and after.",
            partial(turn, pairs="neighbours to halves"),
        ),
        Mistake(
            "one angle for all",
            "All pairs turn alike: pair i turns by t / 10000^(2i/D).",
            partial(turn, of=torch.ones_like),
        ),
        Mistake(
            "growing angles",
            "The angles grow from pair to pair: the exponent is negative, and the "
            "first pair turns fastest.",
            partial(turn, of=lambda share: 10_000.0**share),
        ),
        Mistake(
            "slow pair first",
            "The slowest pair comes first: with i = 0 the angle is t itself.",
            partial(turn, of=lambda share: 10_000.0 ** -share.flip(0)),
        ),
        Mistake(
            "exponent i/D",
            "The exponent is i/D: expected 2i/D, that is i over the number of pairs.",
            partial(turn, of=lambda share: 10_000.0 ** (-share / 2)),
        ),
        Mistake(
            "exponent 4i/D",
            "The exponent is doubled twice, 4i/D: `arange(0, D, 2)` is 2i already.",
            partial(turn, of=lambda share: 10_000.0 ** (-2 * share)),
        ),
        Mistake(
            "linspace to the end",
            "The last pair turns by t / 10000: i goes up to D/2 - 1, so 2i/D ends "
            "just below 1.",
            partial(turn, of=spread_to_the_end),
        ),
        Mistake(
            "places not used",
            "The places are counted anew from 0: use those that are given. With a "
            "cache one new query may stand at place 700.",
            partial(turn, start=0),
        ),
        Mistake(
            "places from 1",
            "The places are one too high: the first is 0, where nothing turns.",
            lambda x, places: turn(x, places + 1),
        ),
        Mistake(
            "heads for places",
            "The angle goes by the head, not by the place: (T, D/2) fits the last two "
            "dimensions of (B, H, T, D/2) as it is.",
            partial(turn, pairs="heads"),
        ),
    ],
    praise="each pair turned by its place, the first fast, the last slowly.",
)


def ask_normed(rows: list, eps: float):
    return lambda answer: answer(torch.tensor(rows), eps)


def over(x, eps, *, mean=lambda x: x.square().mean(-1, True), less=0.0):
    """x over the root of what `mean` makes of it, plus eps."""
    return (x - less) / (mean(x) + eps).sqrt()


def centred(x, eps):
    return over(x - x.mean(-1, True), eps)


rms_norm = Exercise(
    "rms_norm",
    right=over,
    cases=[
        Case("[1, 7], eps = 0", ask_normed([[1.0, 7.0]], 0.0)),
        Case("[1, 7], eps = 11", ask_normed([[1.0, 7.0]], 11.0)),
        Case("two rows, eps = 0", ask_normed([[1.0, 7.0], [2.0, 14.0]], 0.0)),
        Case(
            "two texts of three places, eps = 0.5",
            lambda answer: answer(numbers(2, 3, 4), 0.5),
        ),
    ],
    mistakes=[
        Mistake(
            "mean taken away",
            "The mean is taken away first, which is what LayerNorm does: RMSNorm only "
            "divides.",
            centred,
        ),
        Mistake(
            "deviation",
            "It is divided by the deviation, around the mean: expected the root of "
            "the mean of x².",
            partial(over, mean=lambda x: x.var(-1, unbiased=False, keepdim=True)),
        ),
        Mistake(
            "sum instead of mean",
            "It is divided by the length, the root of the *sum* of squares: expected "
            "of their mean, so that a number is about 1 whatever C is.",
            partial(over, mean=lambda x: x.square().sum(-1, True)),
        ),
        Mistake(
            "root missing",
            "The root is missing: it is divided by the mean square itself.",
            lambda x, eps: x / (x.square().mean(-1, True) + eps),
        ),
        Mistake(
            "eps outside",
            "eps is added to the root: it belongs inside, to the mean square.",
            lambda x, eps: x / (x.square().mean(-1, True).sqrt() + eps),
        ),
        Mistake(
            "eps missing",
            "eps is not used: without it a row of zeros would be 0/0.",
            lambda x, eps: over(x, 0.0),
        ),
        Mistake(
            "sizes instead of squares",
            "The mean is of sizes |x|: expected of squares.",
            lambda x, eps: x / (x.abs().mean(-1, True) + eps),
        ),
        Mistake(
            "one scale for all",
            "All rows are divided by one number: each place has its own, the mean is "
            "over the last dimension only.",
            partial(over, mean=lambda x: x.square().mean()),
        ),
        Mistake(
            "over the places",
            "The mean goes over the places, not over the C numbers of a place: dim=-1.",
            partial(over, mean=lambda x: x.square().mean(-2, True)),
        ),
        Mistake(
            "keepdim missing",
            "The mean has lost its dimension, and is laid along the columns: "
            "keepdim=True.",
            partial(over, mean=lambda x: x.square().mean(-1)),
        ),
    ],
    praise="over the root of the mean square of each place, eps inside.",
)
