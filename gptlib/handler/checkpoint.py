"""The file of an unfinished training, `trainer.safetensors`, complete in itself.

It holds weights (float32), optimiser, history, step and configuration together, so that
no crash can pair new weights with an old optimiser. Read next: `folder.py`.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn

from gptlib.errors import ModelFileError, one_line, require_int, require_number
from gptlib.files.meta import meta_device, opened
from gptlib.handler.history import TENSORS, from_tensors, to_tensors
from gptlib.handler.migrate import current_names
from gptlib.handler.modelfile import FIRST, build, read_tensors, to_file
from gptlib.optim import Muon, build_optimizer
from gptlib.settings import Knobs, TrainConfig, stored_config

OPTIMIZER = re.compile(r"optimizer\.(\d{1,9})\.(\w+)")


def trainer_file(state: dict, of: dict, beside: list[str], trained_on: dict) -> bytes:
    """The file of a `Training.state_dict()`.

    of: class, configuration and tokenizer of the model; beside: the digests of the
    model files beside which this one counts.
    """
    tensors = {f"model.{k}": v for k, v in state["model"].items()}
    for i, values in state["optimizer"].items():
        tensors |= {f"optimizer.{i}.{k}": v for k, v in values.items()}
    tensors = {k: v.detach().cpu().contiguous() for k, v in tensors.items()}
    kept = {k: state[k] for k in ("step", "seconds", "config", "knobs")}
    kept |= {"of": of, "model": beside, "trained_on": trained_on}
    return to_file("trainer", kept, tensors | to_tensors(state["history"]))[0]


def read_trainer(path: Path, kept: dict, of: dict) -> dict:
    """The state in a file whose description is kept; of: describes the model.

    Raises ModelFileError, for a file larger than a training of the model can need
    before its memory is taken.
    """
    _check_fields(path, kept)
    with meta_device():
        model = build(of, path)
    expected, names = _expected(path, kept, model)
    tensors = read_tensors(path, kept, expected, names.get)
    history = {k: tensors.pop(k) for k in TENSORS if k in tensors}
    weights, optimizer = {}, {}
    for name, tensor in tensors.items():
        kind, _, rest = name.partition(".")
        if kind == "model":
            weights[rest] = tensor
        else:
            i, _, key = rest.partition(".")
            if key in ("step", "exp_avg_sq") and (tensor < 0).any():
                raise ModelFileError(f"{path}: {name} holds numbers below zero")
            optimizer.setdefault(int(i), {})[key] = tensor
    state = {"model": weights, "optimizer": optimizer}
    if kept["version"] != FIRST:
        state["history"] = from_tensors(history)
    return kept | state


def _check_fields(path: Path, kept: dict) -> None:
    """Raise ModelFileError unless step, settings and knobs are possible."""
    try:
        config = stored_config(kept["config"])
        Knobs(**kept["knobs"])
        require_int("step", kept["step"], 0, config.steps)
        require_number("seconds", kept["seconds"], 0.0)
    except (TypeError, ValueError) as error:
        raise ModelFileError(f"{path} is damaged: {one_line(error)}") from None


def _expected(path: Path, kept: dict, model: nn.Module) -> tuple[dict, dict]:
    """What a training of model stores, and today's name of each stored tensor."""
    with opened(path) as file:
        shapes = {k: file.get_slice(k).get_shape() for k in file.keys()}  # noqa: SIM118
    stored = [k.removeprefix("model.") for k in shapes if k.startswith("model.")]
    today = current_names(stored, model)
    names = {f"model.{k}": f"model.{name}" for k, name in today.items()}
    expected = {f"model.{k}": v for k, v in model.state_dict().items()}
    found = {}
    for name in shapes.keys() - names.keys() - TENSORS.keys():
        at = OPTIMIZER.fullmatch(name)
        number, key = (int(at[1]), at[2]) if at else (-1, name)
        found.setdefault(number, {})[key] = shapes[name]
        expected[name] = torch.empty(shapes[name], device="meta")
    known = dict(enumerate(_states(model, stored_config(kept["config"]))))
    for number, state in found.items():
        if state != known.get(number):
            raise ModelFileError(
                f"{path}: {state} of parameter {number} belongs to no training of this "
                "model; delete the file to load the model without it"
            )
    return expected, names | {k: k for k in shapes if k not in names}


def _states(model: nn.Module, config: TrainConfig) -> Iterator[dict[str, list]]:
    """The shapes of what an optimiser keeps of each parameter that it has moved."""
    optimizer = build_optimizer(model, config)
    for part in getattr(optimizer, "optimizers", [optimizer]):
        for p in (p for group in part.param_groups for p in group["params"]):
            size = list(p.shape)
            adamw = {"step": [], "exp_avg": size, "exp_avg_sq": size}
            yield {"momentum": size} if isinstance(part, Muon) else adamw
