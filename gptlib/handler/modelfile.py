"""The files of a model folder: what is written in them, and how they are checked.

A safetensors file holds tensors and one metadata entry, JSON: the model's class and
configuration, its tokenizer, what it was trained on. Nothing is believed before it
is checked, and sizes before memory is taken. Read next: `handler/__init__.py`.
"""

import hashlib
import json
from dataclasses import is_dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_safetensors
from torch import Tensor, nn

from gptlib.errors import ModelFileError, require_choice, require_int
from gptlib.evaluation import vocabulary_of
from gptlib.files.atomic import write_atomically
from gptlib.files.meta import meta_device
from gptlib.handler.build import (
    CONFIGS,
    build_config,
    build_model,
    describe_config,
    innermost,
)
from gptlib.handler.migrate import current_names
from gptlib.model import Bigram
from gptlib.ngram import CountedNGrams
from gptlib.tokenizer import Tokenizer

FORMAT, VERSION = "gptlib-model", "1"
# Models whose configuration is a dictionary of their arguments.
SIMPLE = {"Bigram": Bigram, "CountedNGrams": CountedNGrams}
CLASSES = ("Bigram", *CONFIGS, "CountedNGrams")
LAYERS = 1000  # more would take minutes just to be refused


def describe(model: nn.Module) -> dict:
    """The class name and configuration a model is rebuilt from.

    Raises TypeError for a model whose parts a configuration cannot name.
    """
    name = type(model).__name__
    if name not in CLASSES:
        raise TypeError(
            f"{name}: a folder can hold a {' or a '.join(CLASSES)}; a model put "
            "together by hand has no configuration to rebuild it from"
        )
    config = model.config
    config = describe_config(config) if is_dataclass(config) else dict(config)
    config.pop("class", None)
    return {"class": name, "config": config}


def check_pair(model: nn.Module | None, tokenizer: Tokenizer | None) -> None:
    """Raise ValueError unless there are both, with one vocabulary, TypeError as
    `describe` does."""
    if model is None or tokenizer is None:
        raise ValueError("nothing to save: pass a model and its tokenizer")
    describe(model)
    if vocabulary_of(model) != tokenizer.vocab_size:
        raise ValueError(
            f"the model knows {vocabulary_of(model)} tokens and the tokenizer "
            f"{tokenizer.vocab_size}: they do not belong together"
        )


def stored_tensors(model: nn.Module, dtype: torch.dtype) -> dict[str, Tensor]:
    """The weights as they go to disk; ValueError when dtype cannot hold one."""
    tensors = {
        # Whole numbers, such as counts, stay what they are.
        k: v.detach().to("cpu", dtype if v.is_floating_point() else v.dtype)
        for k, v in model.state_dict().items()
    }
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise ValueError(
                f"{name} holds numbers that {dtype} cannot store; save as 'float32', "
                "or train anew if the training diverged"
            )
    return {k: v.contiguous() for k, v in tensors.items()}


def fingerprint_of(tensors: dict[str, Tensor]) -> str:
    """SHA-256 over names and values."""
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(name.encode())
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()


def to_metadata(part: str, described: dict) -> dict[str, str]:
    """The metadata of a file: part is "model" or "trainer"."""
    # One entry only: safetensors writes several in an order that changes.
    head = {"format": FORMAT, "version": VERSION, "part": part}
    return {"gptlib": json.dumps(head | described)}


def write_model(folder: Path, tensors: dict[str, Tensor], described: dict) -> None:
    """Write model.safetensors, and what describes it as config.json for people."""
    described = described | {"fingerprint": fingerprint_of(tensors)}
    content = to_safetensors(tensors, to_metadata("model", described))
    write_atomically(folder / "model.safetensors", content)
    readable = {k: v for k, v in described.items() if k != "tokenizer"}
    readable = json.dumps(readable, indent=1) + "\n"
    write_atomically(folder / "config.json", readable.encode())


# What the description in a file's metadata must hold, at least.
DESCRIPTIONS = {
    "model": {"class": str, "config": dict, "tokenizer": dict, "trained_on": dict}
    | {"fingerprint": str},
    "trainer": {"step": int, "config": dict, "model": str, "trained_on": dict},
}


def read_file(
    path: Path, part: str, only_description: bool = False
) -> tuple[dict, dict]:
    """Check a file of ours, header first, and return its description and tensors."""
    if not path.is_file():
        raise ModelFileError(
            f"{path.parent} holds no model: expected a file {path.name}, which "
            "ModelHandler.save writes"
        )
    try:
        with safe_open(path, framework="pt") as file:
            described = _description(path, file.metadata() or {}, part)
            stored = [] if only_description else list(file.keys())
            names = {name: name for name in stored}
            if part == "model" and stored:
                with meta_device():  # it takes no memory
                    model = build(described, path)
                names = current_names(stored, model)
                shapes = {names[k]: file.get_slice(k).get_shape() for k in stored}
                _check_sizes(path, described, model, shapes)
            return described, {names[k]: file.get_tensor(k).clone() for k in stored}
    except SafetensorError as error:
        raise ModelFileError(
            f"{path} is damaged or no safetensors file ({error}); restore it from a "
            "copy, or train and save the model anew"
        ) from None


def _description(path: Path, metadata: dict, part: str) -> dict:
    try:
        described = json.loads(metadata.get("gptlib", "{}"))
        written_as = (described.get("format"), described.get("part"))
    except (ValueError, AttributeError):
        raise ModelFileError(f"{path} is damaged: its metadata is no JSON") from None
    if written_as != (FORMAT, part):
        raise ModelFileError(
            f"{path} is a safetensors file, but was not written by ModelHandler as a "
            f"{part} (its metadata: {str(metadata)[:80]})"
        )
    if described.get("version") != VERSION:
        raise ModelFileError(
            f"{path} has format version {described.get('version')}, this gptlib reads "
            f"version {VERSION}: update gptlib, or save the model anew"
        )
    for name, kind in DESCRIPTIONS[part].items():
        if not isinstance(described.get(name), kind):
            raise ModelFileError(f"{path} is damaged: its description lacks {name!r}")
    return described


def _check_sizes(path: Path, described: dict, model: nn.Module, shapes: dict) -> None:
    """Compare what the configuration needs with what is there, before any memory."""
    expected = {k: list(v.shape) for k, v in model.state_dict().items()}
    names = expected.keys() | shapes
    different = [name for name in names if expected.get(name) != shapes.get(name)]
    if different:
        name = min(different)
        raise ModelFileError(
            f"{path}: {name} has shape {shapes.get(name)}, but the configuration "
            f"{described['config']} needs {expected.get(name)}"
        )


def build(described: dict, path: Path) -> nn.Module:
    """An untrained model of the described class and configuration."""
    name, config = described["class"], described["config"]
    try:
        require_choice("class", name, CLASSES)
        if name in SIMPLE:
            return SIMPLE[name](**config)
        config = build_config(config | {"class": name})
        require_int("n_layer", innermost(config).n_layer, 1, LAYERS)
        return build_model(config)
    except (TypeError, ValueError) as error:
        raise ModelFileError(f"{path}: {error}") from None
