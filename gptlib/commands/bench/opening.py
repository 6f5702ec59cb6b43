"""What is noticed without a model: the import."""

import statistics
import subprocess
import sys

from gptlib.commands.bench import Figure, Plan
from gptlib.commands.bench.clock import say

IMPORTS = """
import time
started = time.perf_counter(); import torch
between = time.perf_counter(); import gptlib
print(between - started, time.perf_counter() - between)
"""


def figures(plan: Plan) -> list[Figure]:
    """Seconds of both imports, in new processes."""
    group = "opening the library"
    say(group)
    command = [sys.executable, "-c", IMPORTS]
    runs = [subprocess.check_output(command, text=True) for _ in range(plan.openings)]
    seconds = zip(*(map(float, run.split()) for run in runs), strict=True)
    alone, added = map(statistics.median, seconds)
    return [
        Figure(group, "import torch", alone, "s", plan.openings),
        Figure(group, "import gptlib, beyond that", added, "s", plan.openings),
    ]
