"""What a budget of operations is best spent on, found from many small trainings.

Models of several sizes learn with the same number of operations each: the larger one
reads less. Their losses lie near a parabola over ln N, whose lowest point is the best
size for that budget; over budgets, best sizes and losses lie near power laws
(*Training Compute-Optimal Large Language Models*, arXiv 2203.15556, section 3.2).
Read next: `sweep.py`, which makes the tables.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

import numpy as np

from gptlib.model import GPTConfig

LEAST_SIZES = 3  # a parabola needs as many
DRAWN_SIZES = 4  # and one more shows how well it fits


@dataclass(frozen=True)
class Run:
    """One training: the operations spent, the model's size, the loss it reached."""

    budget: float
    size: float
    loss: float


def training_flops(config: GPTConfig) -> int:
    """Operations to learn from one token, about: 6 N + 12 L C T.

    Two for each of the N parameters forward, twice that backward (arXiv 2001.08361,
    section 2.1; there without the embeddings), and attention's products, those with
    masked positions too (arXiv 2204.02311, appendix B).
    """
    attention = 12 * config.n_layer * config.n_embd * config.block_size
    return 6 * config.n_params + attention


def lowest_point(
    sizes: Sequence[float], losses: Sequence[float]
) -> tuple[float, float]:
    """Size and loss at the lowest point of a parabola laid through (ln N, loss).

    Raises ValueError for fewer than three sizes, or when it has no lowest point.
    """
    if len(set(sizes)) < LEAST_SIZES:
        raise ValueError(
            f"sizes={list(sizes)}: a parabola needs at least {LEAST_SIZES}"
        )
    a, b, c = np.polyfit(np.log(np.asarray(sizes, dtype=float)), losses, 2)
    if a <= 0:
        raise ValueError(
            f"sizes={list(sizes)}: losses do not rise on both sides; add sizes"
        )
    return float(np.exp(-b / (2 * a))), float(c - b**2 / (4 * a))


@dataclass(frozen=True)
class Law:
    """The lowest point of each budget, and the power laws through them.

    Best size ~ budget ** exponent, loss ~ budget ** -falls.
    """

    budgets: tuple[float, ...]
    sizes: tuple[float, ...]
    losses: tuple[float, ...]

    @cached_property
    def _lines(self) -> tuple:
        x, y = np.log(self.budgets), np.log([self.sizes, self.losses])
        return tuple(np.polyfit(x, values, 1) for values in y)

    @property
    def exponent(self) -> float:
        return float(self._lines[0][0])

    @property
    def falls(self) -> float:
        return -float(self._lines[1][0])

    def size_at(self, budget: float) -> float:
        """The best size that the law gives for a budget."""
        return float(np.exp(np.polyval(self._lines[0], np.log(budget))))

    def loss_at(self, budget: float) -> float:
        """The loss of that size, in the unit of the runs."""
        return float(np.exp(np.polyval(self._lines[1], np.log(budget))))


def fit_law(runs: Sequence[Run]) -> Law:
    """The law of runs with two budgets or more, three sizes or more in each.

    Raises ValueError where there are fewer, or where a budget has no best size.
    """
    groups = by_budget(runs)
    if len(groups) < 2:
        raise ValueError(f"{len(groups)} budgets: a law needs at least 2")
    points = [
        lowest_point([run.size for run in group], [run.loss for run in group])
        for group in groups
    ]
    budgets = tuple(group[0].budget for group in groups)
    return Law(budgets, *zip(*points, strict=True))


def resampled_laws(runs: Sequence[Run], times: int = 1000, seed: int = 0) -> list[Law]:
    """The laws that chance might have given instead: a bootstrap.

    In each budget as many runs are drawn as there are, with replacement, so that
    seeds and sizes both come and go; fewer than four sizes are drawn again. Chance is
    all that this measures, not what every run has in common. Raises as `fit_law`, and
    ValueError for a budget with fewer than four sizes.
    """
    groups, draws = by_budget(runs), random.Random(seed)
    fewest = min(len({run.size for run in group}) for group in groups)
    if fewest < DRAWN_SIZES:
        raise ValueError(f"{fewest} sizes for a budget: expected at least four")

    def redrawn(group):
        some = []
        while len({run.size for run in some}) < DRAWN_SIZES:
            some = draws.choices(group, k=len(group))
        return some

    return [
        fit_law([run for group in groups for run in redrawn(group)])
        for _ in range(times)
    ]


def by_budget(runs: Sequence[Run]) -> list[list[Run]]:
    """The runs of each budget, the smallest first."""
    ordered = sorted(runs, key=lambda run: run.budget)
    return [list(group) for _, group in groupby(ordered, lambda run: run.budget)]


def middle(values: Sequence[float], share: float = 0.95) -> tuple[float, float]:
    """What is left when equally many of the lowest and highest values are cut off."""
    low, high = np.quantile(values, [(1 - share) / 2, (1 + share) / 2])
    return float(low), float(high)
