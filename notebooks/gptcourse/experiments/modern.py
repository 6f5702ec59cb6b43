"""GPT-2 against a modern GPT, each at its own best setting, at equal time: for 14.

    python -m gptcourse.experiments.modern

The clock is the processor time of one thread. The steps of all recipes are measured in
turns, and each gets those that fit into SECONDS. Each of RECIPES is tried on dev at
several settings, TRIED, with one seed. The best of both families, CHOSEN, are trained
with three seeds and evaluated on val; so is the modern one with each of CHANGES, for as
many steps. Last comes the two-minute run, on dev, over characters and over
subword tokens, and its weight beside n-gram counts. Rows that are in
notebooks/records/modern.csv are not made again. An hour on one core.
Read next: notebook 14.
"""

import math
import statistics
import time
from contextlib import nullcontext
from dataclasses import astuple, dataclass
from typing import NamedTuple
from unittest.mock import patch

import torch
import torch.nn.functional as F
import tyro

from gptcourse.records import load_rows, replace_rows, table
from gptlib.bpe import BPETokenizer
from gptlib.composed import Mixture
from gptlib.data import Corpus, TokenSplits, load_corpus
from gptlib.evaluation import evaluate
from gptlib.handler.build import build_config, build_model
from gptlib.modern import ADDED
from gptlib.ngram import CountedNGrams
from gptlib.settings import TrainConfig
from gptlib.tokenizer import CharTokenizer
from gptlib.training import train

SECONDS, SEEDS, CHANGE_SEEDS = 30, (0, 1, 2), (0, 1)
REFERENCE, REFERENCE_MS = ("gpt", 12, 64), 53.43  # on one core of a shared machine
ROUNDS, STEPS = 8, 4  # of timing: each recipe gets so many steps in each round
COSTS, RUNS = table("modern_steps"), table("modern")
KEY = ("stage", "recipe", "batch", "context", "lr", "seed")


@dataclass(frozen=True)
class Setting:
    """Windows per step, their length, AdamW's rate (Muon's is four times as high)."""

    batch: int
    context: int
    lr: float


@dataclass(frozen=True)
class Cost:
    """A recipe's step, in milliseconds of processor time, at one batch and context.

    Costs of a stage were measured together, in turns.
    """

    stage: str
    recipe: str
    batch: int
    context: int
    ms: float


@dataclass(frozen=True)
class Run:
    """One training; loss: on all of dev (stages "dev", "long") or val, nats/character.

    ms: processor time per step in this run; minutes: of all its steps.
    """

    stage: str
    recipe: str
    batch: int
    context: int
    lr: float
    seed: int
    steps: int
    loss: float
    ms: float
    minutes: float
    parameters: int
    device: str
    threads: int
    torch: str


PLAIN = {"class": "GPT", "n_layer": 3, "n_head": 4, "n_embd": 128}
MODERN = PLAIN | {"class": "ModernGPT"}
# name -> settings of the model, settings of the training
RECIPES = {
    "gpt": (PLAIN, {"optimizer": "adamw"}),
    "modern": (MODERN, {}),
    "adamw": (MODERN, {"optimizer": "adamw"}),
}
# What is changed in the modern model, one thing at a time, or in its training.
CHANGES = {
    "learned positions instead of rotary": {"without": ["rotary"]},
    "q and k not normalised": {"without": ["qk_norm"]},
    "biases": {"without": ["no_biases"]},
    "nothing begins at zero": {"without": ["zero_init"]},
    "rate stays high": {},
    "GELU instead of ReLU²": {"without": ["relu2"]},
    "LayerNorm instead of RMSNorm": {"without": ["rmsnorm"]},
    "+ a gate per head": {"head_gate": True},
    "+ value residuals": {"value_residual": True},
    "+ short convolutions": {"convolution": True},
    "+ learned n-gram tables": {"ngrams": [2, 3, 4, 5]},
    "+ counted n-grams": {"count": 6},
}
RECIPES |= {name: (MODERN | change, {}) for name, change in CHANGES.items()}
RECIPES["rate stays high"][1]["schedule"] = "constant"
# name -> key and value heads, and how many positions a query sees
LEAN = {
    "2 key heads": (2, 64),
    "1 key head": (1, 64),
    "window of 16": (4, 16),
}
RECIPES |= dict.fromkeys(LEAN, RECIPES["modern"])
# recipe -> rate -> (batch, context)
TRIED = {
    "gpt": {
        0.003: [(12, 64), (24, 64), (12, 32), (6, 128), (6, 64), (6, 32)],
        0.006: [(12, 32)],
        0.01: [(12, 32)],
    },
    "modern": {
        0.005: [(12, 64), (6, 64), (12, 32), (6, 128), (24, 32)],
        0.01: [(12, 64)],
    },
    "adamw": {0.003: [(12, 64), (12, 32)], 0.006: [(12, 32), (12, 64)]},
}
CHOSEN = {
    "gpt": Setting(12, 32, 0.006),
    "modern": Setting(12, 64, 0.005),
}


