"""Many ModernGPTs of one shape trained at once: what a GPU likes best.

A weight of all E models is one tensor (E, ...), and one product serves all of them.
Each model has its own batches, dropout, rates and decay. Same mathematics as
`gptlib.modern` and `gptlib.optim`, with every part of ADDED switched on; a test
compares both. Read next: `writing.py`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from gptlib.data import epoch_windows
from gptlib.modern import ModernConfig, ModernGPT, rotary_angles, rotate
from gptlib.optim import learning_rate, orthogonalise

MATRICES = ("attn.qkv.weight", "attn.gate.weight", "attn.proj.weight")
MATRICES += ("mlp.fc.weight", "mlp.proj.weight")


@dataclass(frozen=True)
class Recipe:
    """What one of the models is trained with; the rest is the same for all."""

    dropout: float = 0.2
    weight_decay: float = 0.1
    lr: float = 5e-3
    muon_lr: float = 0.02
    seed: int = 0


class Stacked:
    """E models of one ModernConfig; weights: by ModernGPT's names, (E, ...) each.

    The matrices of all blocks lie in one tensor (E, L, R, C) per kind, what AdamW moves
    in one (E, K): so a step is a few large operations instead of many small ones.
    """

    def __init__(self, models: Sequence[ModernGPT], device="cpu"):
        self.config, self.count, self.device = models[0].config, len(models), device
        states = [model.state_dict() for model in models]
        stacked = {
            name: torch.stack([state[name] for state in states]) for name in states[0]
        }
        layers = range(self.config.n_layer)
        self.leaves = {}
        for kind in MATRICES:
            names = [f"blocks.{i}.{kind}" for i in layers]
            self.leaves[kind] = torch.stack([stacked.pop(name) for name in names], 1)
        self.shapes = {name: value.shape[1:] for name, value in stacked.items()}
        flat = [value.reshape(self.count, -1) for value in stacked.values()]
        self.leaves["others"] = torch.cat(flat, 1)
        for kind, leaf in self.leaves.items():
            self.leaves[kind] = leaf.float().to(device).requires_grad_()

    def weights(self) -> dict[str, Tensor]:
        """Every weight by its name in a ModernGPT, (E, ...)."""
        sizes = [shape.numel() for shape in self.shapes.values()]
        parts = self.leaves["others"].split(sizes, dim=1)
        found = {
            name: part.view(self.count, *shape)
            for (name, shape), part in zip(self.shapes.items(), parts, strict=True)
        }
        for kind in MATRICES:
            for i, matrix in enumerate(self.leaves[kind].unbind(1)):
                found[f"blocks.{i}.{kind}"] = matrix
        return found

    def model(self, e: int) -> ModernGPT:
        """Model e as a ModernGPT of its own, on the CPU."""
        model = ModernGPT(self.config)
        state = {
            name: value[e].detach().cpu() for name, value in self.weights().items()
        }
        model.load_state_dict(state)
        return model.eval()


def logits(
    weights: dict[str, Tensor],
    idx: Int[Tensor, "E B T"],
    dropout: Float[Tensor, " E"] | None,
    config: ModernConfig,
    half: torch.dtype = torch.bfloat16,
    memory=None,
) -> Float[Tensor, "E B T V"]:
    """What the models say of their batches; products in half precision.

    memory: a `writing.Memory` of what was read before idx, one position at a time.
    """
    E, B, T = idx.shape
    C, H = config.n_embd, config.n_head
    keep = None if dropout is None else 1 - dropout[:, None, None]

    def linear(x, name):
        return torch.bmm(x.to(half), weights[name].to(half).mT)

    def drop(x):
        if keep is None:
            return x
        return x * (torch.rand_like(x, dtype=torch.float32) < keep) / keep

    def norm(x):
        return F.rms_norm(x, (x.size(-1),))

    def convolve(x, name, number):
        x = x.view(E, B, T, C)
        longer = F.pad(x, (0, 0, 3, 0)) if memory is None else memory.extend(x, number)
        w = weights[name][:, :, None]  # (E, 4, 1, 1, C)
        y = x + sum(w[:, i] * longer[:, :, i : i + T] for i in range(4))
        return y.view(E, B * T, C)

    pos = torch.arange(T, device=idx.device) if memory is None else memory.pos
    angles = rotary_angles(pos, C // H)
    models = torch.arange(E, device=idx.device)[:, None]
    wte = weights["wte.weight"]  # (E, V, C)
    rows = (idx.flatten(1) + models * wte.size(1)).flatten()
    x = drop(F.embedding(rows, wte.flatten(0, 1)).view(E, B * T, C))
    first_v = None
    for i in range(config.n_layer):
        at = f"blocks.{i}."
        h = convolve(norm(x), at + "conv_1.weight", 2 * i)
        qkv = linear(h, at + "attn.qkv.weight").view(E * B, T, 3, H, C // H)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # (E·B, H, T, D) each
        q, k = (rotate(norm(part.float()), angles).to(half) for part in (q, k))
        if first_v is None:
            first_v = v
        else:
            mix = weights[at + "attn.mix"].repeat_interleave(B)[:, None, None, None]
            v = (v + mix * (first_v - v)).to(half)
        if memory is None:
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            y = memory.attend(i, q, k, v)
        gate = linear(h, at + "attn.gate.weight")
        gate = gate + weights[at + "attn.gate.bias"][:, None]  # (E, B·T, H)
        y = y.transpose(1, 2).reshape(E, B * T, H, C // H)
        y = (y * 2 * gate.sigmoid()[..., None]).flatten(2)
        x = x + drop(linear(y, at + "attn.proj.weight"))
        h = convolve(norm(x), at + "conv_2.weight", 2 * i + 1)
        h = F.relu(linear(h, at + "mlp.fc.weight")).square()
        x = x + drop(linear(h, at + "mlp.proj.weight"))
    return linear(norm(x), "lm_head.weight").float().view(E, B, T, -1)


def captured(action: Callable, times: int = 1):
    """A CUDA graph of an action that was done so many times before, and its result."""
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        for _ in range(times):
            action()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = action()
    return graph, result


class Trainer:
    """Updates of a Stacked by losses (E,); on a GPU one captured graph per update.

    call: `logits`, or torch.compile(logits). loss(logits, batch): (E,), of a batch that
    is a dict of tensors, idx (E, B, T) among them.
    """

    def __init__(
        self, stacked: Stacked, recipes: Sequence[Recipe], steps: int, call: Callable
    ):
        self.stacked, self.recipes, self.steps, self.call = (
            stacked,
            recipes,
            steps,
            call,
        )
        device = stacked.device

        def column(name):
            return torch.tensor([getattr(r, name) for r in recipes], device=device)

        self.dropout, self.decay = column("dropout"), column("weight_decay")
        self.lr, self.muon_lr = column("lr"), column("muon_lr")
        self.scale = torch.zeros((), device=device)  # of the rates, by the schedule
        self.done = torch.zeros((), device=device)  # updates
        self.means = {k: torch.zeros_like(v) for k, v in stacked.leaves.items()}
        self.squares = torch.zeros_like(stacked.leaves["others"])
        self.graph = self.held = None

    def run(self, batch: Callable, loss: Callable) -> Float[Tensor, " E"]:
        """All updates; batch(step) gives what is read. Returns the last losses."""
        device = self.stacked.device
        for step in range(1, self.steps + 1):
            self.scale.fill_(learning_rate(step, self.steps, 1.0, 0.025, "linear"))
            some = {name: value.to(device) for name, value in batch(step).items()}
            losses = self.advance(some, loss)
        return losses

    def advance(self, batch: dict[str, Tensor], loss: Callable) -> Float[Tensor, " E"]:
        """One update."""
        if self.stacked.device == "cpu":
            return self.update(batch, loss)
        if self.graph is None:
            self.capture(batch, loss)
        for name, value in batch.items():
            self.held[name].copy_(value)
        self.graph.replay()
        return self.losses

    def capture(self, batch: dict[str, Tensor], loss: Callable) -> None:
        """Record an update as one graph; what is tried out before is undone."""
        self.held = {name: value.clone() for name, value in batch.items()}
        kept = [t.detach().clone() for t in self.state()]
        self.graph, self.losses = captured(lambda: self.update(self.held, loss), 3)
        with torch.no_grad():
            for tensor, value in zip(self.state(), kept, strict=True):
                tensor.copy_(value)

    def state(self) -> list[Tensor]:
        """Everything that an update changes."""
        return [
            *self.stacked.leaves.values(),
            *self.means.values(),
            self.squares,
            self.done,
        ]

    def update(self, batch: dict[str, Tensor], loss: Callable) -> Float[Tensor, " E"]:
        """Backward, clip, Muon for matrices, AdamW for the rest."""
        leaves = self.stacked.leaves
        said = self.call(
            self.stacked.weights(), batch["idx"], self.dropout, self.stacked.config
        )
        losses = loss(said, batch)
        grads = torch.autograd.grad(losses.sum(), list(leaves.values()))
        with torch.no_grad():
            norm = sum(g.flatten(1).square().sum(1) for g in grads).sqrt()  # (E,)
            clip = (1 / (norm + 1e-6)).clamp(max=1.0)
            self.done += 1
            for (kind, leaf), grad in zip(leaves.items(), grads, strict=True):
                grad = grad * wide(clip, grad)
                if kind == "others":
                    self.adam(leaf, grad)
                else:
                    self.muon(leaf, grad, self.means[kind])
        return losses.detach()

    def muon(self, leaf: Tensor, grad: Tensor, mean: Tensor, momentum: float = 0.95):
        """As `gptlib.optim.Muon`, for (E, L, R, C)."""
        mean.lerp_(grad, 1 - momentum)
        ahead = grad.lerp(mean, momentum)
        moved = orthogonalise(ahead.flatten(0, 1)).view_as(leaf)
        R, C = leaf.shape[2:]
        lr = wide(self.muon_lr * self.scale, leaf)
        leaf.mul_(1 - lr * wide(self.decay, leaf))
        leaf.sub_(lr * max(1.0, R / C) ** 0.5 * moved)

    def adam(self, leaf: Tensor, grad: Tensor, beta1: float = 0.9, beta2: float = 0.95):
        """As torch's AdamW without decay, for (E, K)."""
        mean = self.means["others"]
        mean.lerp_(grad, 1 - beta1)
        self.squares.lerp_(grad.square(), 1 - beta2)
        mean_now = mean / (1 - beta1**self.done)
        root = (self.squares / (1 - beta2**self.done)).sqrt()
        leaf.sub_((self.lr * self.scale)[:, None] * mean_now / (root + 1e-8))


