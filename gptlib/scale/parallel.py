"""Three ways in which several processes train one model; all learn the same.

    average     each has the whole model; after a step's last backward pass, one
                message averages all gradients. Quickest between CPUs.
    overlapped  the same, but gradients travel while the backward pass goes on
                (torch's DistributedDataParallel). For GPUs.
    sharded     each keeps its share of every matrix, of its gradient and of the
                optimiser's numbers, and borrows the rest layer by layer (torch's
                fully_shard; ZeRO, arXiv 1910.02054). For models that do not fit.

A process alone needs none of them. Read next: `training.py`.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch
import torch.distributed as dist
from torch import Tensor, nn

from gptlib.evaluation import evaluate, token_losses
from gptlib.model import GPT
from gptlib.scale.distributed import average, rank, world_size

WAYS = ("average", "overlapped", "sharded")


class Team:
    """The whole model in each process, gradients averaged in one message.

    model: what is trained. module: what is called to get a loss. working: what has
    the parameters that the optimiser moves, and their device.
    """

    def __init__(self, model: nn.Module):
        self.model = self.working = self.module = model

    def between(self, last: bool):
        """The context of a part's passes; only the last one's end a step."""
        return nullcontext()

    def mean(self, loss: Tensor) -> Tensor:
        """End a backward pass: gradients and loss become those of the whole batch."""
        return average(loss, self.model.parameters())

    def local(self) -> list[Tensor]:
        """The parameters, or of each the part that this process has."""
        return list(self.working.parameters())

    def collect(self) -> None:
        """Bring the weights to `model`, if they are not there. All take part."""

    def spread(self) -> None:
        """Bring the weights of `model` to where they are trained."""

    def whole(self, tensor: Tensor) -> Tensor:
        """A number or tensor of the optimiser, put together. All take part."""
        return tensor

    def share(self, tensor: Tensor, parameter: Tensor) -> Tensor:
        """The other way: what this process keeps of it, beside its parameter."""
        return tensor


class Overlapped(Team):
    """DistributedDataParallel: gradients are averaged while others are computed."""

    def __init__(self, model: nn.Module):
        super().__init__(model)
        self.module = nn.parallel.DistributedDataParallel(model)
        # Counts never change, and all have them since `copy_from_first`.
        self.module.broadcast_buffers = False

    def between(self, last: bool):
        return nullcontext() if last else self.module.no_sync()

    def mean(self, loss: Tensor) -> Tensor:
        return average(loss, [])  # the gradients are averaged already


class Sharded(Team):
    """fully_shard: every matrix is cut by rows, a piece for each process.

    `model` stays on the CPU, whole, and gets the trained weights by `collect`.
    Raises ValueError for a model that is no GPT.
    """

    def __init__(self, model: nn.Module):
        if type(model) is not GPT:
            raise ValueError(
                f"parallel='sharded' is for a GPT, not for a {type(model).__name__}; "
                "train it with 'average' or 'overlapped'"
            )
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import fully_shard

        super().__init__(model.cpu())
        kind = "cuda" if dist.get_backend() == "nccl" else "cpu"
        mesh = init_device_mesh(kind, (world_size(),))
        # Without memory at first: no process ever holds a second whole model.
        self.working = self.module = _without_memory(model)
        for block in self.working.blocks:
            fully_shard(block, mesh=mesh)  # what is borrowed and given back at once
        # Given back after each forward pass, also when no backward pass follows.
        fully_shard(self.working, mesh=mesh, reshard_after_forward=True)
        self.working.to_empty(device=kind)
        self.spread()

    @contextmanager
    def between(self, last: bool) -> Iterator[None]:
        self.working.set_requires_gradient_sync(last)
        yield

    def mean(self, loss: Tensor) -> Tensor:
        return average(loss, [])

    def local(self) -> list[Tensor]:
        return [p.detach().to_local() for p in self.working.parameters()]

    @torch.no_grad()
    def collect(self) -> None:
        ours = self.model.state_dict()
        for name, parameter in self.working.named_parameters():
            ours[name].copy_(parameter.full_tensor())

    @torch.no_grad()
    def spread(self) -> None:
        whole = self.model.state_dict()
        for name, parameter in self.working.named_parameters():
            parameter.copy_(self.share(whole[name], parameter))

    def whole(self, tensor: Tensor) -> Tensor:
        # To the CPU one by one: together they would be what does not fit.
        sharded = hasattr(tensor, "full_tensor")
        return tensor.full_tensor().cpu() if sharded else tensor

    def share(self, tensor: Tensor, parameter: Tensor) -> Tensor:
        from torch.distributed.tensor import distribute_tensor

        if tensor.shape != parameter.shape:  # AdamW counts its steps in one number
            return tensor
        mesh, placed = parameter.device_mesh, parameter.placements
        return distribute_tensor(tensor.to(parameter.device), mesh, placed)


def _without_memory(model: GPT) -> GPT:
    with torch.device("meta"):
        twin = GPT(model.config)
    twin.dropout = model.dropout
    return twin


def team_up(model: nn.Module, way: str) -> Team:
    """The way in which this process trains model together with the others."""
    if world_size() == 1:
        return Team(model)
    return {"average": Team, "overlapped": Overlapped, "sharded": Sharded}[way](model)


def shared_loss(model: nn.Module, tokens: Tensor) -> float:
    """`evaluate(...).loss`, every process measuring its share of the windows.

    Each takes a run of windows one after another; the few that cannot be shared are
    measured by all, so that all call the model equally often.
    """
    if world_size() == 1:
        return evaluate(model, tokens).loss
    width = model.block_size
    each = (len(tokens) - 1) // width // world_size() * width
    mine = tokens[rank() * each : (rank() + 1) * each + 1]
    rest = tokens[world_size() * each :]
    device = next(model.parameters()).device
    # On a GPU's backend only tensors on the GPU travel, and float64 exists on both.
    total = torch.zeros((), dtype=torch.float64, device=device)
    if each:
        total += token_losses(model, mine, width).sum().to(device)
    dist.all_reduce(total)
    if len(rest) > 1:
        total += token_losses(model, rest, width).sum().to(device)
    return total.item() / (len(tokens) - 1)
