"""The scaling study: what a budget of operations is best spent on.

    python -m gptlib sweep notebooks/records/sweeps/scaling.yaml
    python -m gptcourse.experiments.scaling

The first command trains and records the models (20 minutes), the second prints the
law that the recorded runs follow.

Models of several sizes learn with the same number of operations each: the larger one
reads less. Their losses lie near a parabola over ln N, whose lowest point is the best
size for that budget; over budgets, best sizes and losses lie near power laws
(*Training Compute-Optimal Large Language Models*, arXiv 2203.15556, section 3.2).
Read next: notebook 17.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import tyro

from gptlib.commands.sweep import load_rows
from gptlib.files.fetch import project_folder
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

    @property
    def exponent(self) -> float:
        return self._line(self.sizes)[0]

    @property
    def falls(self) -> float:
        return -self._line(self.losses)[0]

    def size_at(self, budget: float) -> float:
        """The best size that the law gives for a budget."""
        return float(np.exp(np.polyval(self._line(self.sizes), np.log(budget))))

    def loss_at(self, budget: float) -> float:
        """The loss of that size, in the unit of the runs."""
        return float(np.exp(np.polyval(self._line(self.losses), np.log(budget))))

    def _line(self, values: tuple[float, ...]) -> list[float]:
        return np.polyfit(np.log(self.budgets), np.log(values), 1).tolist()


def fit_law(runs: Sequence[Run]) -> Law:
    """The law of runs with two budgets or more, three sizes or more in each.

    Raises ValueError where there are fewer, or where a budget has no best size.
    """
    groups = by_budget(runs)
    if len(groups) < 2:
        raise ValueError(f"{len(groups)} budgets: a law needs at least 2")
    points = [lowest_point([r.size for r in g], [r.loss for r in g]) for g in groups]
    return Law(tuple(g[0].budget for g in groups), *zip(*points, strict=True))


def resampled_laws(runs: Sequence[Run], times: int = 1000, seed: int = 0) -> list[Law]:
    """The laws that chance might have given instead: a bootstrap.

    From each budget as many runs are drawn as there are, with replacement; fewer than
    four sizes are drawn again. This measures chance, not an error that all runs share.
    Raises as `fit_law`, and ValueError for a budget with fewer than four sizes.
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


def as_runs(rows: Sequence[dict]) -> list[Run]:
    """The runs that a sweep's rows record; a recipe's name begins with its TFLOPs."""
    return [
        Run(1e12 * float(row["recipe"].split()[0]), row["parameters"], row["val"])
        for row in rows
    ]


def by_budget(runs: Sequence[Run]) -> list[list[Run]]:
    """The runs of each budget, the smallest first."""
    ordered = sorted(runs, key=lambda run: run.budget)
    return [list(group) for _, group in groupby(ordered, lambda run: run.budget)]


def middle(values: Sequence[float]) -> tuple[float, float]:
    """The range of the middle 95% of values."""
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def main() -> None:
    """Print the best size and loss of each recorded budget, and the power laws."""
    spec = project_folder("notebooks") / "records" / "sweeps" / "scaling.yaml"
    law = fit_law(as_runs(load_rows(spec)))
    for budget, size, loss in zip(law.budgets, law.sizes, law.losses, strict=True):
        print(f"{budget:.1e} operations: {size:,.0f} parameters, {loss:.3f} nats")
    print(f"size ~ C ** {law.exponent:.3f}, loss ~ C ** -{law.falls:.3f}")


if __name__ == "__main__":
    tyro.cli(main)