class Long(NamedTuple):
    """A two-minute run of the notebook; dev chooses its weight, out of WEIGHTS."""

    tokens: int  # subword tokens that there are; 0 for characters
    steps: int
    order: int  # of the n-grams that are counted beside it


LONG = MODERN | {"n_layer": 4} | dict.fromkeys(ADDED, True)
LONG_RATES = {"muon_lr": 0.015, "warmup": 0.025}
LONG_SETTING = Setting(8, 128, 0.008)
LONG_RUNS = {
    "two minutes": Long(0, 1300, 6),
    "two minutes, 384 tokens": Long(384, 960, 5),
}
WEIGHTS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8)


def lean_attention(groups: int, window: int):
    """Causal attention of few key and value heads, each to the last window positions.

    Of each group of heads the first one's keys and values serve all queries. Takes
    what PyTorch's function takes, so that it can stand in its place.
    """
    attend = F.scaled_dot_product_attention

    def attention(q, k, v, is_causal):
        share = q.size(1) // groups
        k, v = (x[:, ::share].repeat_interleave(share, dim=1) for x in (k, v))
        at = torch.arange(q.size(2))
        back = at[:, None] - at  # (T, T)
        return attend(q, k, v, attn_mask=(back >= 0) & (back < window))

    return attention


def training_of(recipe: str, setting: Setting, seed: int, steps: int, data):
    """The training of a recipe, ready to be iterated."""
    torch.manual_seed(seed)
    rates = {"lr": setting.lr, "muon_lr": 4 * setting.lr}
    fixed = {"optimizer": "muon", "schedule": "linear", "sampling": "epochs"}
    long = recipe in LONG_RUNS
    shape, own = (LONG, LONG_RATES) if long else RECIPES[recipe]
    sizes = {"vocab_size": data.tokenizer.vocab_size, "block_size": setting.context}
    model = build_model(build_config(shape | sizes), data.train)
    config = rates | fixed | own | {"batch_size": setting.batch, "seed": seed}
    return train(model, data, TrainConfig(steps=steps, **config))


def measure_steps(stage: str, pairs: list[tuple], data: TokenSplits) -> list[Cost]:
    """What a step costs of each (recipe, batch, context); steps are made in turns.

    All are scaled so that REFERENCE has its cost: what else runs on a machine, and the
    machine itself, cancel.
    """
    pairs = [REFERENCE, *pairs]
    running = [training_of(n, Setting(b, c, 1e-3), 0, 10**6, data) for n, b, c in pairs]
    times = [[] for _ in running]
    for _ in range(ROUNDS + 1):
        for training, spent in zip(running, times, strict=True):
            began = time.process_time()
            for _ in range(STEPS):
                training.advance()
            spent.append(time.process_time() - began)
    # The first round warms up.
    first, *others = (statistics.median(spent[1:]) for spent in times)
    scale = REFERENCE_MS / first
    return [
        Cost(stage, *pair, scale * spent)
        for pair, spent in zip(pairs[1:], others, strict=True)
    ]


def stage_costs(stage: str, data: TokenSplits) -> dict:
    """Milliseconds by recipe, batch and context; measures those that are missing."""
    known = [cost for cost in load_rows(Cost, COSTS) if cost.stage == stage]
    costs = {(c.recipe, c.batch, c.context): c.ms for c in known}
    own = [
        (name, s.batch, s.context)
        for kind, name, s, _ in wanted_runs()
        if kind == stage
    ]
    missing = [pair for pair in dict.fromkeys(own) if pair not in costs]
    if not missing:
        return costs
    rows = measure_steps(stage, missing, data)
    replace_rows(COSTS, rows, ("stage", "recipe", "batch", "context"), ms=".2f")
    return costs | {(c.recipe, c.batch, c.context): c.ms for c in rows}


