"""What `import gptlib` adds to `import torch`, in processes of their own."""

import statistics
import subprocess
import sys

from gptlib.commands.bench import Figure, Plan
from gptlib.commands.bench.clock import say

GROUP = "opening the library"
PROGRAM = """
import time
started = time.perf_counter(); import torch
between = time.perf_counter(); import gptlib
print(between - started, time.perf_counter() - between)
"""


def figures(plan: Plan) -> list[Figure]:
    """Seconds of both imports."""
    say("import gptlib")
    pairs = [_imports() for _ in range(plan.openings)]
    torch_alone, added = (
        statistics.median(times) for times in zip(*pairs, strict=True)
    )
    return [
        Figure(GROUP, "import torch", torch_alone, "s", plan.openings),
        Figure(GROUP, "import gptlib, beyond that", added, "s", plan.openings),
    ]


def _imports() -> tuple[float, float]:
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    torch_alone, added = map(float, done.stdout.split())
    return torch_alone, added
