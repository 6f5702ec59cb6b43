"""What one GPU makes of gptlib, measured in a few minutes and written as JSON.

    python -m gptlib.scale.gpu_check gpu.json

Needs torch, numpy, safetensors, jaxtyping, tqdm, filelock and this folder with its
data; fetches nothing. A part that fails is recorded with its error, and the others
run. With --tiny every part runs in seconds on a CPU. Read next: nothing; this is the
end of the library.
"""

import argparse
import gc
import json
import os
import statistics
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from itertools import islice, pairwise
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn

from gptlib.cache import KVCache, run
from gptlib.data import TokenSplits, load_corpus
from gptlib.generation import generate
from gptlib.model import GPT, GPTConfig
from gptlib.modern import ModernConfig, ModernGPT
from gptlib.scale.flops import step_flops
from gptlib.scale.training import DDPTraining, ShardedTraining
from gptlib.settings import TrainConfig, pick_device
from gptlib.tokenizer import CharTokenizer
from gptlib.training import Training, train

SMALL = GPTConfig(n_layer=4, n_head=4, n_embd=128, block_size=64)
MIDDLE = GPTConfig(n_layer=6, n_head=6, n_embd=384, block_size=256, dropout=0.2)
GPT2 = GPTConfig(vocab_size=50257, n_layer=12, n_head=12, n_embd=768, block_size=1024)
TINY = GPTConfig(n_layer=1, n_head=2, n_embd=8, block_size=16)
# nanoGPT's recipe for one GPU; it reports its best loss, 1.4697.
RECIPE = TrainConfig(
    steps=5000,
    batch_size=64,
    lr=1e-3,
    warmup=0.02,
    beta2=0.99,
    weight_decay=0.1,
    eval_every=250,
    precision="bfloat16",
    compile=True,
)
TARGET = 1.4697


@dataclass(frozen=True)
class Plan:
    """What is measured: sizes with their batches, and how long."""

    sizes: tuple[tuple[GPTConfig, int], ...]
    recipe_shape: GPTConfig
    recipe: TrainConfig
    matrix: int  # of the product that measures the peak
    steps: int  # of each comparison
    together: int  # texts that are generated at once
    seconds: float  # a part that would begin later is left out


FULL = Plan(
    ((SMALL, 256), (MIDDLE, 64), (GPT2, 16)), MIDDLE, RECIPE, 8192, 200, 64, 480
)
SHORT = replace(
    RECIPE, steps=4, batch_size=4, eval_every=2, eval_tokens=64, compile=False
)
QUICK = Plan(((TINY, 4),), TINY, SHORT, 64, 3, 3, 480)


def main(arguments: list[str] | None = None) -> None:
    """Run all parts and write what they found after each."""
    parser = argparse.ArgumentParser(prog="python -m gptlib.scale.gpu_check")
    parser.add_argument("output", type=Path)
    parser.add_argument("--tiny", action="store_true", help="every part in seconds")
    options = parser.parse_args(arguments)
    plan, device = QUICK if options.tiny else FULL, pick_device()
    found: dict[str, object] = {"machine": machine(device)}
    started = time.perf_counter()
    for part in (precisions, speeds, generation, strategies, memory, recipes):
        if time.perf_counter() - started > plan.seconds:
            found[part.__name__] = "left out: no time"
            continue
        found[part.__name__] = attempt(part, plan, device)
        options.output.write_text(json.dumps(found, indent=1) + "\n")
        print(f"{time.perf_counter() - started:5.0f} s  {part.__name__}", flush=True)


def attempt(part: Callable, plan: Plan, device: torch.device) -> object:
    """What a part returns, or its error in words."""
    try:
        return part(plan, device)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def machine(device: torch.device) -> dict[str, str]:
    """The device and the versions that the numbers belong to."""
    name = torch.cuda.get_device_name() if device.type == "cuda" else device.type
    return {"device": name, "torch": torch.__version__, "cuda": str(torch.version.cuda)}


