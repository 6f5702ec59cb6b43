"""The processes of one training: how they connect, agree and end.

    torchrun --standalone --nproc-per-node 2 -m gptlib train models/mine

torchrun starts the processes and gives each its rank, from 0 to world_size - 1. In a
single process nothing here does anything. Read next: `training.py`.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO

import torch
import torch.distributed as dist


def world_size() -> int:
    """Return how many processes train together; 1 for a single one."""
    return dist.get_world_size() if _connected() else 1


def rank() -> int:
    """Return the number of this process, from 0 to world_size() - 1."""
    return dist.get_rank() if _connected() else 0


def is_main_process() -> bool:
    """Return whether this is the process that prints and writes files."""
    return rank() == 0


def anywhere(*flags: bool) -> list[bool]:
    """Return for each flag whether it is set in any process.

    All processes must take the same decisions, or one waits forever for another.
    """
    if world_size() == 1:
        return list(flags)
    device = "cuda" if dist.get_backend() == "nccl" else "cpu"
    counts = torch.tensor(flags, dtype=torch.float32, device=device)
    dist.all_reduce(counts)
    return [count > 0 for count in counts.tolist()]


@contextmanager
def process_group() -> Iterator[None]:
    """Connect the processes that torchrun started, for the length of the block.

    Each process gets a GPU of its own where there are GPUs, and only the main process
    prints. Does nothing in a single process. Raises ValueError for more processes
    than GPUs.
    """
    if _single() or _connected():
        yield
        return
    local_rank, gpus = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
    if gpus and local_rank >= gpus:
        raise ValueError(
            f"process {local_rank + 1} of this machine has no GPU, there are {gpus}: "
            f"pass --nproc-per-node {gpus}, or set CUDA_VISIBLE_DEVICES= to train on "
            "the CPU"
        )
    if gpus:
        torch.cuda.set_device(local_rank)
    dist.init_process_group("nccl" if gpus else "gloo")
    try:
        if is_main_process():
            yield
        else:
            with redirect_stdout(StringIO()):
                yield
    finally:
        dist.destroy_process_group()


def leave() -> None:
    """End a process that torchrun started, at once: the last line of its program.

    gloo's threads may still hold the last message. If they release it while Python
    shuts down, the process aborts (pytorch/pytorch#179291). Does nothing in a single
    process.
    """
    if _single():
        return
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _single() -> bool:
    return int(os.environ.get("WORLD_SIZE", "1")) == 1


def _connected() -> bool:
    return dist.is_available() and dist.is_initialized()
