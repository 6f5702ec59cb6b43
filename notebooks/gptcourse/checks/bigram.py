"""Exercises of 01_bigram: count pairs, draw the next character."""

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from gptcourse.checks.core import Case, Exercise, Mistake


def pairs(tokens, V, *, now=slice(None, -1), following=slice(1, None)):
    """How often y follows x, at [x, y]; other slices make mistakes."""
    x, y = tokens[now], tokens[following]
    return torch.bincount(x * V + y, minlength=V * V).view(V, V)


def once(tokens, V):
    """Indexed += counts every pair only once."""
    counts = torch.zeros(V, V, dtype=torch.long)
    counts[tokens[:-1], tokens[1:]] += 1
    return counts


def wrapped(tokens, V):
    return pairs(torch.cat([tokens, tokens[:1]]), V)


def ask_pairs(tokens: list[int], V: int):
    def probe(answer):
        counted = answer(torch.tensor(tokens), V)
        return counted.double() if isinstance(counted, Tensor) else counted

    return probe


pair_counts = Exercise(
    "pair_counts",
    right=pairs,
    cases=[
        Case("tokens 0 1 0 1 1, V = 2", ask_pairs([0, 1, 0, 1, 1], 2)),
        Case("tokens 0 2 1 2 2 0 2, V = 4", ask_pairs([0, 2, 1, 2, 2, 0, 2], 4)),
        Case("tokens 1 3 3 3 0 1 0 3, V = 4", ask_pairs([1, 3, 3, 3, 0, 1, 0, 3], 4)),
    ],
    mistakes=[
        Mistake(
            "columns for rows",
            "Rows and columns have changed places: row x, column y counts how often "
            "y comes right after x.",
            lambda tokens, V: pairs(tokens, V).T,
        ),
        Mistake(
            "each pair once",
            "A pair that occurs twice is counted once: counts[x, y] += 1 with "
            "tensors of indices adds once for equal indices. Use bincount or "
            "index_put_(…, accumulate=True).",
            once,
        ),
        Mistake(
            "the end joined to the beginning",
            "The last token is counted as if the first came after it: N tokens have "
            "N - 1 pairs.",
            wrapped,
        ),
        Mistake(
            "two apart",
            "These pairs are two apart: each token with its direct neighbour, "
            "tokens[:-1] with tokens[1:].",
            partial(pairs, now=slice(None, -2), following=slice(2, None)),
        ),
        Mistake(
            "every second pair",
            "Every second pair is left out: pairs overlap, each token but the last "
            "begins one.",
            lambda tokens, V: pairs(
                tokens[: len(tokens) // 2 * 2],
                V,
                now=slice(0, None, 2),
                following=slice(1, None, 2),
            ),
        ),
        Mistake(
            "both ways",
            "Each pair is counted both ways, so that the table is symmetric: only "
            "what comes after counts.",
            lambda tokens, V: pairs(tokens, V) + pairs(tokens, V).T,
        ),
        Mistake(
            "the last pair missing",
            "The last pair is missing.",
            lambda tokens, V: pairs(tokens[:-1], V),
        ),
        Mistake(
            "the first pair missing",
            "The first pair is missing.",
            lambda tokens, V: pairs(tokens[1:], V),
        ),
        Mistake(
            "smoothed",
            "One too many everywhere: the plain counts are wanted, smoothing comes "
            "later.",
            lambda tokens, V: pairs(tokens, V) + 1,
        ),
        Mistake(
            "probabilities",
            "These are shares: the plain counts are wanted.",
            lambda tokens, V: (
                pairs(tokens, V) / pairs(tokens, V).sum(1, keepdim=True).clamp(min=1)
            ),
        ),
        Mistake(
            "single tokens",
            "This counts single tokens: a table (V, V) is wanted, for pairs.",
            lambda tokens, V: torch.bincount(tokens, minlength=V),
        ),
        Mistake(
            "only the tokens that occur",
            "The table has room only for the tokens that occur here: it must be "
            "(V, V) whatever the text.",
            lambda tokens, V: pairs(tokens, int(tokens.max()) + 1),
        ),
        Mistake(
            "no minlength",
            "bincount stops at the largest pair that occurs: minlength=V * V gives "
            "room for all.",
            lambda tokens, V: torch.bincount(tokens[:-1] * V + tokens[1:]).view(V, V),
        ),
    ],
    praise="row x, column y counts how often y comes right after x.",
)


SOFTMAX = partial(F.softmax, dim=-1)


def draw(logits, u, *, chances=SOFTMAX, off=0):
    """The id whose piece of the stretch from 0 to 1 holds u."""
    point = torch.tensor(u, dtype=logits.dtype)
    return torch.searchsorted(chances(logits).cumsum(0), point) + off


def likeliest_first(logits, u, ids=True):
    """The pieces in order of size; ids: their ids or their ranks."""
    p, order = F.softmax(logits, dim=-1).sort(descending=True, stable=True)
    rank = torch.searchsorted(p.cumsum(0), torch.tensor(u))
    return order[rank] if ids else rank


def ask_draw(p: list[float], points: list[float], add: float = 0.0):
    """A probe: the ids drawn at some points from logits ln p + add."""

    def probe(answer):
        drawn = [answer(torch.tensor(p).log() + add, u) for u in points]
        return [_number(d) for d in drawn]

    return probe


def _number(value):
    """A tensor of one number as that number."""
    if isinstance(value, Tensor) and value.numel() == 1:
        return value.item()
    return value


draw_next = Exercise(
    "draw_next",
    right=draw,
    cases=[
        Case(
            "p = 0.2, 0.5, 0.3 at the points 0.1, 0.6, 0.9",
            ask_draw([0.2, 0.5, 0.3], [0.1, 0.6, 0.9]),
        ),
        Case(
            "the same logits plus 3 at the points 0.15, 0.25, 0.65, 0.75",
            ask_draw([0.2, 0.5, 0.3], [0.15, 0.25, 0.65, 0.75], add=3.0),
        ),
        Case(
            "p = 0.1, 0.1, 0.7, 0.1 at nine points",
            ask_draw([0.1, 0.1, 0.7, 0.1], [n / 10 + 0.05 for n in range(9)]),
        ),
    ],
    mistakes=[
        Mistake(
            "from logits",
            "It draws from the logits themselves: they are no probabilities. Make "
            "some of them with the softmax first.",
            partial(draw, chances=lambda z: z),
        ),
        Mistake(
            "from log probabilities",
            "It draws from logarithms of probabilities (log_softmax): probabilities "
            "are wanted, softmax.",
            partial(draw, chances=partial(F.log_softmax, dim=-1)),
        ),
        Mistake(
            "exponentials not divided",
            "The exponentials are not divided by their sum, so that the pieces do "
            "not fill the stretch from 0 to 1.",
            partial(draw, chances=torch.exp),
        ),
        Mistake(
            "logits divided by their sum",
            "The logits are divided by their sum: take their exponentials first.",
            partial(draw, chances=lambda z: z / z.sum()),
        ),
        Mistake(
            "softmax twice",
            "The softmax is taken twice, which makes the pieces nearly equal.",
            partial(draw, chances=lambda z: F.softmax(F.softmax(z, -1), -1)),
        ),
        Mistake(
            "always the likeliest",
            "It always takes the likeliest, whatever u: that is a guess, not a draw.",
            lambda logits, u: logits.argmax(),
        ),
        Mistake(
            "one too far",
            "It goes one too far: the first piece, up to p[0], belongs to id 0.",
            partial(draw, off=1),
        ),
        Mistake(
            "one too few",
            "It stops one too early: the first piece, up to p[0], belongs to id 0.",
            partial(draw, off=-1),
        ),
        Mistake(
            "pieces by size",
            "The pieces lie in order of size: they are to lie in order of the ids.",
            likeliest_first,
        ),
        Mistake(
            "ranks for ids",
            "It sorts the probabilities and returns a rank: the id is wanted, and "
            "there is no need to sort.",
            partial(likeliest_first, ids=False),
        ),
        Mistake(
            "not cumulated",
            "u is compared with single probabilities: cumulate them, so that they "
            "are the ends of pieces.",
            lambda logits, u: (F.softmax(logits, -1) > u).int().argmax(),
        ),
        Mistake(
            "the nearest probability",
            "It takes the id whose probability is nearest to u: u is a point on the "
            "stretch that the pieces fill.",
            lambda logits, u: (F.softmax(logits, -1) - u).abs().argmin(),
        ),
        Mistake(
            "u not used",
            "u is not used: the draw comes from random numbers of its own. The point "
            "is given, so that everybody draws the same.",
            lambda logits, u: torch.multinomial(F.softmax(logits, -1), 1),
        ),
        Mistake(
            "the probability returned",
            "This is the probability of the drawn id: return the id.",
            lambda logits, u: F.softmax(logits, -1)[draw(logits, u)],
        ),
        Mistake(
            "counted from the end",
            "The pieces are laid from the end: id 0 comes first.",
            lambda logits, u: len(logits) - 1 - draw(logits.flip(0), u),
        ),
    ],
    praise="the longer an id's piece, the more points u fall into it.",
)
