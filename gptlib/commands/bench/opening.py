"""What is noticed without a model: the import, and the lab's chart of a long run."""

import json
import statistics
import subprocess
import sys

from gptlib.commands.bench import Figure, Plan
from gptlib.commands.bench.clock import median_seconds, say
from gptlib.lab.chart import Feed
from gptlib.lab.panel import SECONDS_BETWEEN_DRAWINGS
from gptlib.lab.run import CHECK_EVERY, Check, Record, Turn
from gptlib.training import Step

STEPS_AT_ONCE = 5  # a tenth of a second of a fast training

IMPORTS = """
import time
started = time.perf_counter(); import torch
between = time.perf_counter(); import gptlib
print(between - started, time.perf_counter() - between)
"""


def figures(plan: Plan) -> list[Figure]:
    """Seconds of both imports, in new processes, and of the chart of a long run."""
    group = "opening the library, and the lab beside a training"
    say(group)
    command = [sys.executable, "-c", IMPORTS]
    runs = [subprocess.check_output(command, text=True) for _ in range(plan.openings)]
    seconds = zip(*(map(float, run.split()) for run in runs), strict=True)
    alone, added = map(statistics.median, seconds)
    record = long_record(plan.long_run)
    draws = 4 * plan.rounds
    feed = Feed(record)
    feed.news(whole=True)

    def tell() -> None:
        record.history += record.history[-STEPS_AT_ONCE:]
        record.norms += record.norms[-STEPS_AT_ONCE:]
        json.dumps(feed.news())

    drawing = median_seconds(tell, draws)
    part = 100 * drawing / SECONDS_BETWEEN_DRAWINGS
    return [
        Figure(group, "import torch", alone, "s", plan.openings),
        Figure(group, "import gptlib, beyond that", added, "s", plan.openings),
        Figure(
            group,
            f"news for the chart of {plan.long_run:,} steps",
            1e3 * drawing,
            "ms",
            draws,
        ),
        Figure(group, "charts, of the training's time at most", part, "%", draws),
    ]


def long_record(steps: int) -> Record:
    """A made-up run of many steps; the numbers do not matter."""
    history = [
        Step(i, 2 + i % 7 / 10, None, None, 1e-3, i * 1024, i / 30)
        for i in range(1, steps + 1)
    ]
    checked = range(CHECK_EVERY, steps + 1, CHECK_EVERY)
    checks = [Check(i, 2.0 - i / 1e4, 2.5) for i in checked]
    turns = [Turn(steps * i // 5, "dropout", i / 10) for i in (1, 2, 3)]
    norms = [1.0] * steps
    return Record(
        {"dropout": 0.0}, steps, "made up", history, checks, turns, norms=norms
    )
