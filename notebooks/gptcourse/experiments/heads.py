"""What lowers the loss in 03: the heads, the projection, or keeping one's own vector.

    python -m gptcourse.experiments.heads

trains each of VARIANTS with three seeds, five seconds per run on one core, and writes
notebooks/records/heads.csv. All are 03's model, 64 wide, in short trainings: 1,000
steps of half a batch at twice the rate. Read next: notebook 03.
"""

from dataclasses import dataclass

import torch
from torch import nn

from gptcourse.records import save_rows, table
from gptlib.attention import CausalSelfAttention
from gptlib.data import TokenSplits, load_corpus
from gptlib.evaluation import evaluate
from gptlib.model import LanguageModel
from gptlib.settings import TrainConfig
from gptlib.tokenizer import CharTokenizer
from gptlib.training import train

SEEDS = (0, 1, 2)
STEPS = 1000
# name -> heads, whether there is a projection, whether x is added
VARIANTS = {
    "one head": (1, False, False),
    "one head + projection": (1, True, False),
    "four heads": (4, False, False),
    "four heads + projection": (4, True, False),
    "x + one head": (1, True, True),
    "x + four heads": (4, True, True),
}


@dataclass(frozen=True)
class Run:
    """One training; loss: on the whole validation split, in nats per character."""

    variant: str
    seed: int
    loss: float


class KeepOwn(nn.Module):
    """x + attention(x): (B, T, C) -> (B, T, C)."""

    def __init__(self, attention: nn.Module):
        super().__init__()
        self.attention = attention

    def forward(self, x):
        return x + self.attention(x)


def body(variant: str) -> nn.Module:
    """A new attention layer of a variant, (B, T, 64) -> (B, T, 64)."""
    n_head, projects, keeps = VARIANTS[variant]
    layer = CausalSelfAttention(64, n_head)
    if not projects:
        layer.proj = nn.Identity()
    return KeepOwn(layer) if keeps else layer


def run(variant: str, seed: int, data: TokenSplits, steps: int = STEPS) -> Run:
    """Train a variant on data, encoded by characters, and evaluate it on val."""
    torch.manual_seed(seed)
    model = LanguageModel(body(variant), vocab_size=65, block_size=32, n_embd=64)
    config = TrainConfig(steps=steps, batch_size=16, lr=6e-3, seed=seed)
    for _ in train(model, data, config):
        pass
    return Run(variant, seed, evaluate(model, data.val).loss)


def main() -> None:
    """Measure every variant with every seed."""
    corpus = load_corpus("tinyshakespeare")
    data, rows = corpus.encode(CharTokenizer(corpus.text)), []
    for variant in VARIANTS:
        for seed in SEEDS:
            rows.append(run(variant, seed, data))
            print(rows[-1], flush=True)
    save_rows(table("heads"), Run, rows, loss=".4f")


if __name__ == "__main__":
    main()
