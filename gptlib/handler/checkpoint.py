"""The file beside a model while its training is under way, `trainer.safetensors`.

It holds weights (float32), optimiser, step and configuration together, so that no crash
can pair new weights with an old optimiser, and it names the model that it belongs to.
Read next: `handler/__init__.py`.
"""

from pathlib import Path

from safetensors.torch import save as to_safetensors
from torch import nn

from gptlib.errors import ModelFileError
from gptlib.files.atomic import write_atomically
from gptlib.handler.migrate import current_names
from gptlib.handler.modelfile import read_file, to_metadata
from gptlib.model import count_parameters


def write_trainer(path: Path, state: dict, fingerprint: str, trained_on: dict) -> None:
    """Write a `Training.state_dict()`; fingerprint: that of the model beside it."""
    tensors = {f"model.{k}": v for k, v in state["model"].items()}
    for i, values in state["optimizer"].items():
        tensors |= {f"optimizer.{i}.{k}": v for k, v in values.items()}
    tensors = {k: v.detach().cpu().contiguous() for k, v in tensors.items()}
    kept = {k: state[k] for k in ("step", "seconds", "config", "knobs")}
    kept |= {"model": fingerprint, "trained_on": trained_on}
    write_atomically(path, to_safetensors(tensors, to_metadata("trainer", kept)))


def read_trainer(path: Path, fingerprint: str, model: nn.Module) -> dict | None:
    """The state in the file; None without one, or with one of another model.

    Raises ModelFileError for a file larger than a training of model can need, before
    its memory is taken.
    """
    if not path.is_file():
        return None
    # Weights and two numbers of AdamW for each of them, in fp32, and the header.
    size, most = path.stat().st_size, 3 * 4 * count_parameters(model) + 2**20
    if size > most:
        raise ModelFileError(
            f"{path} has {size:,} bytes, but a training of this model needs at "
            f"most {most:,}; delete the file to load the model without it"
        )
    kept, tensors = read_file(path, "trainer")
    if kept["model"] != fingerprint:
        return None  # left behind by a training of the model that was here before
    weights, optimizer = {}, {}
    for name, tensor in tensors.items():
        kind, _, rest = name.partition(".")
        if kind == "model":
            weights[rest] = tensor
        else:
            i, _, key = rest.partition(".")
            optimizer.setdefault(int(i), {})[key] = tensor
    names = current_names(weights, model)
    weights = {names[name]: tensor for name, tensor in weights.items()}
    return kept | {"model": weights, "optimizer": optimizer}