def wide(values: Float[Tensor, " E"], like: Tensor) -> Tensor:
    """(E,) -> (E, 1, 1, ...), to be multiplied with a tensor of all models."""
    return values.view(-1, *[1] * (like.ndim - 1))


def hard_loss(
    said: Float[Tensor, "E B T V"], batch: dict[str, Tensor]
) -> Float[Tensor, " E"]:
    """The mean cross-entropy of each model."""
    targets = batch["targets"]
    each = F.cross_entropy(
        said.flatten(0, 2), targets.flatten(), reduction="none"
    ).view_as(targets)
    return each.mean(dim=(1, 2))


def text_batches(
    tokens: Int[Tensor, " N"], recipes: Sequence[Recipe], size: int, length: int
) -> Callable[[int], dict[str, Tensor]]:
    """batch(step): windows of a text, in epochs, for each model by its seed."""

    def batch(step: int) -> dict[str, Tensor]:
        pairs = [epoch_windows(tokens, size, length, r.seed, step) for r in recipes]
        idx, targets = zip(*pairs, strict=True)
        return {"idx": torch.stack(idx), "targets": torch.stack(targets)}

    return batch


@torch.no_grad()
def split_losses(
    stacked: Stacked, tokens: Int[Tensor, " N"], window: int, mix: Callable
) -> Float[Tensor, "..."]:
    """Losses over a whole split, in whole windows that do not overlap.

    mix(p, idx): what becomes of the models' probabilities (E, B, T, V) first, maybe
    with other axes before the last three: these are the result's.
    """
    count = (len(tokens) - 1) // window * window
    starts = tokens[:count].view(-1, window), tokens[1 : count + 1].view(-1, window)
    total, weights = 0.0, stacked.weights()
    for idx, targets in zip(*(part.split(64) for part in starts), strict=True):
        each = idx.expand(stacked.count, *idx.shape)
        p = mix(logits(weights, each, None, stacked.config).softmax(dim=-1), idx)
        right = p.gather(-1, targets.expand(p.shape[:-1])[..., None])
        total = total - right.double().log().sum(dim=(-3, -2, -1))
    return total / count
