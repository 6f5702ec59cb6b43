"""Low-rank adapters: a large model learns something new in a few thousand numbers.

After *LoRA: Low-Rank Adaptation of Large Language Models* (Hu et al., 2021, arXiv
2106.09685). The model's own matrices stay as they are; beside each stands the product
of two thin ones, which are all that is trained and all that need be stored.
"""

import json
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_safetensors
from torch import Tensor, nn

from gptlib.errors import ModelFileError, require_int, require_number
from gptlib.files.atomic import write_atomically

FORMAT = "gptlib-adapter"


class LoRALinear(nn.Module):
    """A linear layer, frozen, and a change of its matrix of rank r beside it.

    (..., in) -> (..., out): W x + b + alpha / r · B A x, section 4.1. A (r, in) begins
    at random and B (out, r) at zero, so that the layer begins as what it was.
    """

    def __init__(self, base: nn.Linear, rank: int = 8, alpha: float = 16.0):
        super().__init__()
        self.base, self.scale = base.requires_grad_(False), alpha / rank
        like = {"device": base.weight.device, "dtype": base.weight.dtype}
        self.A = nn.Linear(base.in_features, rank, bias=False, **like)
        self.B = nn.Linear(rank, base.out_features, bias=False, **like)
        nn.init.normal_(self.A.weight, std=base.in_features**-0.5)
        nn.init.zeros_(self.B.weight)

    def forward(self, x: Float[Tensor, "... C"]) -> Float[Tensor, "... D"]:
        return self.base(x) + self.scale * self.B(self.A(x))

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        """The same as one linear layer again: W + alpha / r · B A."""
        self.base.weight += self.scale * self.B.weight @ self.A.weight
        return self.base.requires_grad_(True)


def add_adapters(model: nn.Module, rank: int = 8, alpha: float = 16.0) -> nn.Module:
    """Freeze a model and put a `LoRALinear` around each linear layer of its blocks.

    In place; returns the model. torch's random state decides what A begins with.
    Raises ValueError for a model that has adapters already, or has no blocks.
    """
    require_int("rank", rank, 1)
    require_number("alpha", alpha, 0.0)
    layers = list(block_layers(model))
    if any(isinstance(module, LoRALinear) for module in model.modules()) or not layers:
        raise ValueError(
            f"{type(model).__name__}: expected a model with blocks and without "
            "adapters; merge_adapters(model) first"
        )
    model.requires_grad_(False)
    for parent, name, layer in layers:
        setattr(parent, name, LoRALinear(layer, rank, alpha))
    return model


def merge_adapters(model: nn.Module) -> nn.Module:
    """Add every adapter to the matrix it stands beside; the model is plain again."""
    for parent in list(model.modules()):
        for name, layer in parent.named_children():
            if isinstance(layer, LoRALinear):
                setattr(parent, name, layer.merged())
    return model.requires_grad_(True)


def block_layers(model: nn.Module):
    """(parent, name, layer) of every linear layer inside a model's blocks."""
    for block in blocks(model):
        for parent in list(block.modules()):
            for name, layer in parent.named_children():
                if isinstance(layer, nn.Linear):
                    yield parent, name, layer


def blocks(model: nn.Module) -> nn.ModuleList | tuple:
    """The blocks of a model, or of the one inside it; () where there are none."""
    while not hasattr(model, "blocks") and hasattr(model, "model"):
        model = model.model
    return getattr(model, "blocks", ())


def trained(model: nn.Module) -> list[nn.Parameter]:
    """The parameters that training moves."""
    return [p for p in model.parameters() if p.requires_grad]


def adapter_state(model: nn.Module) -> dict[str, Tensor]:
    """The numbers of the adapters alone, by name."""
    state = model.state_dict()
    return {k: v for k, v in state.items() if k.endswith((".A.weight", ".B.weight"))}


def save_adapters(model: nn.Module, path: str | Path, **notes) -> None:
    """Write the adapters alone to a safetensors file, in half precision.

    notes: what to say beside them, as JSON. Raises ValueError without adapters.
    """
    state = adapter_state(model)
    if not state:
        raise ValueError(
            f"{type(model).__name__} has no adapters; add_adapters(model) puts them in"
        )
    first = next(m for m in model.modules() if isinstance(m, LoRALinear))
    rank = first.A.out_features
    head = {"format": FORMAT, "rank": rank, "alpha": first.scale * rank} | notes
    halves = {k: v.detach().cpu().half().contiguous() for k, v in state.items()}
    content = to_safetensors(halves, {"gptlib": json.dumps(head)})
    write_atomically(Path(path), content)


def load_adapters(model: nn.Module, path: str | Path) -> nn.Module:
    """Put the adapters of a file into the model they were trained for; returns it.

    Raises ModelFileError (a ValueError) for any other file or model.
    """
    path = Path(path)
    try:
        with safe_open(path, framework="pt") as file:
            head = json.loads((file.metadata() or {}).get("gptlib", "{}"))
            names = list(file.keys())
            state = {name: file.get_tensor(name).float() for name in names}
    except (SafetensorError, FileNotFoundError, ValueError) as error:
        raise ModelFileError(f"{path} cannot be read as adapters: {error}") from None
    if head.get("format") != FORMAT:
        raise ModelFileError(f"{path} holds no adapters of this library")
    add_adapters(model, head["rank"], head["alpha"])
    expected = {name: tensor.shape for name, tensor in adapter_state(model).items()}
    if expected != {name: tensor.shape for name, tensor in state.items()}:
        merge_adapters(model)  # they are zero still: the model is what it was
        raise ModelFileError(f"{path}: its adapters are of a model of another shape")
    model.load_state_dict(state, strict=False)
    return model
