"""How fast a model learns: a step of training, and the way to a known loss."""

import statistics
from collections.abc import Callable
from dataclasses import asdict, replace
from itertools import islice

import torch
from torch import nn
from tqdm import tqdm

from gptlib.commands.bench import Figure, Plan
from gptlib.commands.bench.clock import median_seconds, say
from gptlib.composed import CountsConfig, WithTables
from gptlib.evaluation import evaluate
from gptlib.handler.build import build_model
from gptlib.model import GPT
from gptlib.modern import ModernConfig, ModernGPT
from gptlib.scale.flops import step_flops
from gptlib.scale.gpu_check import shakespeare
from gptlib.training import TrainConfig, Training, train

GROUP = "one step of training"
LONG_GROUP = "training, whole validation split"
TARGET = 1.8857  # what nanoGPT's recipe for laptops reaches, by its own estimate
# That recipe: 2000 steps of 12 windows of 64.
LAPTOP = TrainConfig(
    steps=2000, batch_size=12, lr=1e-3, warmup=0.05, beta2=0.99, weight_decay=0.1
)

# A modern GPT that learns beside n-gram counts (14_modern, D5).
MODERN = TrainConfig(
    steps=600,
    batch_size=8,
    lr=5e-3,
    schedule="linear",
    optimizer="muon",
    sampling="epochs",
)
# The sprint of 14_modern, and one without tables (rates and steps chosen on dev).
SPRINT = replace(MODERN, steps=80, batch_size=32, lr=1e-2)
ALONE = replace(SPRINT, steps=150, lr=2e-2, muon_lr=0.025)


def one_layer(plan: Plan) -> ModernConfig:
    """One modern layer of the plain model's width."""
    small = plan.small
    return ModernConfig(
        small.vocab_size, small.block_size, 1, small.n_head, small.n_embd
    )


def looking_up(plan: Plan) -> nn.Module:
    """One narrow layer over learned n-gram tables."""
    one = one_layer(plan)
    return WithTables(ModernGPT(replace(one, n_embd=one.n_embd // 2)))


def convolving(plan: Plan) -> nn.Module:
    """One layer with short convolutions and nothing to look up."""
    return ModernGPT(replace(one_layer(plan), convolution=True))


def counting(plan: Plan) -> nn.Module:
    """The plain model's layers, modern ones, with a longer context and counts."""
    shape = ModernConfig(**asdict(plan.small))
    shape = replace(shape, block_size=4 * shape.block_size, dropout=0.1)
    return build_model(CountsConfig(shape), shakespeare().train)


Case = tuple[Callable[[Plan], nn.Module], TrainConfig]
# What is compared; each measurement makes its own models.
CASES: dict[str, Case] = {
    "plain GPT": (lambda plan: GPT(plan.small), LAPTOP),
    "one layer + n-gram tables": (looking_up, SPRINT),
    "one layer + convolutions": (convolving, ALONE),
    "modern GPT + counts": (counting, MODERN),
}


def figures(plan: Plan) -> list[Figure]:
    """A step of each training, in turns, and its fraction of the machine's peak."""
    n = plan.matrix
    say("the machine's peak")
    a, b = torch.randn(n, n), torch.randn(n, n)
    peak = 2 * n**3 / median_seconds(lambda: a @ b, 3 * plan.rounds)
    rows = [Figure(GROUP, f"peak: {n} x {n} matrix product", peak / 1e9, "GFLOP/s")]
    say(f"a step of training: {', '.join(CASES)}")
    trainings = {}
    for name, (build, config) in CASES.items():
        torch.manual_seed(0)
        config = replace(config, steps=10**6, eval_every=0)
        trainings[name] = train(build(plan), shakespeare(), config)
    for name, seconds in step_seconds(trainings, plan).items():
        model = trainings[name].model
        tokens = trainings[name].config.batch_size * model.block_size
        fraction = step_flops(model, tokens) / seconds / peak
        step = f"{name}: a step of {tokens} tokens"
        rows += [
            Figure(GROUP, step, seconds * 1e3, "ms", plan.rounds),
            Figure(GROUP, f"{name}: of the peak", fraction * 100, "%", plan.rounds),
        ]
    return rows


def step_seconds(trainings: dict[str, Training], plan: Plan) -> dict[str, float]:
    """The median seconds of a step of each training; they run in turns."""
    times: dict[str, list[float]] = {name: [] for name in trainings}
    for turn in range(plan.rounds + 1):
        for name, training in trainings.items():
            before = training.seconds
            for _ in islice(training, plan.steps):
                pass
            if turn > 0:  # the first warms up
                times[name].append((training.seconds - before) / plan.steps)
    return {name: statistics.median(runs) for name, runs in times.items()}


def long_figures(plan: Plan) -> list[Figure]:
    """Each training run to its end: when it passed the target, and where it ended."""
    data, rows = shakespeare(), []
    for name, (build, config) in CASES.items():
        say(f"{name}: {config.steps:,} steps of training")
        torch.manual_seed(config.seed)
        often = replace(config, eval_every=config.steps // 40 or 1)
        training = train(build(plan), data, often)
        steps = tqdm(training, unit="step", leave=False)
        passed = [s for s in steps if s.val is not None and s.val <= TARGET]
        if passed:
            about = f"{name}: to {TARGET} ({passed[0].step:,} steps)"
            rows.append(Figure(LONG_GROUP, about, passed[0].seconds, "s"))
        loss = evaluate(training.model, data.val).loss
        about = f"{name}: after {training.seconds:.0f} s ({config.steps:,} steps)"
        rows.append(Figure(LONG_GROUP, about, loss, "nats"))
    return rows
