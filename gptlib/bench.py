"""What things cost on this machine: make bench.

Every figure is the median of repeated runs, with the machine named beside it.
"""

import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from gptlib.lab.chart import draw
from gptlib.lab.panel import SECONDS_BETWEEN_DRAWINGS
from gptlib.lab.run import CHECK_EVERY, Check, Record, Turn
from gptlib.training import Step

LONG_RUN = 5_000  # steps


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    what: str
    value: float
    unit: str


def machine() -> str:
    """This machine in a line, as it stands beside every figure."""
    system = f"{platform.system()} {platform.machine()}, {torch.get_num_threads()}"
    return (
        f"{system} threads, Python {platform.python_version()}, torch "
        + (torch.__version__.split("+")[0])
    )


def median_seconds(action: Callable[[], object], repeats: int = 30) -> float:
    """The median time of an action over several runs, after one to warm up."""
    action()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        action()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def lab_figures() -> list[Figure]:
    """What the lab's chart of a long run costs the training beside it."""
    record = long_record()
    seconds = median_seconds(lambda: draw(record, [record, record]))
    share = seconds / SECONDS_BETWEEN_DRAWINGS
    size = len(draw(record, [record, record]).encode())
    about = f"chart of {LONG_RUN:,} steps with two kept runs"
    return [
        Figure(f"{about}: one drawing", seconds * 1e3, "ms"),
        Figure(f"{about}: one message", size / 1e3, "KB"),
        Figure("the lab's drawings, share of training time at most", share * 100, "%"),
    ]


def long_record() -> Record:
    """A made-up run of many steps, for what does not depend on its numbers."""
    history = [
        Step(i, 2 + i % 7 / 10, None, 1e-3, i * 1024, i / 30)
        for i in range(1, LONG_RUN + 1)
    ]
    places = range(CHECK_EVERY, LONG_RUN + 1, CHECK_EVERY)
    checks = [Check(i, 2.0 - i / 1e4, 2.5) for i in places]
    turns = [Turn(1000 * i, "dropout", i / 10) for i in (1, 2, 3)]
    return Record({"dropout": 0.0}, LONG_RUN, "made up", history, checks, turns)


def figures() -> list[Figure]:
    """Every line of the table."""
    return lab_figures()
