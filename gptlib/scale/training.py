"""Training in several processes: two strategies, and one result.

    ddp      each process has the whole model and its rows of every batch; gradients
             are averaged during the backward pass (torch's DistributedDataParallel).
    sharded  each process keeps a part of every matrix, of its gradient and of the
             optimiser's state, and gathers the rest layer by layer (torch's
             fully_shard; ZeRO, arXiv 1910.02054). For models too large for one GPU.

Both train what a single process trains. Read next: `handler.py`.
"""

from contextlib import nullcontext

import torch
import torch.distributed as dist
from torch import Tensor, nn

from gptlib.data import Examples, TokenSplits
from gptlib.errors import require_choice
from gptlib.evaluation import measure, token_losses
from gptlib.files.meta import meta_device
from gptlib.model import GPT
from gptlib.scale.processes import rank, world_size
from gptlib.settings import TrainConfig
from gptlib.training import Step, Training


def train(
    model: nn.Module, data: TokenSplits, config: TrainConfig, strategy: str = "ddp"
) -> Training:
    """Return a `Training` that all connected processes iterate together.

    strategy: "ddp" or "sharded"; a single process needs neither. Raises ValueError or
    TypeError when model, data, configuration and strategy do not fit together.
    """
    require_choice("strategy", strategy, STRATEGIES)
    kind = STRATEGIES[strategy] if world_size() > 1 else Training
    return kind(model, data, config)


class DDPTraining(Training):
    """Each process has the whole model; gradients are averaged."""

    def __init__(self, model: nn.Module, data: TokenSplits, config: TrainConfig):
        parts = count_parts(data, config)
        super().__init__(model, data, config)
        self.parts, self.first_part = parts, rank() * parts
        self.tokens = OwnRows(self.tokens)

    def wrap(self, model: nn.Module) -> nn.Module:
        module = nn.parallel.DistributedDataParallel(model)
        module.broadcast_buffers = False  # sent once, by now: they never change
        return module

    def part_loss(self, part: int, idx: Tensor, targets: Tensor) -> Tensor:
        last = part + 1 == self.parts
        with nullcontext() if last else self.module.no_sync():
            return super().part_loss(part, idx, targets)

    def check(self, loss: Tensor, norm: Tensor) -> None:
        # In place: `update` returns this number.
        dist.all_reduce(loss.detach())
        loss.detach().div_(world_size())
        super().check(loss, norm)

    def measure(self) -> tuple[float | None, float]:
        return self.measure_on(self.model)

    def measure_on(self, model: nn.Module) -> tuple[float | None, float]:
        count = self.config.eval_tokens
        if count is None:
            return None, shared_loss(model, self.data.val)
        return measure(model, self.data.train, self.data.val, count)


class ShardedTraining(DDPTraining):
    """Each process keeps a part of every tensor.

    `model` stays whole on the CPU and has the trained weights after the last step and
    after `state_dict()`. Every process must call `state_dict()`.
    """

    def wrap(self, model: nn.Module) -> nn.Module:
        if type(model) is not GPT:
            raise ValueError(
                f"strategy='sharded' trains a GPT, not a {type(model).__name__}; use "
                "strategy='ddp'"
            )
        if self.config.optimizer == "muon":
            raise ValueError(
                "strategy='sharded', optimizer='muon': Muon needs whole matrices; use "
                "optimizer='adamw' or strategy='ddp'"
            )
        # Imported here: they take longer than all the rest of gptlib.
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import fully_shard

        model.cpu()
        kind = "cuda" if dist.get_backend() == "nccl" else "cpu"
        mesh = init_device_mesh(kind, (world_size(),))
        # On the meta device first: no GPU ever holds the whole model.
        with meta_device():
            module = GPT(model.config)
        module.dropout = model.dropout
        for block in module.blocks:
            fully_shard(block, mesh=mesh)
        # An evaluation has no backward pass that would free what was gathered.
        fully_shard(module, mesh=mesh, reshard_after_forward=True)
        module.to_empty(device=kind)
        scatter(model, module)
        return module

    def part_loss(self, part: int, idx: Tensor, targets: Tensor) -> Tensor:
        self.module.set_requires_gradient_sync(part + 1 == self.parts)
        return Training.part_loss(self, part, idx, targets)

    def apply_knobs(self, step: int) -> float:
        lr = super().apply_knobs(step)
        self.module.dropout = self.model.dropout
        return lr

    def weights(self) -> list[Tensor]:
        return [p.detach().to_local() for p in self.module.parameters()]

    def check(self, loss: Tensor, norm: Tensor) -> None:
        super().check(loss, norm.full_tensor())

    def restore(self) -> None:
        super().restore()
        gather(self.module, self.model)

    def measure(self) -> tuple[float | None, float]:
        return self.measure_on(self.module)

    def advance(self) -> Step:
        step = super().advance()
        if len(self) == 0:
            gather(self.module, self.model)
        return step

    def state_dict(self) -> dict:
        gather(self.module, self.model)
        state = super().state_dict()
        # To the CPU one by one: a GPU may not hold all of them.
        state["optimizer"] = {
            i: {key: whole(value) for key, value in values.items()}
            for i, values in state["optimizer"].items()
        }
        return state

    def load_state_dict(self, state: dict) -> None:
        groups = self.optimizer.param_groups
        parameters = [p for group in groups for p in group["params"]]
        optimizer = {
            i: {key: sharded(value, parameters[i]) for key, value in values.items()}
            for i, values in state["optimizer"].items()
        }
        super().load_state_dict(state | {"optimizer": optimizer})
        scatter(self.model, self.module)


