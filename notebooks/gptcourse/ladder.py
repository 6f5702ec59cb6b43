"""The loss ladder: every model of the series, measured in one way.

One committed table, `notebooks/records/ladder.csv`, holds what each notebook's model
reached with three seeds. A notebook measures its own and is checked against it.
`make ladder` measures every rung anew. Read next: `figures.py`, which draws it.
"""

import math
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from gptcourse import paragraph
from gptcourse.records import load_rows, save_rows, table
from gptcourse.start import current_notebook
from gptlib.data import TokenSplits
from gptlib.evaluation import evaluate
from gptlib.generation import generate
from gptlib.model import count_parameters

UNIFORM = math.log(65)  # nats per character, when all 65 are equally likely
SAMPLE_PROMPT, SAMPLE_TOKENS, SAMPLE_SEED = "ROMEO:", 120, 1
# Another processor rounds differently, and a training amplifies that: about as
# much as another seed does, and at least this much in nats.
TOLERANCE = 0.02
DEVICES = ("cpu", "cuda", "mps")  # of trainings here, whose threads and torch count

# The rungs of the reader's way, which every figure of the ladder shows.
SPINE = ("uniform", "unigram", "counted bigram", "one head", "four heads")
SPINE += ("three blocks", "GPT", "model3")

# Rungs of n-gram counts, by n. Up to n = 2 smoothing changes 0.002 nats, so those are
# the rungs of 01.
ORDERS = {"unigram": 1, "counted bigram": 2}
ORDERS |= {f"counted {n}-grams": n for n in range(3, 10)}

measured: list["Rung"] = []  # by this process, for `make ladder`


@dataclass(frozen=True)
class Rung:
    """One model's loss on the whole validation split, in nats per character.

    loss: mean over seeds; low, high: the extremes. stderr: of the split, over windows.
    minutes: of training, on `device` with `threads` threads.
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
        """The n of n-gram counts; 0 for any other model."""
        return ORDERS.get(self.name, 0)

    def __str__(self) -> str:
        here = f" ({self.threads} threads, torch {self.torch})"
        return (
            f"{self.name}: {self.loss:.3f} ± {self.stderr:.3f} nats per character\n"
            f"= {self.bits:.2f} bits: as unsure as between "
            f"{self.choices:.1f} equally likely characters\n"
            f"{self.parameters:,} parameters, {self.minutes:.1f} minutes on "
            f"{self.device}{here if self.device in DEVICES else ''}"
        )


def measure(name: str, model, data: TokenSplits, tokenizer, minutes, device="") -> Rung:
    """Evaluate a model on the whole validation split and compare it with the table.

    name: of the rung. minutes: of its training. device: where, unless here. Prints
    and returns this notebook's rung. Raises AssertionError, saying what is normal,
    when the loss lies outside the range recorded for this name.
    """
    result = evaluate(model, data.val, tokenizer=tokenizer)
    loss = result.nats_per_char
    parameter = next(model.parameters())
    prompt = torch.tensor([tokenizer.encode(SAMPLE_PROMPT)], device=parameter.device)
    sample = generate(model, prompt, SAMPLE_TOKENS, seed=SAMPLE_SEED)
    rung = Rung(
        name=name,
        notebook=current_notebook(),
        loss=loss,
        low=loss,
        high=loss,
        stderr=result.stderr_per_char,
        seeds=1,
        parameters=count_parameters(model),
        minutes=minutes,
        device=device or parameter.device.type,
        threads=torch.get_num_threads(),
        torch=torch.__version__.split("+")[0],
        sample=tokenizer.decode(sample[0]),
    )
    print(rung)
    measured.append(rung)
    paragraph.measure(name, rung.notebook, model, data.val, tokenizer)
    for recorded in load_ladder():
        if recorded.name == name:
            _compare(rung, recorded)
    return rung


def print_samples() -> None:
    """Print what the rungs of the reader's way wrote when they were last measured."""
    rungs = {rung.name: rung for rung in load_ladder()}
    for name in SPINE:
        print(f"── {name} · {rungs[name].loss:.2f} nats ──")
        print(rungs[name].sample, end="\n\n")


def load_ladder(path: Path | None = None) -> list[Rung]:
    """Read the committed table, in the order of the series."""
    return load_rows(Rung, path or ladder_file())


def save_ladder(rungs: list[Rung], path: Path | None = None) -> None:
    """Write the table, one row per rung, by notebook, in the order of measuring."""
    rungs = sorted(rungs, key=lambda rung: rung.notebook)
    formats = dict.fromkeys(("loss", "low", "high", "stderr"), ".4f")
    save_rows(path or ladder_file(), Rung, rungs, **formats, minutes=".2f")


def combine(runs: list[Rung]) -> Rung:
    """Summarise the same model's runs with several seeds as one rung."""
    losses = [run.loss for run in runs]
    minutes = sum(run.minutes for run in runs) / len(runs)
    mean = sum(losses) / len(losses)
    first = asdict(runs[0])
    summary = {"loss": mean, "low": min(losses), "high": max(losses)}
    # The same minutes and the same loss: one stored model, loaded each time.
    loaded = minutes > 0 and len({(run.loss, run.minutes) for run in runs}) == 1
    seeds = 1 if loaded else len(runs)
    return Rung(**(first | summary | {"seeds": seeds, "minutes": minutes}))


def accepted_range(recorded: Rung) -> tuple[float, float]:
    """The lowest and the highest loss that is normal for a rung on any machine."""
    slack = max(TOLERANCE, recorded.high - recorded.low)
    return recorded.low - slack, recorded.high + slack


def ladder_file() -> Path:
    """Where the table is kept."""
    return table("ladder")


def _compare(rung: Rung, recorded: Rung) -> None:
    low, high = accepted_range(recorded)
    assert low <= rung.loss <= high, (
        f"{rung.name} reached {rung.loss:.3f}; normal on any machine is {low:.3f} to "
        f"{high:.3f}. If you changed the model or its training, that is why: well "
        "done or try again. If you did not: run all cells from the top, in order."
    )
    seeds = f"{recorded.seeds} seeds, {recorded.low:.3f} to {recorded.high:.3f}"
    runs = seeds if recorded.seeds > 1 else "one run"
    print(f"recorded: {recorded.loss:.3f} ({runs}, torch {recorded.torch})")
