"""Which stacks train at which learning rates, and at which depth: 04's table.

    python -m gptcourse.experiments.stacks

trains each of KINDS in both SHAPES at every one of RATES with three seeds, a few
seconds per run on one core, and adds it to notebooks/records/stacks.csv. Runs that are
there are not repeated. All have the same sub-layers, no warm-up and a constant rate.
Read next: notebook 04.
"""

import math
from dataclasses import dataclass

import torch
from torch import nn

from gptcourse.records import load_rows, replace_rows, table
from gptlib.data import TokenSplits, load_corpus
from gptlib.errors import DivergedError
from gptlib.model import Block, LanguageModel
from gptlib.settings import TrainConfig
from gptlib.tokenizer import CharTokenizer
from gptlib.training import train

KINDS = ("no LayerNorm", "post-norm", "pre-norm")
SHAPES = {3: (64, 4), 12: (16, 2)}  # layers -> width, heads
RATES = (0.001, 0.003, 0.01, 0.03)
SEEDS = (0, 1, 2)
STEPS, LAST = 240, 20
KEY = ("layers", "kind", "lr", "seed")


@dataclass(frozen=True)
class Run:
    """One training; loss: mean of its last batches, nats per character.

    Infinite where the training diverged.
    """

    layers: int
    kind: str
    lr: float
    seed: int
    loss: float


class PlainBlock(Block):
    """Block without its LayerNorms."""

    def forward(self, x, cache=None):
        x = x + self.attn(x)  # (B, T, C)
        return x + self.mlp(x)  # (B, T, C)


class PostBlock(Block):
    """Block with its LayerNorms after the sums."""

    def forward(self, x, cache=None):
        x = self.ln_1(x + self.attn(x))  # (B, T, C)
        return self.ln_2(x + self.mlp(x))  # (B, T, C)


def body(kind: str, layers: int) -> nn.Module:
    """A new stack of a kind; its weights come from torch's random state."""
    block = {"no LayerNorm": PlainBlock, "post-norm": PostBlock, "pre-norm": Block}[
        kind
    ]
    width, heads = SHAPES[layers]
    blocks = [block(width, heads) for _ in range(layers)]
    end = [nn.LayerNorm(width)] if kind == "pre-norm" else []
    return nn.Sequential(*blocks, *end)


def run(
    layers: int, kind: str, lr: float, seed: int, data: TokenSplits, steps: int = STEPS
) -> Run:
    """Train one stack on data, encoded by characters, as 04 does."""
    torch.manual_seed(seed)
    width = SHAPES[layers][0]
    stack = body(kind, layers)
    model = LanguageModel(stack, vocab_size=65, block_size=16, n_embd=width)
    even = {"schedule": "constant", "warmup": 0.0}
    config = TrainConfig(steps=steps, batch_size=8, lr=lr, seed=seed, **even)
    try:
        losses = [step.loss for step in train(model, data, config)][-LAST:]
    except DivergedError:
        losses = [math.inf]
    return Run(layers, kind, lr, seed, sum(losses) / len(losses))


def main() -> None:
    """Measure what is not in the table yet."""
    corpus, path = load_corpus("tinyshakespeare"), table("stacks")
    data = corpus.encode(CharTokenizer(corpus.text))
    have = {(r.layers, r.kind, r.lr, r.seed) for r in load_rows(Run, path)}
    for layers in SHAPES:
        for one in ((k, r, s) for k in KINDS for r in RATES for s in SEEDS):
            if (layers, *one) not in have:
                row = run(layers, *one, data)
                print(row, flush=True)
                replace_rows(path, [row], KEY, loss=".4f")


if __name__ == "__main__":
    main()
