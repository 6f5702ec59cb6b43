"""Exercises of 13_speed: a step's FLOPs, softmax in tiles, 16 bits."""

from functools import partial

import torch
import torch.nn.functional as F

from gptcourse.checks.before.core import Case, Exercise, Mistake
from gptcourse.checks.fixed import numbers


def ask_flops(L: int, C: int, V: int, T: int, B: int):
    def probe(answer):
        counted = answer(L, C, V, T, B)
        if not isinstance(counted, tuple | list):
            return counted
        return [float(x) if isinstance(x, int | float) else x for x in counted]

    return probe


def step_work(
    L, C, V, T, B, *, block=12, ends=1, passes=6, seen=12, tokens=lambda T, B: B * T
):
    """FLOPs in matrices and in attention; other settings make mistakes."""
    matrices = block * L * C**2 + ends * V * C
    return passes * matrices * tokens(T, B), seen * L * T * C * tokens(T, B)


step_flops = Exercise(
    "step_flops",
    right=step_work,
    cases=[
        Case("L, C, V, T, B = 1, 2, 3, 5, 1", ask_flops(1, 2, 3, 5, 1)),
        Case("L, C, V, T, B = 2, 3, 5, 7, 4", ask_flops(2, 3, 5, 7, 4)),
    ],
    mistakes=[
        Mistake(
            "multiplications only",
            "Half of it: a weight costs a multiplication *and* an addition.",
            partial(step_work, passes=3, seen=6),
        ),
        Mistake(
            "forward only",
            "This is the way forward only: going back costs twice as much again.",
            partial(step_work, passes=2, seen=4),
        ),
        Mistake(
            "back counted once",
            "The way back costs as much as the way forward here: it costs twice that, "
            "for the gradients of the inputs and those of the weights.",
            partial(step_work, passes=4, seen=8),
        ),
        Mistake(
            "attention forward only",
            "The matrices are right; attention, too, has a way back, twice as dear.",
            partial(step_work, seen=4),
        ),
        Mistake(
            "half of attention",
            "Half of attention: scores *and* the sum over values count, each with all "
            "T keys, though a causal model could leave out half of them.",
            partial(step_work, seen=6),
        ),
        Mistake(
            "twice attention",
            "Attention is counted twice: 2TC FLOPs for the scores, 2TC for the values "
            "of a token, over all heads together, and three times that both ways.",
            partial(step_work, seen=24),
        ),
        Mistake(
            "one token",
            "This is the work for one token: a step has B · T of them.",
            partial(step_work, tokens=lambda T, B: 1),
        ),
        Mistake(
            "one window",
            "This is the work for one window: a step has B of them.",
            partial(step_work, tokens=lambda T, B: T),
        ),
        Mistake(
            "one token a window",
            "B tokens are counted: each of the B windows has T.",
            partial(step_work, tokens=lambda T, B: B),
        ),
        Mistake(
            "no logits",
            "The matrix that makes the logits is missing: V · C weights.",
            partial(step_work, ends=0),
        ),
        Mistake(
            "embedding counted",
            "V · C is counted twice: looking up a row of the embedding is no "
            "arithmetic, only the logits are.",
            partial(step_work, ends=2),
        ),
        Mistake(
            "half a feed-forward",
            "Half of the feed-forward is missing: it has two matrices, C to 4C and "
            "back, 8C² weights.",
            partial(step_work, block=8),
        ),
        Mistake(
            "no projection",
            "A block's attention has 4C² weights: 3C² for queries, keys and values, "
            "and C² for the projection behind the heads, which is missing.",
            partial(step_work, block=11),
        ),
        Mistake(
            "no queries, keys, values",
            "The weights for queries, keys and values are missing: 3C² in each block.",
            partial(step_work, block=9),
        ),
        Mistake(
            "no feed-forward",
            "The feed-forward is missing: 8C² weights in each block.",
            partial(step_work, block=4),
        ),
        Mistake(
            "one block",
            "Only one block's matrices are counted: there are L.",
            lambda L, C, V, T, B: (
                step_work(1, C, V, T, B)[0],
                step_work(L, C, V, T, B)[1],
            ),
        ),
        Mistake(
            "attention in one block",
            "Attention is counted in one block only: there are L.",
            lambda L, C, V, T, B: (
                step_work(L, C, V, T, B)[0],
                step_work(1, C, V, T, B)[1],
            ),
        ),
        Mistake(
            "one key a query",
            "In attention each token looks at T others: its FLOPs grow with T.",
            lambda L, C, V, T, B: (
                step_work(L, C, V, T, B)[0],
                step_work(L, C, V, T, B)[1] // T,
            ),
        ),
        Mistake(
            "C for each of T and T",
            "In attention a product of two vectors of C numbers costs 2C FLOPs, not "
            "2C²: no weights are part of it.",
            lambda L, C, V, T, B: (
                step_work(L, C, V, T, B)[0],
                step_work(L, C, V, T, B)[1] * C,
            ),
        ),
        Mistake(
            "added up",
            "This is the sum: return both numbers, matrices and attention.",
            lambda L, C, V, T, B: sum(step_work(L, C, V, T, B)),
        ),
        Mistake(
            "the other way round",
            "The two numbers have changed places: matrices first.",
            lambda L, C, V, T, B: step_work(L, C, V, T, B)[::-1],
        ),
    ],
    praise="6 FLOPs a weight and token, and attention's share on top.",
)


# A softmax that comes in tiles


