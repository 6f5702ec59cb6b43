"""python -m gptlib bench: speed and memory on this machine.

Every figure is the median of repeated runs. What is compared runs in turns, so that
a disturbance of the machine affects all of it. `writing` measures generation,
`learning` training, `opening` the import.
"""

import json
import platform
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import numpy
import torch
from tqdm import tqdm

from gptlib.model import GPTConfig


@dataclass(frozen=True)
class Figure:
    """One line of the table: a median of several runs."""

    group: str
    what: str
    value: float
    unit: str
    runs: int = 1


# nanoGPT's shapes for Tiny Shakespeare: on a laptop (0.80 M parameters) and on a GPU.
SMALL = GPTConfig(65, block_size=64, n_layer=4, n_head=4, n_embd=128)
LARGE = GPTConfig(65, block_size=256, n_layer=6, n_head=6, n_embd=384)


@dataclass(frozen=True)
class Plan:
    """What to measure, and how often."""

    small: GPTConfig = SMALL
    large: GPTConfig = LARGE
    at_once: int = 64  # texts in a batch
    rounds: int = 7
    seconds: float = 12.0  # what takes longer than this in all is not run again
    steps: int = 15  # of training, a round
    matrix: int = 1024  # the size of the product that says how fast the machine is
    openings: int = 5


PLAN = Plan()


@dataclass
class Bench:
    """Measure speed and memory on this machine."""

    # One JSON object instead of a table.
    json: bool = False
    # Also run the trainings that take minutes.
    train: bool = False

    def run(self) -> None:
        rows, here = figures(train=self.train), machine()
        if self.json:
            measured = [asdict(row) for row in rows]
            print(json.dumps({"machine": here, "figures": measured}))
            return
        print(", ".join(f"{name} {value}" for name, value in here.items()))
        print(table(rows))


def figures(plan: Plan | None = None, *, train: bool = False) -> list[Figure]:
    """Every line of the table; train adds the long runs."""
    from gptlib.commands.bench import learning, opening, writing

    plan = plan or PLAN
    # Beside each part its seconds on two cores, so that the bar can say what is left.
    parts = [
        (lambda: learning.figures(plan), 40),
        (lambda: writing.figures(plan.small, plan), 25),
        (lambda: writing.figures(plan.large, plan), 90),
        (lambda: opening.figures(plan), 20),
        (lambda: learning.long_figures(plan), 300),
    ]
    parts, rows = parts if train else parts[:-1], []
    total = sum(seconds for _, seconds in parts)
    shown = "{percentage:3.0f}%|{bar}| about {remaining} left"
    with tqdm(total=total, bar_format=shown, leave=False) as bar:
        for measure, seconds in parts:
            rows += measure()
            bar.update(seconds)
    return rows


def machine() -> dict[str, str | int]:
    """This machine, as it stands beside every figure."""
    return {
        "date": date.today().isoformat(),
        "processor": processor(),
        "system": f"{platform.system()} {platform.machine()}",
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__.split("+")[0],
        "numpy": numpy.__version__,
    }


def processor() -> str:
    """The processor's name where the system tells it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.processor() or "unknown processor"


def table(rows: list[Figure]) -> str:
    """The figures as text, a heading over each group."""
    lines, group = [], None
    for row in rows:
        if row.group != group:
            group = row.group
            lines += ["", group]
        digits = 0 if row.value >= 1000 else 1 if row.value >= 10 else 3
        lines.append(f"{row.value:12,.{digits}f} {row.unit:9} {row.what}")
    return "\n".join(lines)
