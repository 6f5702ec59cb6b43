"""The loss ladder: every model of the series, measured in one way.

One committed table, `notebooks/records/ladder.csv`, holds what each notebook's model
reached with three seeds. A notebook measures its own and is checked against it.
`make ladder` measures every rung anew.
"""

import csv
import math
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import torch

from gptlib.data import TokenSplits
from gptlib.evaluation import evaluate
from gptlib.files.atomic import write_table
from gptlib.files.fetch import project_folder
from gptlib.generation import generate
from gptlib.model import count_parameters

UNIFORM = math.log(65)  # nats a character, when all 65 are equally likely
SAMPLE_PROMPT, SAMPLE_TOKENS, SAMPLE_SEED = "ROMEO:", 120, 1
# Another processor rounds differently, and a training amplifies that: about as
# much as another seed does, and at least this much in nats.
TOLERANCE = 0.02

# Counted n-grams are one family: their rungs, by n. Up to n = 2 smoothing changes
# next to nothing (0.002 nats), so those are the rungs of 01.
ORDERS = {"unigram": 1, "counted bigram": 2}
ORDERS |= {f"counted {n}-grams": n for n in range(3, 10)}

measured: list["Rung"] = []  # what this process has measured, for `make ladder`


@dataclass(frozen=True)
class Rung:
    """One model's loss on the whole validation split, in nats a character.

    loss: mean over seeds, low and high the extremes. stderr: of the split, over
    windows. minutes: of training, on `device` with `threads` threads.
    """

    name: str
    notebook: str
    loss: float
    low: float
    high: float
    stderr: float
    seeds: int
    parameters: int
    minutes: float
    device: str
    threads: int
    torch: str
    sample: str

    @property
    def bits(self) -> float:
        return self.loss / math.log(2)

    @property
    def choices(self) -> float:
        """How many equally likely characters would be as hard to guess from."""
        return math.exp(self.loss)

    @property
    def order(self) -> int:
        """The n of counted n-grams; 0 for any other model."""
        return ORDERS.get(self.name, 0)

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.loss:.3f} ± {self.stderr:.3f} nats per character\n"
            f"= {self.bits:.2f} bits: as unsure as between "
            f"{self.choices:.1f} equally likely characters\n"
            f"{self.parameters:,} parameters, {self.minutes:.1f} minutes on "
            f"{self.device} ({self.threads} threads, torch {self.torch})"
        )


def measure(
    name: str, notebook: str, model, data: TokenSplits, tokenizer, minutes: float
) -> Rung:
    """Evaluate a model on the whole validation split and check it against the table.

    Prints the result. Raises AssertionError, saying what is normal, when the loss
    lies outside the range recorded for this name.
    """
    result = evaluate(model, data.val, tokenizer=tokenizer)
    loss = result.nats_per_char
    parameter = next(model.parameters())
    prompt = torch.tensor([tokenizer.encode(SAMPLE_PROMPT)], device=parameter.device)
    sample = generate(model, prompt, SAMPLE_TOKENS, seed=SAMPLE_SEED)
    rung = Rung(
        name=name,
        notebook=notebook,
        loss=loss,
        low=loss,
        high=loss,
        stderr=result.stderr * loss / result.loss,
        seeds=1,
        parameters=count_parameters(model),
        minutes=minutes,
        device=parameter.device.type,
        threads=torch.get_num_threads(),
        torch=torch.__version__.split("+")[0],
        sample=tokenizer.decode(sample[0]),
    )
    print(rung)
    measured.append(rung)
    for recorded in load_ladder():
        if recorded.name == name:
            print(_compare(rung, recorded))
    return rung


def load_ladder(path: Path | None = None) -> list[Rung]:
    """Read the committed table, in the order of the series; no file is an empty one."""
    path = ladder_file() if path is None else path
    if not path.is_file():
        return []
    kinds = {field.name: field.type for field in fields(Rung)}
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [Rung(**{k: kinds[k](v) for k, v in row.items()}) for row in rows]


def save_ladder(rungs: list[Rung], path: Path | None = None) -> None:
    """Write the table, one row a rung, notebook by notebook as they were measured."""
    path = ladder_file() if path is None else path
    columns = [field.name for field in fields(Rung)]
    rows = []
    for rung in sorted(rungs, key=lambda rung: rung.notebook):
        row = asdict(rung) | {"minutes": f"{rung.minutes:.2f}"}
        for name in ("loss", "low", "high", "stderr"):
            row[name] = f"{row[name]:.4f}"
        rows.append([row[name] for name in columns])
    write_table(path, columns, rows)


def combine(runs: list[Rung]) -> Rung:
    """One rung out of the same model's runs with several seeds."""
    losses = [run.loss for run in runs]
    minutes = sum(run.minutes for run in runs) / len(runs)
    mean = sum(losses) / len(losses)
    first = asdict(runs[0])
    summary = {"loss": mean, "low": min(losses), "high": max(losses)}
    # Trained for as long to the digit and as good: one model, loaded each time.
    loaded = minutes > 0 and len({(run.loss, run.minutes) for run in runs}) == 1
    seeds = 1 if loaded else len(runs)
    return Rung(**(first | summary | {"seeds": seeds, "minutes": minutes}))


def accepted_range(recorded: Rung) -> tuple[float, float]:
    """The losses that are normal for a rung on any machine, lowest and highest."""
    slack = max(TOLERANCE, recorded.high - recorded.low)
    return recorded.low - slack, recorded.high + slack


def ladder_file() -> Path:
    """Where the table is kept."""
    return project_folder("notebooks") / "records" / "ladder.csv"


def _compare(rung: Rung, recorded: Rung) -> str:
    low, high = accepted_range(recorded)
    recorded_text = (
        f"recorded: {recorded.loss:.3f} ({_seeds(recorded)}, torch {recorded.torch})"
    )
    assert low <= rung.loss <= high, (
        f"{rung.name} reached {rung.loss:.3f}; normal on any machine is {low:.3f} to "
        f"{high:.3f}. If you changed the model or its training, that is why: well "
        "done or try again. If you did not: run all cells from the top, in order."
    )
    return recorded_text


def _seeds(recorded: Rung) -> str:
    if recorded.seeds == 1:
        return "one run"
    return f"{recorded.seeds} seeds, {recorded.low:.3f} to {recorded.high:.3f}"
