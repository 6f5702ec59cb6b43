"""Induction: when does a small model learn to continue what it has seen before?

    python -m gptcourse.experiments.induction

trains models of one and of two layers on letters in random order that repeat, with and
without dropout, three seeds each, some ten seconds per run on one core, and writes
notebooks/records/induction.csv. Read next: notebook 12.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gptcourse.records import save_rows, table
from gptlib.data import Examples, TokenSplits
from gptlib.hooks import hooked
from gptlib.modern import ModernConfig, ModernGPT
from gptlib.training import TrainConfig, train

SEEDS = (0, 1, 2)
VOCABULARY, LENGTH, BATCH, STEPS, EVERY = 32, 32, 32, 300, 10
RUNS = ((1, 0.0), (2, 0.0), (2, 0.1), (2, 0.2))  # layers, dropout
TEST_SEED = 10_000


@dataclass(frozen=True)
class Moment:
    """A model after so many steps; loss: on what repeats, nats per letter.

    induction, previous: the highest scores of the heads. without: the loss with the
    head that has the highest induction score ablated.
    """

    layers: int
    dropout: float
    seed: int
    step: int
    loss: float
    induction: float
    previous: float
    without: float


def repeats(count: int, seed: int) -> tuple[Int[Tensor, "N T"], Int[Tensor, "N T"]]:
    """Rows of 4 to 16 different letters in random order, again and again.

    Returns idx and targets; a target is -100 where the letter is new to its row.
    """
    draw = torch.Generator().manual_seed(seed)
    period = torch.randint(4, 17, (count, 1), generator=draw)  # (N, 1)
    letters = torch.rand(count, VOCABULARY, generator=draw).argsort(1)  # (N, V)
    t = torch.arange(LENGTH + 1)  # (T + 1,)
    ids = letters.gather(1, t % period)  # (N, T + 1)
    return ids[:, :-1], ids[:, 1:].masked_fill(t[1:] < period + 1, -100)


def induction_scores(
    w: Float[Tensor, "B H T T"], idx: Int[Tensor, "B T"]
) -> Float[Tensor, " H"]:
    """How much each head looks at what followed the same letter before.

    The mean over all positions whose letter has occurred before.
    """
    same = idx[:, :, None] == idx[:, None, :-1]  # (B, T, T - 1)
    after = torch.nn.functional.pad(same, (1, 0)).tril()  # (B, T, T)
    seen = after.any(2)  # (B, T)
    found = (w * after[:, None]).sum(3).transpose(1, 2)  # (B, T, H)
    return found[seen].mean(0)


def previous_scores(w: Float[Tensor, "B H T T"]) -> Float[Tensor, " H"]:
    """How much each head looks at the position before, where there is one."""
    return w.diagonal(-1, 2, 3).mean((0, 2))


def new_model(layers: int, seed: int, dropout: float = 0.0) -> ModernGPT:
    """An untrained model of four heads per layer, 64 wide."""
    torch.manual_seed(seed)
    return ModernGPT(ModernConfig(VOCABULARY, LENGTH, layers, 4, 64, dropout))


@torch.no_grad()
def look(model: ModernGPT, seed: int, step: int) -> Moment:
    """Measure a model on 64 rows that no training shows."""
    idx, targets = repeats(64, TEST_SEED)
    was_training = model.training
    with hooked(model.eval()) as seen:
        loss = model(idx, targets)[1].item()
    maps = [seen["weights", i] for i in range(model.config.n_layer)]
    scores = torch.stack([induction_scores(w, idx) for w in maps])  # (L, H)
    layer, head = divmod(int(scores.argmax()), scores.size(1))
    mean = seen["heads", layer][:, head].mean(0)  # (T, D)

    def ablated(heads):
        heads = heads.clone()
        heads[:, head] = mean
        return heads

    with hooked(model, {("heads", layer): ablated}):
        without = model(idx, targets)[1].item()
    model.train(was_training)
    previous = max(previous_scores(w).max().item() for w in maps)
    setting = model.config.n_layer, model.dropout, seed
    return Moment(*setting, step, loss, scores.max().item(), previous, without)


def learn(model: ModernGPT, seed: int, steps: int = STEPS) -> Iterator[Moment]:
    """Train a model on rows that repeat; what it is every few steps, from 0 on."""
    yield look(model, seed, 0)
    rows = Examples(*repeats(steps * BATCH, seed))
    config = TrainConfig(
        steps=steps,
        batch_size=BATCH,
        lr=4e-3,
        schedule="constant",
        optimizer="muon",
        seed=seed,
    )
    data = TokenSplits(rows, rows.idx[0], rows.idx[0], "repeats")
    for step in train(model, data, config):
        if step.step % EVERY == 0:
            yield look(model, seed, step.step)


def main() -> None:
    """Record every run with every seed."""
    rows = []
    for layers, dropout in RUNS:
        for seed in SEEDS:
            rows += learn(new_model(layers, seed, dropout), seed)
            print(rows[-1], flush=True)
    numbers = ("loss", "induction", "previous", "without")
    save_rows(table("induction"), Moment, rows, **dict.fromkeys(numbers, ".3f"))


if __name__ == "__main__":
    main()