STRATEGIES = {"ddp": DDPTraining, "sharded": ShardedTraining}


def count_parts(data: TokenSplits, config: TrainConfig) -> int:
    """Return in how many parts each process computes its rows of a batch."""
    if isinstance(data.train, Examples):
        raise ValueError(
            f"{world_size()} processes: examples differ in their number of targets, so "
            "the mean over processes is not the batch's mean; train in one process"
        )
    parts = max(config.accumulate, world_size())
    if parts % world_size() or config.batch_size % parts:
        raise ValueError(
            f"batch_size={config.batch_size}, accumulate={config.accumulate} in "
            f"{world_size()} processes: expected a batch_size that is a multiple of "
            f"both, and accumulate=1 or a multiple of {world_size()}"
        )
    return parts // world_size()


class OwnRows:
    """Training tokens of which a process reads only its own rows of a batch."""

    def __init__(self, tokens):
        self.tokens, self.device = tokens, tokens.device

    def __len__(self) -> int:
        return len(self.tokens)

    def __getitem__(self, positions: Tensor) -> Tensor:
        """Tokens at positions (B, T), which all processes draw alike: (B / W, T)."""
        return self.tokens[positions.chunk(world_size())[rank()]]


@torch.no_grad()
def gather(module: nn.Module, model: nn.Module) -> None:
    """Copy the weights of a sharded module to a whole model of the same shape."""
    weights = model.state_dict()
    for name, parameter in module.named_parameters():
        weights[name].copy_(parameter.full_tensor())


@torch.no_grad()
def scatter(model: nn.Module, module: nn.Module) -> None:
    """Copy the weights of rank 0's whole model to a sharded module."""
    weights = model.state_dict()
    for name, parameter in module.named_parameters():
        parameter.copy_(sharded(weights[name], parameter))


def whole(tensor: Tensor) -> Tensor:
    """Gather a tensor of the optimiser, on the CPU."""
    is_sharded = hasattr(tensor, "full_tensor")
    return tensor.full_tensor().cpu() if is_sharded else tensor


def sharded(tensor: Tensor, parameter: Tensor) -> Tensor:
    """Keep of a whole tensor what this process keeps of a parameter."""
    from torch.distributed.tensor import distribute_tensor

    if tensor.shape != parameter.shape:  # AdamW counts its steps in a single number
        return tensor
    tensor = tensor.to(parameter.device)
    return distribute_tensor(tensor, parameter.device_mesh, parameter.placements)


def shared_loss(model: nn.Module, tokens: Tensor) -> float:
    """Return `evaluate(model, tokens).loss`; each process measures some windows.

    Each process takes a run of consecutive windows. The few that are left over are
    measured by all processes, so that all call the model equally often.
    """
    width = model.block_size
    each = (len(tokens) - 1) // width // world_size() * width
    mine = tokens[rank() * each : (rank() + 1) * each + 1]
    rest = tokens[world_size() * each :]
    device = next(model.parameters()).device
    # nccl sends only tensors on a GPU.
    total = torch.zeros((), dtype=torch.float64, device=device)
    if each:
        total += token_losses(model, mine, width).sum().to(device)
    dist.all_reduce(total)
    if len(rest) > 1:
        total += token_losses(model, rest, width).sum().to(device)
    return total.item() / (len(tokens) - 1)
