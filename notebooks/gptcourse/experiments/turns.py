"""Dropout turned on in the middle of a training, as in the lab of notebook 07.

    python -m gptcourse.experiments.turns

does what is missing of two studies, about a minute a run on one quiet core. Both take
the model and the rates of records/sweeps/dropout.yaml.

cure: 25,000 characters, where val falls and then rises; dropout from step 401 on.
records/turns.csv has the ends, turns_curves.csv the checks; records/sweeps/text.yaml
has the same run without dropout.

leap: 50,000 characters, dropout 0.2 from step 801 on. records/turns_leap.csv has the
loss of one model on the same characters of train, dropout off and on: first as it was
when dropout was turned on, then as it gets used to it. Read next: notebook 07.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import tyro
from torch import nn

from gptcourse.records import load_rows, replace_rows, table
from gptlib.commands.spec import encode_text, read_spec
from gptlib.data import TokenSplits
from gptlib.evaluation import PROBE_TOKENS, evaluate, fixed_windows, window_loss
from gptlib.files.fetch import project_folder
from gptlib.handler.build import build_model
from gptlib.settings import seeded
from gptlib.training import Training, train

CURED_TEXT, CURED_AT, EVERY = 25_000, 400, 50
CURES = ((0.3, 0),)  # dropout and seed
LEAP_TEXT, LEAP_AT, LEAP_TO = 50_000, 800, 0.2
LEAP_SEEDS = (0,)
AFTER = (0, 10, 25, 50, 100, 200, 400)  # steps from the turn to a look
MASKS = 3  # of one measurement with dropout


@dataclass(frozen=True)
class End:
    """One run of the cure. dropout: from step CURED_AT + 1 on. val: the whole split."""

    dropout: float
    seed: int
    steps: int
    val: float
    minutes: float
    threads: int
    torch: str


@dataclass(frozen=True)
class Check:
    """Losses on fixed parts of the splits, dropout off, in nats per character."""

    dropout: float
    seed: int
    step: int
    train: float
    dev: float
    val: float


@dataclass(frozen=True)
class Look:
    """One model on the same characters of train, `after` steps with dropout.

    off, on: its loss with dropout 0 and with LEAP_TO (the mean of three masks). val:
    on a fixed part of val, dropout off.
    """

    seed: int
    after: int
    off: float
    on: float
    val: float


def begin(characters: int, seed: int) -> tuple[Training, TokenSplits]:
    """A training of notebook 07 on the beginning of train, without dropout."""
    spec = read_spec(project_folder("notebooks") / "records/sweeps/dropout.yaml")
    point = {"dropout": 0.0}
    shape, config, _ = spec.settings(point, seed)
    data, _ = encode_text(spec.text(point))
    data = replace(data, train=data.train[:characters])
    torch.manual_seed(seed)
    return train(build_model(shape), data, config), data


def advance(training: Training, steps: int) -> None:
    """Run so many steps more."""
    for _ in range(steps):
        training.advance()


def cure(dropout: float, seed: int, turn: int = CURED_AT) -> tuple[End, list[Check]]:
    """Train on little text and turn dropout on; return the end and the checks."""
    training, data = begin(CURED_TEXT, seed)
    model, checks = training.model, []
    parts = {
        name: fixed_windows(getattr(data, name), model.block_size, PROBE_TOKENS)
        for name in ("train", "dev", "val")
    }
    for step in training:
        if step.step == turn:
            training.knobs.dropout = dropout
        if step.step % EVERY == 0:
            losses = {k: window_loss(model, *part) for k, part in parts.items()}
            checks.append(Check(dropout, seed, step.step, **losses))
    end = End(
        dropout=dropout,
        seed=seed,
        steps=training.step,
        val=evaluate(model, data.val).loss,
        minutes=training.seconds / 60,
        threads=torch.get_num_threads(),
        torch=torch.__version__.split("+")[0],
    )
    return end, checks


def leap(
    seed: int, turn: int = LEAP_AT, after: Sequence[int] = AFTER
) -> Iterator[Look]:
    """Train, turn dropout on, and look at what it costs: at once, and later."""
    training, data = begin(LEAP_TEXT, seed)
    model = training.model
    piece, unseen = (
        fixed_windows(part, model.block_size, PROBE_TOKENS)
        for part in (data.train, data.val)
    )
    advance(training, turn)
    training.knobs.dropout = LEAP_TO
    for steps in after:
        advance(training, turn + steps - training.step)
        off, val = window_loss(model, *piece), window_loss(model, *unseen)
        yield Look(seed, steps, off, loss_with_dropout(model, piece, LEAP_TO), val)


@torch.no_grad()
def loss_with_dropout(model: nn.Module, piece: tuple, p: float) -> float:
    """Mean loss over MASKS masks of dropout p; piece: idx and targets, (B, T) each."""
    model.train()
    model.dropout, before = p, model.dropout
    losses = []
    for mask in range(MASKS):
        with seeded(mask):
            losses.append(model(*piece)[1].item())
    model.dropout = before
    return sum(losses) / MASKS


def main(folder: Path | None = None, cures: int = 100, leaps: int = 100) -> None:
    """Do the missing runs and record them.

    Args:
        folder: Where the tables are; by default notebooks/records.
        cures: How many runs of the cure at most.
        leaps: How many runs of the leap at most.
    """
    folder = table("turns").parent if folder is None else folder
    ends, curves = folder / "turns.csv", folder / "turns_curves.csv"
    looks = folder / "turns_leap.csv"
    fine = dict.fromkeys(("train", "dev", "val", "off", "on"), ".4f")
    have = {(end.dropout, end.seed) for end in load_rows(End, ends)}
    for dropout, seed in [run for run in CURES if run not in have][:cures]:
        end, checks = cure(dropout, seed)
        print(end, flush=True)
        # Curves first: one without its row belongs to an interrupted run.
        replace_rows(curves, checks, ["dropout", "seed", "step"], **fine)
        replace_rows(ends, [end], ["dropout", "seed"], **fine, minutes=".2f")
    seen = {look.seed for look in load_rows(Look, looks)}
    for seed in [seed for seed in LEAP_SEEDS if seed not in seen][:leaps]:
        found = list(leap(seed))
        print(*found, sep="\n", flush=True)
        replace_rows(looks, found, ["seed", "after"], **fine)


if __name__ == "__main__":
    tyro.cli(main)