def ask_tiles(*tiles: list, rows=1, size=2):
    """A probe: the state (m, s, y) after tiles of scores, each row turned and lower."""

    def probe(answer):
        m, s = torch.full((rows, 1), -torch.inf), torch.zeros(rows, 1)  # (T, 1)
        y = torch.zeros(rows, size)  # (T, d)
        for i, tile in enumerate(tiles):
            turned = [tile[r:] + tile[:r] for r in range(rows)]
            lower = torch.arange(rows)[:, None]  # (T, 1)
            scores = torch.tensor(turned) - lower  # (T, S)
            state = answer(m, s, y, scores, numbers(len(tile), size, start=10 * i))
            if not isinstance(state, tuple | list) or len(state) != 3:
                return state
            m, s, y = state
        return [m, s, y]

    return probe


def tile_step(
    m,
    s,
    y,
    scores,
    V,
    *,
    highest=lambda m, tile: torch.maximum(m, tile),
    old=lambda m, new: (m - new).exp(),
    shift=lambda tile, new: new,
    rescale=("s", "y"),
    finish=lambda s, y: (s, y),
):
    """The state after one more tile, and with other settings mistakes."""
    tile = scores.amax(dim=1, keepdim=True)  # (T, 1)
    new = highest(m, tile)
    shrink = old(m, new)
    e = (scores - shift(tile, new)).exp()  # (T, S)
    s = s * (shrink if "s" in rescale else 1) + e.sum(dim=1, keepdim=True)
    y = y * (shrink if "y" in rescale else 1) + e @ V
    return new, *finish(s, y)


def divided_each_time(m, s, y, scores, V):
    new, total, summed = tile_step(m, s, y, scores, V)
    return new, total, summed / total


def this_tile_only(m, s, y, scores, V):
    return tile_step(torch.full_like(m, -torch.inf), 0 * s, 0 * y, scores, V)


def one_highest(m, s, y, scores, V):
    return tile_step(m, s, y, scores, V, highest=lambda m, t: m.maximum(t.max()))


softmax_tile = Exercise(
    "softmax_tile",
    right=tile_step,
    cases=[
        Case("one tile, scores 0 1", ask_tiles([0.0, 1.0])),
        Case("tiles 0 1 and 2", ask_tiles([0.0, 1.0], [2.0])),
        Case("tiles 2 and 0 1", ask_tiles([2.0], [0.0, 1.0])),
        Case("two queries, tiles of two", ask_tiles([1.0, -1.0], [3.0, 0.0], rows=2)),
        Case("tiles -300 and -200 -201", ask_tiles([-300.0], [-200.0, -201.0])),
        Case("tiles 200 and 201", ask_tiles([200.0], [201.0])),
    ],
    mistakes=[
        Mistake(
            "no maximum",
            "Nothing is subtracted before the exponential: e²⁰⁰ is more than a "
            "float32 can hold. Subtract the highest score so far.",
            lambda m, s, y, scores, V: (
                torch.maximum(m, scores.amax(dim=1, keepdim=True)),
                s + scores.exp().sum(dim=1, keepdim=True),
                y + scores.exp() @ V,
            ),
        ),
        Mistake(
            "nothing rescaled",
            "The highest score has changed, but the old sums still count from the old "
            "one: multiply s and y by exp(m - new m).",
            partial(tile_step, rescale=()),
        ),
        Mistake(
            "sum not rescaled",
            "y is brought to the new highest score, s is not: both were made with the "
            "old one.",
            partial(tile_step, rescale=("y",)),
        ),
        Mistake(
            "values not rescaled",
            "s is brought to the new highest score, y is not: both were made with the "
            "old one.",
            partial(tile_step, rescale=("s",)),
        ),
        Mistake(
            "rescaled the wrong way",
            "The old sums grow where they should shrink: the factor is exp(m - new m), "
            "at most 1.",
            partial(tile_step, old=lambda m, new: (new - m).exp()),
        ),
        Mistake(
            "highest of this tile",
            "The highest score is that of this tile alone: of all scores so far the "
            "highest, so torch.maximum(m, …).",
            partial(tile_step, highest=lambda m, tile: tile),
        ),
        Mistake(
            "tile by its own maximum",
            "This tile's scores are counted from its own highest: all are counted "
            "from the new m, or they cannot be added to the old sums.",
            partial(tile_step, shift=lambda tile, new: tile),
        ),
        Mistake(
            "one maximum for all rows",
            "One highest score for all rows: each query has its own, so over the "
            "last dimension.",
            one_highest,
        ),
        Mistake(
            "divided each time",
            "y is divided by s after each tile: the next tile then adds to a mean. "
            "Divide once, after the last one.",
            divided_each_time,
        ),
        Mistake(
            "this tile only",
            "The old sums are gone: this is the last tile alone.",
            this_tile_only,
        ),
        Mistake(
            "a softmax for each tile",
            "Each tile has a softmax of its own, so that a tile of low scores counts "
            "as much as one of high scores: add up numerators and denominators.",
            lambda m, s, y, scores, V: (
                torch.maximum(m, scores.amax(dim=1, keepdim=True)),
                s + 1,
                y + F.softmax(scores, dim=1) @ V,
            ),
        ),
        Mistake(
            "m not handed on",
            "The new sums are right, but m comes back as it was: the next tile needs "
            "the new one.",
            lambda m, s, y, scores, V: (m, *tile_step(m, s, y, scores, V)[1:]),
        ),
    ],
    praise="a softmax over all scores that never sees more than a tile of them.",
)