def steps_of(stage: str, recipe: str, setting: Setting, data: TokenSplits) -> int:
    """How many steps a run gets: those that fit into SECONDS.

    A changed model gets those of the unchanged one, a two-minute run its own.
    """
    if stage == "long":
        return LONG_RUNS[recipe].steps
    changed = recipe in CHANGES or recipe in LEAN
    costs, shape = stage_costs("val" if changed else stage, data), astuple(setting)[:2]
    return round(1000 * SECONDS / costs["modern" if changed else recipe, *shape])


def run(stage: str, recipe: str, setting: Setting, seed: int, steps: int, data) -> Run:
    """Train once and evaluate on `data.val`, which may be dev."""
    training, attention = training_of(recipe, setting, seed, steps, data), nullcontext()
    model = training.model
    if recipe in LEAN:
        name = "gptlib.modern.F.scaled_dot_product_attention"
        attention = patch(name, lean_attention(*LEAN[recipe]))
    began = time.process_time()
    with attention:
        list(training)
        spent = time.process_time() - began
        loss = nats(model, data)
    if stage == "long":
        weigh(model, data, LONG_RUNS[recipe].order)
    return Run(
        stage,
        recipe,
        setting.batch,
        setting.context,
        setting.lr,
        seed,
        steps,
        loss,
        1000 * spent / steps,
        spent / 60,
        sum(p.numel() for p in model.parameters()),
        "cpu",
        torch.get_num_threads(),
        torch.__version__.split("+")[0],
    )


def nats(model: torch.nn.Module, data: TokenSplits) -> float:
    """The loss on `data.val`, in nats per character."""
    return evaluate(model, data.val, tokenizer=data.tokenizer).nats_per_char


def weigh(model: torch.nn.Module, data: TokenSplits, order: int) -> None:
    """Print the loss on `data.val` beside n-gram counts, by the model's weight."""
    counts = CountedNGrams.fit(data.train, model.config.vocab_size, order)
    for weight in WEIGHTS:
        loss = nats(Mixture(model, counts, weight), data)
        print(f"weight {weight}: {loss:.4f}", flush=True)


def encoded(stage: str, recipe: str, corpus: Corpus) -> TokenSplits:
    """The splits of a run; dev stands in for val while settings are chosen.

    Merges of tokens are found in what is trained on: those of the text with dev in it
    fit dev better than any other text.
    """
    count = LONG_RUNS[recipe].tokens if stage == "long" else 0
    tokenizer = CharTokenizer(corpus.text)
    if count:
        tokenizer = BPETokenizer.train(corpus.text[: corpus.dev_start], count)
    data = corpus.encode(tokenizer)
    return data.for_tuning() if stage in ("dev", "long") else data


def wanted_runs() -> list[tuple]:
    """(stage, recipe, setting, seed) of all runs, in their order."""
    runs = [
        ("dev", name, Setting(batch, context, lr), 0)
        for name, rates in TRIED.items()
        for lr, shapes in rates.items()
        for batch, context in shapes
    ]
    runs += [("val", name, CHOSEN[name], s) for s in SEEDS for name in CHOSEN]
    kinds = dict.fromkeys(CHANGES, "change") | dict.fromkeys(LEAN, "lean")
    runs += [
        (k, n, CHOSEN["modern"], s) for s in CHANGE_SEEDS for n, k in kinds.items()
    ]
    return runs + [("long", name, LONG_SETTING, 0) for name in LONG_RUNS]


def main(seconds: float = math.inf) -> None:
    """Do the runs that the table lacks; after so many seconds begin no other."""
    began = time.monotonic()
    torch.set_num_threads(1)
    corpus = load_corpus("tinyshakespeare")
    data = corpus.encode(CharTokenizer(corpus.text))
    have = {tuple(getattr(r, k) for k in KEY) for r in load_rows(Run, RUNS)}
    left = [r for r in wanted_runs() if (r[0], r[1], *astuple(r[2]), r[3]) not in have]
    for stage, name, setting, seed in left:
        if time.monotonic() - began > seconds:
            return
        steps = steps_of(stage, name, setting, data)
        row = run(stage, name, setting, seed, steps, encoded(stage, name, corpus))
        print(row, flush=True)
        replace_rows(RUNS, [row], KEY, loss=".4f", ms=".2f", minutes=".4f")
    print("nothing is left to do")


if __name__ == "__main__":
    tyro.cli(main)
