"""Measuring times so that they can be compared."""

import statistics
import sys
import time
from collections.abc import Callable

from tqdm import tqdm

Action = Callable[[], object]


def say(text: str) -> None:
    """What is being measured, to whoever waits; the table has stdout to itself."""
    tqdm.write(f"measuring {text}", file=sys.stderr)  # above the bar, if there is one


def in_turns(
    actions: dict[str, Action], rounds: int, seconds: float = float("inf")
) -> dict[str, list[float]]:
    """Run all actions one after the other, rounds times: seconds of each run.

    Each runs once beforehand, to warm up; one that has taken more than `seconds` in
    all by then is not run again, and its first run counts.
    """
    times: dict[str, list[float]] = {}
    first = {name: timed(action) for name, action in actions.items()}
    for _ in range(rounds):
        for name, action in actions.items():
            runs = times.setdefault(name, [])
            if first[name] + sum(runs) <= seconds:
                runs.append(timed(action))
    return {name: runs or [first[name]] for name, runs in times.items()}


def timed(action: Action) -> float:
    """The seconds of one run."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def median_seconds(action: Action, runs: int = 30) -> float:
    """The median time of one action over several runs, after one to warm up."""
    return statistics.median(in_turns({"": action}, runs)[""])
