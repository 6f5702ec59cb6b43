"""Exercises of 15_reading: count while reading, add up what may follow."""

import math
from functools import partial
from itertools import pairwise

from gptcourse.checks.core import Case, Exercise
from gptcourse.checks.values import floats

count_and_read = Exercise(
    """
def my_reading(ids, V, alpha):
    counts = torch.zeros(V, V)
    total = 0.0
    for now, following in pairwise(ids):
        p = (counts[now, following] + alpha) / (counts[now].sum() + alpha * V)
        total -= math.log(p)
        counts[now, following] += 1
    return total / (len(ids) - 1)
""",
    praise="each pair scored by what came before it, and then counted.",
    result=floats,
    cases=[
        Case(f"ids {ids}, V = {V}, alpha = {alpha}", args=(ids, V, alpha))
        for ids, V, alpha in (
            ([0, 1], 2, 1.0),
            ([0, 1, 0, 1, 0, 2, 2, 2], 3, 0.5),
            ([3, 1, 3, 3, 1, 0, 3, 1, 2, 0, 0], 5, 0.02),
        )
    ],
    mistakes="""
following] + alpha) => following] + 1 + alpha)
counts[now].sum() => counts[now].sum() + 1
    Each pair is counted before it is scored: first score, then learn.
 + alpha * V =>
    These are no probabilities: alpha is missing below the line, V times.
counts[now, following] += 1 => counts[following, now] += 1
    Each pair is counted backwards: the row is the character that is there.
+ counts = torch.zeros(V, V)
+ for now, following in pairwise(ids):
+     counts[now, following] += 1
+ p = [(counts[a, b] + alpha) / (counts[a].sum() + alpha * V) for a, b in pairwise(ids)]
+ return sum(-math.log(each) for each in p) / len(p)
    The whole text is counted before its first character is scored: two passes.
total -= math.log(p) => total = -math.log(p)
    Only the last pair counts: add up the surprises.
counts[now].sum() + alpha * V => counts.sum() + alpha * V * V
    All V · V pairs stand below the line: only the V that begin with `now`.
total -= math.log(p) => total += p
return total / (len(ids) - 1) => return -math.log(total / (len(ids) - 1))
    The mean is taken before the logarithm: take the mean of the surprises.
""",
)


def read(V, early, ids):
    """Surprises of a text read by counting with alpha = 1; early: learned before."""
    counts, losses = [[1.0] * V for _ in range(V)], []
    for now, following in pairwise(ids):
        row = counts[now]
        p = (row[following] + early) / (sum(row) + early)
        losses.append(-math.log(p))
        row[following] += 1
    return losses


add_up = Exercise(
    """
def my_total(losses, ids, V):
    return sum(math.exp(-losses([*ids, v])[-1]) for v in range(V))
""",
    praise="honest losses give one, and learning before scoring more.",
    result=floats,
    tolerance=1e-6,
    cases=[
        Case(f"{kind}, ids {ids}, V = {V}", args=(partial(read, V, early), ids, V))
        for kind, early, ids, V in (
            ("honest", 0, [0, 1], 2),
            ("learned too early", 1, [2, 2, 1, 2, 1, 2], 3),
            ("honest", 0, [2, 2, 1, 2, 1, 2], 3),
        )
    ],
    mistakes="""
range(V) => range(1, V)
    The characters are 0 to V - 1.
math.exp(-losses([*ids, v])[-1]) => losses([*ids, v])[-1]
    These are losses: add up the probabilities, exp(-loss).
-losses([*ids, v])[-1] => -sum(losses([*ids, v]))
    These are probabilities of the whole text: take the last character's loss alone.
for v in range(V)) => for v in range(V)) / V
    This is the mean: add up.
[*ids, v] => [v, *ids]
    The new character stands in front: append it, for it may follow ids.
[*ids, v] => [*ids, *range(v + 1)]
    The characters pile up behind ids: append each one alone to the text as it was.
range(V) => {*ids}
    Only the characters that occur in ids are added up: any of the V may follow.
""",
)