def precisions(plan: Plan, device: torch.device) -> dict:
    """One training in three precisions: the losses, every tenth of it."""
    shape, batch = plan.sizes[0]
    kinds = {
        "float32": {},
        "bfloat16": {"precision": "bfloat16"},
        "bfloat16, compiled": {
            "precision": "bfloat16",
            "compile": device.type != "cpu",
        },
    }
    curves = {}
    for name, changes in kinds.items():
        config = TrainConfig(steps=plan.steps, batch_size=batch, lr=2e-3, **changes)
        steps = list(begin(shape, config, device))
        curves[name] = [step.loss for step in steps[:: max(1, plan.steps // 10)]]
    exact = curves["float32"]
    apart = {
        name: max(abs(a - b) for a, b in zip(curve, exact, strict=True))
        for name, curve in curves.items()
    }
    return {"losses": curves, "largest difference from float32": apart}


def speeds(plan: Plan, device: torch.device) -> dict:
    """Tokens per second and the share of the measured peak, for each size."""
    peak, rows = peak_flops(plan.matrix, device), {}
    for shape, batch in plan.sizes:
        for compiled in (False, True) if device.type != "cpu" else (False,):
            config = replace(SHORT, steps=10**6, batch_size=batch, eval_every=0)
            training = begin(shape, replace(config, compile=compiled), device)
            list(islice(training, 3))
            seconds = step_seconds(training, min(20, plan.steps))
            tokens = batch * shape.block_size
            name = size(shape) + (", compiled" if compiled else "")
            share = step_flops(training.model, tokens) / seconds / peak
            rows[name] = {"tokens/s": tokens / seconds, "of the peak": share}
    return {"peak TFLOP/s, bfloat16": peak / 1e12, "training": rows}


def generation(plan: Plan, device: torch.device) -> dict:
    """Tokens per second: one text and many, eager, and as one CUDA graph per length."""
    rows = {}
    for shape, _ in plan.sizes:
        torch.manual_seed(0)
        model = GPT(shape).to(device).eval()
        count = min(128, shape.block_size - 1)
        for texts in (1, plan.together):
            # Both take the likeliest token.
            ways = {"eager": partial(generate, temperature=0)}
            if device.type == "cuda":
                ways["CUDA graphs"] = replayed
            begin_with = torch.zeros(texts, 1, dtype=torch.long, device=device)
            for name, way in ways.items():
                way(model, begin_with, count)  # to warm up
                seconds = timed(partial(way, model, begin_with, count), device)
                key = f"{size(shape)}, {texts} at once, {name}"
                rows[key] = texts * count / seconds
    return rows


@torch.inference_mode()
def replayed(model: GPT, idx: torch.Tensor, count: int) -> torch.Tensor:
    """Greedy text by graphs that were captured once, one for each length."""
    if not hasattr(model, "_graphs") or model._graphs[0] != idx.shape:
        model._graphs = (idx.shape, *capture(model, len(idx), count))
    _, token, graphs, outputs = model._graphs
    token.copy_(idx)
    for graph, logits in zip(graphs, outputs, strict=True):
        graph.replay()
        token.copy_(logits[:, -1:].argmax(dim=-1))
    return token


def capture(model: GPT, texts: int, count: int):
    """The token's memory, and for each length a graph and where its logits are."""
    token = torch.zeros(texts, 1, dtype=torch.long, device=model.wte.weight.device)
    cache, graphs, outputs = KVCache(model, texts), [], []
    run(model, token, cache)
    cache.trim([0] * texts)
    for _ in range(count):
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            outputs.append(run(model, token, cache))
        graphs.append(graph)
    return token, graphs, outputs


def strategies(plan: Plan, device: torch.device) -> dict:
    """A few steps alone, with DistributedDataParallel and sharded: seconds, losses."""
    shape, batch = plan.sizes[-1]
    config = TrainConfig(steps=plan.steps if device.type == "cpu" else 20)
    config = replace(config, batch_size=batch, lr=1e-3)
    rows = {}
    with one_process(device):
        for kind in (Training, DDPTraining, ShardedTraining):
            training = begin(shape, config, device, kind)
            losses = [step.loss for step in training]
            rows[kind.__name__] = {"seconds": training.seconds, "losses": losses}
    return rows


def memory(plan: Plan, device: torch.device) -> dict:
    """Bytes of a step, and what 20 N + 4 B T (16 L C + V) says of them."""
    rows, on_gpu = {}, device.type == "cuda"
    for shape, batch in plan.sizes:
        config = TrainConfig(steps=2, batch_size=batch)
        gc.collect()  # what parts before have left in cycles
        before = torch.cuda.memory_allocated() if on_gpu else 0
        if on_gpu:
            torch.cuda.reset_peak_memory_stats()
        list(begin(replace(shape, dropout=0.0), config, device))
        kept = 16 * shape.n_layer * shape.n_embd + shape.vocab_size
        predicted = 20 * shape.n_params + 4 * batch * shape.block_size * kept
        measured = torch.cuda.max_memory_allocated() - before if on_gpu else None
        rows[size(shape)] = {"measured": measured, "predicted": predicted}
    return rows


def recipes(plan: Plan, device: torch.device) -> dict:
    """nanoGPT's recipe and ours at its size: whole val, and when it passed 1.4697."""
    shape = asdict(plan.recipe_shape) | {"dropout": 0.3}
    ours = ModernConfig(**shape, value_residual=True, convolution=True)
    steps = max(2, plan.recipe.steps // 4)
    muon = replace(plan.recipe, steps=steps, lr=5e-3, optimizer="muon")
    return {
        "nanoGPT's": curve(GPT(plan.recipe_shape).to(device), plan.recipe),
        "ours": curve(ModernGPT(ours).to(device), muon),
    }


def curve(model: nn.Module, config: TrainConfig) -> dict:
    """Val by step and seconds, and the seconds to TARGET, None if it never passed."""
    torch.manual_seed(0)
    measured = [s for s in train(model, shakespeare(), config) if s.val is not None]
    passed = [s.seconds for s in measured if s.val <= TARGET]
    rows = [(s.step, s.seconds, s.val) for s in measured]
    return {"(step, seconds, val)": rows, "seconds to 1.4697": next(iter(passed), None)}


def begin(
    shape: GPTConfig, config: TrainConfig, device: torch.device, kind: type = Training
) -> Training:
    """A training of a fresh GPT on text, or on noise for another vocabulary."""
    torch.manual_seed(0)
    data = shakespeare()
    if shape.vocab_size != data.tokenizer.vocab_size:
        noise = torch.randint(shape.vocab_size, (100_000,))
        data = TokenSplits(noise, noise, noise)
    return kind(GPT(shape).to(device), data, config)


def size(shape: GPTConfig) -> str:
    """Its parameters in millions."""
    return f"{shape.n_params / 1e6:.2f} M"


@cache
def shakespeare() -> TokenSplits:
    """Tiny Shakespeare in characters."""
    corpus = load_corpus("tinyshakespeare")
    return corpus.encode(CharTokenizer(corpus.text))


def peak_flops(n: int, device: torch.device) -> float:
    """Multiplications and additions per second in a product of bfloat16 matrices."""
    a, b = torch.randn(2, n, n, device=device, dtype=torch.bfloat16)
    return 2 * n**3 / min(timed(lambda: a @ b, device) for _ in range(10))


def step_seconds(training: Training, steps: int) -> float:
    """The median seconds of a step."""
    seconds = [training.seconds]
    seconds += [training.seconds for _ in islice(training, steps)]
    return statistics.median(after - before for before, after in pairwise(seconds))


def timed(action: Callable[[], object], device: torch.device) -> float:
    """The seconds of an action, until the device has done it."""
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    wait()
    started = time.perf_counter()
    action()
    wait()
    return time.perf_counter() - started


@contextmanager
def one_process(device: torch.device):
    """A group of one process, through nccl on a GPU and gloo elsewhere."""
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "0"}
    backend = "nccl" if device.type == "cuda" else "gloo"
    dist.init_process_group(backend, rank=0, world_size=1, store=dist.HashStore())
    try:
        yield
    finally:
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
