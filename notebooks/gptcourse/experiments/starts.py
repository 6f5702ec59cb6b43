"""Why 05's GPT ends above 04's three blocks: its first weights are too small.

    python -m gptcourse.experiments.starts

trains every variant of VARIANTS with its seeds, about a minute each on one quiet
core, and adds it to notebooks/records/starts.csv. Runs that are there are not repeated.
All have 05's shape, windows and plain training, and what 04 and 05 share, 2,000 steps
without dropout, cannot be the cause. Read next: notebook 05.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import tyro
from torch import nn

from gptcourse.records import load_rows, replace_rows, table
from gptlib.data import TokenSplits, load_corpus
from gptlib.evaluation import evaluate
from gptlib.model import (
    GPT,
    Block,
    GPTConfig,
    LanguageModel,
    count_parameters,
    init_weights,
)
from gptlib.settings import TrainConfig
from gptlib.tokenizer import CharTokenizer
from gptlib.training import train

SHAPE = GPTConfig(block_size=64, n_layer=3, n_head=4, n_embd=64)
STEPS = 2000
# 05's plain training: what `train` adds by itself is switched off.
PLAIN = {
    "batch_size": 16,
    "lr": 3e-3,
    "schedule": "constant",
    "warmup": 0.0,
    "weight_decay": 0.0,
    "grad_clip": 1e9,
}
# GPT-2's rule at its own width, 768, is 0.02; at ours this makes it as large.
WIDER = math.sqrt(768 / SHAPE.n_embd)


@dataclass(frozen=True)
class Variant:
    """What a run has: first weights, output matrix, and how many seeds it is run with.

    weights: "pytorch", "gpt2" or "gpt2 wider", which is GPT-2's rule times WIDER.
    output: "tied", or a matrix of its "own" with a bias.
    """

    weights: str = "gpt2"
    output: str = "tied"
    seeds: int = 1


# "05" is 05's rung; each of the others differs from it in what its name says. The
# decisive pair has three seeds.
VARIANTS = {
    "05": Variant(seeds=3),
    "05, wider weights": Variant("gpt2 wider", seeds=3),
    "05, untied": Variant(output="own"),
    "05, 04's weights, untied": Variant("pytorch", "own"),
}


@dataclass(frozen=True)
class Result:
    """One run. val: nats per character on the whole split, in windows of 64."""

    name: str
    weights: str
    output: str
    seed: int
    parameters: int
    val: float
    minutes: float
    threads: int
    torch: str


def build(variant: Variant) -> nn.Module:
    """The untrained model of a variant; its weights come from torch's random state."""
    model = GPT(SHAPE) if variant.output == "tied" else framed(variant.weights)
    if variant.weights == "gpt2 wider":
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.ndim == 2:  # not biases, not LayerNorm
                    parameter *= WIDER
    return model


def framed(weights: str) -> LanguageModel:
    """04's blocks in their frame, with an output matrix of its own that has a bias."""
    C, heads = SHAPE.n_embd, SHAPE.n_head
    blocks = [Block(C, heads) for _ in range(SHAPE.n_layer)]
    sizes = {"vocab_size": SHAPE.vocab_size, "block_size": SHAPE.block_size}
    model = LanguageModel(nn.Sequential(*blocks, nn.LayerNorm(C)), **sizes, n_embd=C)
    if weights != "pytorch":
        init_weights(model, SHAPE.n_layer)
    return model


def run(name: str, seed: int, data: TokenSplits, steps: int = STEPS) -> Result:
    """Train one variant and evaluate it."""
    variant = VARIANTS[name]
    torch.manual_seed(seed)
    model = build(variant)
    training = train(model, data, TrainConfig(steps=steps, seed=seed, **PLAIN))
    for _ in training:
        pass
    return Result(
        name=name,
        weights=variant.weights,
        output=variant.output,
        seed=seed,
        parameters=count_parameters(model),
        val=evaluate(model, data.val).loss,
        minutes=training.seconds / 60,
        threads=torch.get_num_threads(),
        torch=torch.__version__.split("+")[0],
    )


def missing(results: Sequence[Result]) -> list[tuple[str, int]]:
    """The runs, as (name, seed), that are not among the results."""
    have = {(result.name, result.seed) for result in results}
    wanted = [(n, s) for n, v in VARIANTS.items() for s in range(v.seeds)]
    return [one for one in wanted if one not in have]


def main(path: Path | None = None, runs: int = 1000) -> None:
    """Do the missing runs and record them.

    Args:
        path: Of the table; by default notebooks/records/starts.csv.
        runs: How many runs at most.
    """
    path = path or table("starts")
    corpus = load_corpus("tinyshakespeare")
    data = corpus.encode(CharTokenizer(corpus.text))
    for name, seed in missing(load_rows(Result, path))[:runs]:
        result = run(name, seed, data)
        print(result, flush=True)
        replace_rows(path, [result], ["name", "seed"], val=".4f", minutes=".2f")


if __name__ == "__main__":
    tyro.cli(main)
