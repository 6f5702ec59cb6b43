"""What the lab's chart of a long run costs the training beside it."""

from gptlib.commands.bench import Figure, Plan
from gptlib.commands.bench.clock import median_seconds, say
from gptlib.lab.chart import draw
from gptlib.lab.panel import SECONDS_BETWEEN_DRAWINGS
from gptlib.lab.run import CHECK_EVERY, Check, Record, Turn
from gptlib.training import Step

GROUP = "the training lab beside a running training"


def figures(plan: Plan) -> list[Figure]:
    """One drawing, one message, and the share of the training's time."""
    say("the lab's chart")
    record = long_record(plan.long_run)
    runs = 4 * plan.rounds
    seconds = median_seconds(lambda: draw(record, [record, record]), runs)
    share = seconds / SECONDS_BETWEEN_DRAWINGS
    size = len(draw(record, [record, record]).encode())
    about = f"chart of {plan.long_run:,} steps with two kept runs"
    return [
        Figure(GROUP, f"{about}: one drawing", seconds * 1e3, "ms", runs),
        Figure(GROUP, f"{about}: one message", size / 1e3, "KB"),
        Figure(GROUP, "its drawings, share of training time at most", share * 100, "%"),
    ]


def long_record(steps: int) -> Record:
    """A made-up run of many steps, for what does not depend on its numbers."""
    history = [
        Step(i, 2 + i % 7 / 10, None, 1e-3, i * 1024, i / 30)
        for i in range(1, steps + 1)
    ]
    places = range(CHECK_EVERY, steps + 1, CHECK_EVERY)
    checks = [Check(i, 2.0 - i / 1e4, 2.5) for i in places]
    turns = [Turn(steps * i // 5, "dropout", i / 10) for i in (1, 2, 3)]
    return Record({"dropout": 0.0}, steps, "made up", history, checks, turns)
