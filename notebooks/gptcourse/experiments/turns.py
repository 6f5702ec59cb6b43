"""What dropout costs when it is turned on in the middle of a training.

    python -m gptcourse.experiments.turns

does the missing runs of `records/turns_leap.csv`, about a minute each on one quiet
core: the run of records/sweeps/dropout.yaml, 50,000 characters of train, with dropout
0.2 from step 801 on. It records the loss of one model on the same characters of train,
dropout off and on: first as it was when dropout was turned on, then as it gets used to
it. Read next: notebook 07.
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
from gptlib.evaluation import PROBE_TOKENS, fixed_windows, window_loss
from gptlib.files.fetch import project_folder
from gptlib.handler.build import build_model
from gptlib.settings import seeded
from gptlib.training import Training, train

LEAP_TEXT, LEAP_AT, LEAP_TO = 50_000, 800, 0.2
LEAP_SEEDS = (0, 1, 2)
LEAPS = "turns_leap.csv"
AFTER = (0, 10, 25, 50, 100, 200, 400)  # steps from the turn to a look
MASKS = 3  # of one measurement with dropout


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


def main(folder: Path | None = None, runs: int = 100) -> None:
    """Do the missing runs and record them.

    Args:
        folder: Where the table is; by default notebooks/records.
        runs: How many at most.
    """
    looks = (table("turns_leap").parent if folder is None else folder) / LEAPS
    seen = {look.seed for look in load_rows(Look, looks)}
    for seed in [seed for seed in LEAP_SEEDS if seed not in seen][:runs]:
        found = list(leap(seed))
        print(*found, sep="\n", flush=True)
        formats = dict.fromkeys(("off", "on", "val"), ".4f")
        replace_rows(looks, found, ["seed", "after"], **formats)


if __name__ == "__main__":
    tyro.cli(main)
