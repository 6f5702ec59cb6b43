"""What two processes train, written to FOLDER/RANK.json; torchrun runs this script.

All cases run in the same two processes: starting them takes longest.
"""

import json
import sys
from dataclasses import replace

import torch

from gptlib import (
    GPT,
    CharTokenizer,
    Corpus,
    DivergedError,
    GPTConfig,
    ModelHandler,
    ModernConfig,
    ModernGPT,
    TrainConfig,
    evaluate,
)
from gptlib.corpora.shards import Shards, TokenCorpus
from gptlib.data import Examples
from gptlib.scale import leave, open_handler, process_group, rank, train, world_size
from gptlib.scale.processes import anywhere

FOLDER = sys.argv[1]
STRATEGIES = ("ddp", "sharded")
text = "".join(f"{i} plus {i + 1} is {2 * i + 1}.\n" for i in range(400))
tok = CharTokenizer(text)
data = Corpus.from_text(text, "sums").encode(tok)
config = TrainConfig(steps=12, batch_size=4, lr=3e-3, eval_every=5)
shape = GPTConfig(tok.vocab_size, 16, 2, 2, 16)
dropped = replace(shape, dropout=0.5)
modern = ModernConfig(tok.vocab_size, 16, 2, 2, 16)


def run(
    strategy="ddp", shape=shape, seed=0, build=GPT, data=data, config=config, **changes
):
    """Losses, vals and the sum of all weights at the end."""
    torch.manual_seed(seed)
    model = build(shape)
    steps = list(train(model, data, replace(config, **changes), strategy))
    total = sum(p.detach().double().sum().item() for p in model.parameters())
    return [s.loss for s in steps], [s.val for s in steps], total


def trainings() -> dict:
    """Cases that a single process trains as well."""
    found = {"other weights": run(seed=rank())}
    found["muon"] = run(sampling="epochs", optimizer="muon")
    found["modern"] = run(shape=modern, build=ModernGPT)
    found["dropout"] = run(shape=dropped)
    for strategy in STRATEGIES:
        found[strategy] = run(strategy)
        found[f"{strategy}, four parts"] = run(
            strategy, dropped, accumulate=4, sampling="epochs"
        )
    return found


def reading() -> dict:
    """Training on shards, and the first position of every window that is read."""
    tokens = TokenCorpus(f"{FOLDER}/tokens").encode(tok)
    read, look_up = [], Shards.__getitem__

    def noting(shards, positions):
        if torch.is_tensor(positions):
            read.append(positions[:, 0].tolist())
        return look_up(shards, positions)

    Shards.__getitem__ = noting
    found = {"shards": run(data=tokens, sampling="epochs")}
    found["read"] = read[::2]  # the inputs of each step; the others are its targets
    found["shards, four parts"] = run(data=tokens, accumulate=4)
    return found


def folders() -> dict:
    """Trainings that are begun here and finished by one process, and vice versa."""
    for strategy in STRATEGIES:
        torch.manual_seed(0)
        handler = open_handler(f"{FOLDER}/{strategy}", strategy)
        handler.save(GPT(dropped), tok)
        parts = replace(config, accumulate=2)
        handler.train(6, data=data, config=parts, progress=False)
    resumed = {}
    for strategy in STRATEGIES:
        handler = open_handler(f"{FOLDER}/single-{strategy}", strategy).load()
        steps = handler.train(data=data, progress=False)
        resumed[strategy] = [step.loss for step in steps]
    return {"resumed": resumed}


def refusals() -> dict:
    """What every process refuses, as text."""
    examples = replace(data, train=Examples(data.train[None, :9], data.train[None, :9]))
    wrong = {
        "batch": {"batch_size": 3},
        "parts": {"batch_size": 6, "accumulate": 3},
        "examples": {"data": examples},
        "model": {"strategy": "sharded", "shape": modern, "build": ModernGPT},
        "muon": {"strategy": "sharded", "optimizer": "muon"},
        "strategy": {"strategy": "average"},
    }
    found = {}
    for name, changes in wrong.items():
        try:
            run(**changes)
        except ValueError as error:
            found[name] = str(error)
    return found


def state() -> list[float]:
    """val of a sharded training, and of the model after state_dict()."""
    torch.manual_seed(0)
    model = GPT(shape)
    training = train(model, data, replace(config, eval_every=1), "sharded")
    step = next(iter(training))
    training.state_dict()
    return [step.val, evaluate(model, data.val).loss]


def divergence(strategy: str) -> tuple[str, bool]:
    """The error of all when rank 1 has bad weights; are the last ones good?"""
    torch.manual_seed(0)
    model = GPT(shape)
    training = train(model, data, config, strategy)
    steps = iter(training)
    next(steps)
    if rank() == 1:
        with torch.no_grad():
            training.weights()[0].fill_(torch.nan)
    try:
        list(steps)
    except DivergedError as error:
        finite = all(p.isfinite().all().item() for p in model.parameters())
        return str(error), finite
    return "no error", False


def everything() -> dict:
    found = {"rank": rank(), "processes": world_size()}
    found |= trainings() | reading() | folders()
    found["refused"], found["state"] = refusals(), state()
    found["diverged"] = [divergence(strategy) for strategy in STRATEGIES]
    found["flags"] = anywhere(rank() == 1, False)
    plain = type(open_handler(FOLDER))
    found["handler"] = [plain.__name__, issubclass(plain, ModelHandler)]
    torch.set_default_dtype(torch.float32)
    found["16 bits"] = [run(s, precision="bfloat16")[0] for s in STRATEGIES]
    return found


if __name__ == "__main__":
    torch.set_default_dtype(torch.float64)
    with process_group():
        found = everything()
    with open(f"{FOLDER}/{found['rank']}.json", "w") as file:
        json.dump(found, file)
    leave()
