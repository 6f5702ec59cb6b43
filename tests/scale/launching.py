"""Starting torchrun, and the training that its processes and a single one compare."""

import os
import subprocess
import sys
from contextlib import contextmanager

import torch
from conftest import small_config

from gptlib import GPT, CharTokenizer, Corpus, ModelHandler, TrainConfig, train

TEXT = "".join(f"{i} plus {i + 1} is {2 * i + 1}.\n" for i in range(400))
TOK = CharTokenizer(TEXT)
DATA = Corpus.from_text(TEXT, "sums").encode(TOK)
CONFIG = {"steps": 12, "batch_size": 4, "lr": 3e-3, "eval_every": 5}


def launch(*command, processes=2):
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    start += ["--nproc-per-node", str(processes), *map(str, command)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    pipe = subprocess.PIPE
    return subprocess.Popen(start, stdout=pipe, stderr=pipe, text=True, env=environment)


def torchrun(*command, processes=2):
    process = launch(*command, processes=processes)
    try:
        printed, errors = process.communicate(timeout=240)
    finally:
        process.kill()
    assert process.returncode == 0, errors[-9000:]
    return printed


@contextmanager
def float64():
    """New models in 64 bits: what differs is then no rounding."""
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


def saved(folder, **changes):
    """A handler of a folder with the same untrained model every time."""
    torch.manual_seed(0)
    return ModelHandler(folder).save(GPT(small_config(TOK, **changes)), TOK)


def single(dropout=0.0, data=DATA, **changes):
    """Losses and vals of the same training in this process."""
    torch.manual_seed(0)
    model = GPT(small_config(TOK, dropout=dropout))
    steps = list(train(model, data, TrainConfig(**CONFIG | changes)))
    return [s.loss for s in steps], [s.val for s in steps]
