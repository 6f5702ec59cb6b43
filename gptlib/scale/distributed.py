"""Several processes, one training: each computes its share of every batch.

    torchrun --standalone --nproc-per-node 2 -m gptlib train models/mine

torchrun starts the processes and numbers them (their *rank*); here they meet. In a
process that runs alone nothing here does anything. Read next: `training.py`.
"""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO

import torch
import torch.distributed as dist
from torch import Tensor, nn


def world_size() -> int:
    """How many processes train together; 1 for one alone."""
    return dist.get_world_size() if _connected() else 1


def rank() -> int:
    """The number of this process, 0 for the first: the one that writes and prints."""
    return dist.get_rank() if _connected() else 0


def my_share(batch: Tensor) -> Tensor:
    """This process's rows of a batch (B, ...) that every process has drawn alike."""
    each = len(batch) // world_size()
    return batch[rank() * each : (rank() + 1) * each]


class MyRows:
    """Tokens that give, for a batch of places, this process's rows of it.

    It stands where windows are cut: all processes draw the same places, and each reads
    its own from the disk. Two never read the same row of a batch.
    """

    def __init__(self, tokens):
        self.tokens, self.device = tokens, tokens.device

    def __len__(self) -> int:
        return len(self.tokens)

    def __getitem__(self, places: Tensor) -> Tensor:
        return self.tokens[my_share(places)]


@torch.no_grad()
def average(loss: Tensor, parameters: Iterable[nn.Parameter]) -> Tensor:
    """Replace all gradients by their means over the processes; return the mean loss.

    Shares are of one size, so these are loss and gradients of the whole batch. What
    is not a number in one process is none in any of them afterwards.
    """
    loss = loss.detach()
    if world_size() == 1:
        return loss
    grads = [p.grad for p in parameters if p.grad is not None]
    # One message: a message costs more than what is in it.
    message = torch.cat([loss.flatten(), *(grad.flatten() for grad in grads)])
    dist.all_reduce(message)  # now the sum over all processes
    message /= world_size()
    loss, *means = message.split([1, *(grad.numel() for grad in grads)])
    for grad, mean in zip(grads, means, strict=True):
        grad.copy_(mean.view_as(grad))
    return loss[0]


@torch.no_grad()
def copy_from_first(tensors: Iterable[Tensor]) -> None:
    """Overwrite tensors with those of the first process, so that all begin alike."""
    for tensor in tensors if world_size() > 1 else ():
        dist.broadcast(tensor, 0)


def agree(*flags: bool) -> list[bool]:
    """For each flag whether it is up anywhere, in one message.

    So that all processes stop at the same step, or one would wait for ever.
    """
    if world_size() == 1:
        return list(flags)
    device = "cuda" if dist.get_backend() == "nccl" else "cpu"
    numbers = torch.tensor(flags, dtype=torch.float32, device=device)
    dist.all_reduce(numbers)
    return [number > 0 for number in numbers.tolist()]


@contextmanager
def joined() -> Iterator[None]:
    """Connect the processes that torchrun started; a process alone goes on as it is.

    Inside, each has a GPU of its own where there are GPUs, and only the first one's
    prints are seen. Raises ValueError for more processes than GPUs.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or _connected():
        yield
        return
    number, gpus = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
    if gpus and number >= gpus:
        raise ValueError(
            f"process {number + 1} of this machine has no GPU, there are {gpus}: pass "
            f"--nproc-per-node {gpus}, or CUDA_VISIBLE_DEVICES= to train on the CPU"
        )
    if gpus:
        torch.cuda.set_device(number)
    dist.init_process_group("nccl" if gpus else "gloo")
    try:
        if rank() == 0:
            yield
        else:
            with redirect_stdout(StringIO()):
                yield
    finally:
        dist.destroy_process_group()


def leave() -> None:
    """End a process that torchrun started, at once: the last line of its program.

    gloo's threads may still hold the last message; where they let go of it while
    Python takes itself down, the process aborts (pytorch/pytorch#179291). In a
    process alone this does nothing.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _connected() -> bool:
    return dist.is_available() and dist.is_initialized()
