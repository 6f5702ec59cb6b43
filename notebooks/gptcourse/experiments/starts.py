"""Why 05's GPT ends above 04's three blocks: one difference at a time.

    python -m gptcourse.experiments.starts

trains every variant of VARIANTS with its seeds, one to two minutes each on one core,
and adds it to notebooks/records/starts.csv, its curve to starts_curves.csv. Runs that
are there are not repeated. All models have three blocks of width 64, all trainings
2,000 steps of 1,024 characters and no dropout, so these cannot be the cause. Read
next: notebook 05.
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
from gptlib.errors import require_choice
from gptlib.evaluation import PROBE_TOKENS, evaluate, fixed_windows, window_loss
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

LAYERS, HEADS, WIDTH = 3, 4, 64
TOKENS = 1024  # of a step, whatever the length of its windows
STEPS, EVERY = 2000, 100
TRAININGS = {
    "plain": {
        "schedule": "constant",
        "warmup": 0.0,
        "weight_decay": 0.0,
        "grad_clip": 1e9,
    },
    "shaped": {},  # train's own settings: warm-up, cosine, clipping, decay
}
# GPT-2's rule at its own width, 768, is 0.02; at ours this makes it as large.
WIDER = math.sqrt(768 / WIDTH)
WEIGHTS = ("pytorch", "gpt2", "gpt2 wider", "gpt2 wider tables")
OUTPUTS = ("own", "tied", "tied and bias")


@dataclass(frozen=True)
class Variant:
    """What a run has: the first weights, the output matrix, windows, the training.

    weights: "gpt2 wider" is GPT-2's rule times WIDER, "gpt2 wider tables" that for the
    embeddings alone. output: "own" is a matrix of its own with a bias.
    """

    weights: str = "gpt2"
    output: str = "tied"
    block_size: int = 64
    training: str = "plain"
    seeds: int = 1

    def __post_init__(self):
        require_choice("weights", self.weights, WEIGHTS)
        require_choice("output", self.output, OUTPUTS)
        require_choice("training", self.training, TRAININGS)
        if TOKENS % self.block_size:
            raise ValueError(
                f"block_size={self.block_size}: a step of {TOKENS} characters cannot "
                "be divided into such windows"
            )


# The first is 05's rung and "04" is 04's; between them one thing changes at a time.
VARIANTS = {
    "05": Variant(seeds=3),
    "05, wider weights": Variant("gpt2 wider", seeds=3),
    "05, untied": Variant(output="own"),
    "05, 04's weights, untied": Variant("pytorch", "own"),
    "05, shaped training": Variant(training="shaped"),
    "05, wider weights, shaped training": Variant("gpt2 wider", training="shaped"),
    "04, windows of 64": Variant("pytorch", "own", training="shaped"),
    "04": Variant("pytorch", "own", 32, "shaped"),
    "05, windows of 32": Variant(block_size=32),
    "05, wider tables": Variant("gpt2 wider tables"),
    "05, output bias": Variant(output="tied and bias"),
}


@dataclass(frozen=True)
class Result:
    """One run. val: nats per character on the whole split, in windows of block_size;
    val_32: in windows of 32. train: on a fixed part of train, dropout off."""

    name: str
    weights: str
    output: str
    block_size: int
    training: str
    seed: int
    parameters: int
    train: float
    val: float
    val_32: float
    minutes: float
    threads: int
    torch: str


@dataclass(frozen=True)
class Check:
    """Losses on fixed parts of train and val in the course of a run, in nats."""

    name: str
    seed: int
    step: int
    train: float
    val: float


def build(variant: Variant, vocab_size: int) -> nn.Module:
    """The untrained model of a variant; its weights come from torch's random state."""
    if variant.output == "tied":
        model = GPT(GPTConfig(vocab_size, variant.block_size, LAYERS, HEADS, WIDTH))
    else:
        model = framed(variant, vocab_size)
    if not variant.weights.startswith("gpt2 wider"):
        return model
    tables = [m.weight for m in model.modules() if isinstance(m, nn.Embedding)]
    matrices = [p for p in model.parameters() if p.ndim == 2]
    with torch.no_grad():
        for weight in tables if variant.weights.endswith("tables") else matrices:
            weight *= WIDER
    return model


def framed(variant: Variant, vocab_size: int) -> LanguageModel:
    """04's blocks in their frame, with an output matrix that has a bias."""
    body = nn.Sequential(
        *[Block(WIDTH, HEADS) for _ in range(LAYERS)], nn.LayerNorm(WIDTH)
    )
    sizes = {"vocab_size": vocab_size, "block_size": variant.block_size}
    model = LanguageModel(body, **sizes, n_embd=WIDTH)
    if variant.weights != "pytorch":
        init_weights(model, LAYERS)
    if variant.output != "own":
        model.lm_head.weight = model.tokens.weight
    return model


def run(
    name: str, seed: int, data: TokenSplits, vocab_size: int, steps: int = STEPS
) -> tuple[Result, list[Check]]:
    """Train one variant; return what it reached, and its checks."""
    variant = VARIANTS[name]
    torch.manual_seed(seed)
    model = build(variant, vocab_size)
    config = TrainConfig(
        steps=steps,
        batch_size=TOKENS // variant.block_size,
        lr=3e-3,
        seed=seed,
        **TRAININGS[variant.training],
    )
    parts = {
        part: fixed_windows(getattr(data, part), variant.block_size, PROBE_TOKENS)
        for part in ("train", "val")
    }
    checks, training = [], train(model, data, config)
    for step in training:
        if step.step % EVERY == 0 or step.step == steps:
            losses = {k: window_loss(model, *part) for k, part in parts.items()}
            checks.append(Check(name, seed, step.step, **losses))
    result = Result(
        name=name,
        weights=variant.weights,
        output=variant.output,
        block_size=variant.block_size,
        training=variant.training,
        seed=seed,
        parameters=count_parameters(model),
        train=checks[-1].train,
        val=evaluate(model, data.val).loss,
        val_32=evaluate(model, data.val, window=32).loss,
        minutes=training.seconds / 60,
        threads=torch.get_num_threads(),
        torch=torch.__version__.split("+")[0],
    )
    return result, checks


def missing(results: Sequence[Result]) -> list[tuple[str, int]]:
    """The runs, as (name, seed), that are not among the results."""
    have = {(result.name, result.seed) for result in results}
    wanted = [(n, s) for n, v in VARIANTS.items() for s in range(v.seeds)]
    return [one for one in wanted if one not in have]


def main(folder: Path | None = None, runs: int = 1000) -> None:
    """Do the missing runs and record them.

    Args:
        folder: Where the two tables are; by default notebooks/records.
        runs: How many runs at most.
    """
    folder = table("starts").parent if folder is None else folder
    path, curves = folder / "starts.csv", folder / "starts_curves.csv"
    corpus = load_corpus("tinyshakespeare")
    tokenizer = CharTokenizer(corpus.text)
    data = corpus.encode(tokenizer)
    for name, seed in missing(load_rows(Result, path))[:runs]:
        result, checks = run(name, seed, data, tokenizer.vocab_size)
        print(result, flush=True)
        # Curves first: one without its row belongs to an interrupted run.
        fine = {"train": ".4f", "val": ".4f"}
        replace_rows(curves, checks, ["name", "seed", "step"], **fine)
        fine |= {"val_32": ".4f", "minutes": ".2f"}
        replace_rows(path, [result], ["name", "seed"], **fine)


if __name__ == "__main__":
    tyro.cli(main)
