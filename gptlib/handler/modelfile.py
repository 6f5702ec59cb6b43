"""The files of a model folder: what is written in them, and how they are checked.

A safetensors file holds tensors and one metadata entry, JSON: the model's class and
configuration, its tokenizer, what it was trained on, and a digest of all that and of
the tensors. Nothing is believed before it is checked, and sizes before memory is taken.
Read next: `checkpoint.py`, `folder.py`.
"""

import hashlib
import json
from dataclasses import is_dataclass
from pathlib import Path

import torch
from safetensors.torch import save as to_safetensors
from torch import Tensor, nn

from gptlib.cache import get_dropout
from gptlib.errors import ModelFileError, one_line, require_choice, require_int
from gptlib.evaluation import vocabulary_of
from gptlib.files.atomic import to_json
from gptlib.files.meta import meta_device, opened
from gptlib.handler.build import (
    CONFIGS,
    build_config,
    build_model,
    describe_config,
    innermost,
    resize,
)
from gptlib.handler.history import TENSORS
from gptlib.handler.migrate import current_names
from gptlib.lora import LoRALinear
from gptlib.model import Bigram
from gptlib.ngram import CountedNGrams
from gptlib.tokenizer import Tokenizer

FORMAT, VERSION = "gptlib-model", "2"
FIRST = "1"  # its digest covers the weights only, and history.csv holds the history
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
    if any(isinstance(module, LoRALinear) for module in model.modules()):
        raise TypeError(
            f"{name} has adapters: save_adapters(model, path) stores them alone, "
            "merge_adapters(model) makes it a model that a folder can hold"
        )
    config = model.config
    if is_dataclass(config):
        if innermost(config).dropout != get_dropout(model):  # it was set later
            config = resize(config, dropout=get_dropout(model))
        config = describe_config(config)
    config = dict(config)
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


def digest_of(described: dict, tensors: dict[str, Tensor]) -> str:
    """SHA-256 over a description, without the digest itself, and all tensors."""
    digest = hashlib.sha256()
    rest = {k: v for k, v in described.items() if k != "fingerprint"}
    digest.update(json.dumps(rest, sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def _first_digest(tensors: dict[str, Tensor]) -> str:
    """What the first version stored: SHA-256 over names and weights."""
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(name.encode())
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()


def to_file(
    part: str, described: dict, tensors: dict[str, Tensor]
) -> tuple[bytes, dict]:
    """The content of a file and its whole description; part: "model" or "trainer"."""
    head = {"format": FORMAT, "version": VERSION, "part": part}
    # As it will be read; numbers of NumPy become Python's.
    described = json.loads(to_json(head | described))
    described |= {"fingerprint": digest_of(described, tensors)}
    # One entry only: safetensors writes several in an order that changes.
    return to_safetensors(tensors, {"gptlib": json.dumps(described)}), described


# What the description in a file's metadata must hold, at least.
OF_A_MODEL = {"class": str, "config": dict, "tokenizer": dict}
DESCRIPTIONS = {
    "model": OF_A_MODEL | {"trained_on": dict, "fingerprint": str},
    "trainer": {"step": int, "seconds": float, "config": dict, "knobs": dict}
    | {"trained_on": dict, "model": str | list},
}


def read_description(path: Path, part: str) -> dict:
    """What a file of ours says of itself; no tensor is read."""
    with opened(path) as file:
        return _description(path, file.metadata() or {}, part)


def read_tensors(
    path: Path, described: dict, expected: dict[str, Tensor], names=lambda k: k
) -> dict[str, Tensor]:
    """The tensors of a file, compared with its digest.

    expected: what there must be, without memory. names: from stored names to those of
    today. Raises ModelFileError, for a wrong size before memory is taken.
    """
    with opened(path) as file:
        stored = {k: file.get_slice(k) for k in file.keys()}  # noqa: SIM118
        rows = [stored[k].get_shape()[:1] for k in TENSORS if k in stored]
        if rows:
            expected = expected | _history_of(*rows[0])
        _check_sizes(path, described, expected, {names(k): stored[k] for k in stored})
        tensors = {k: file.get_tensor(k).clone() for k in stored}
    first = described["version"] == FIRST
    if "fingerprint" in described:
        found = _first_digest(tensors) if first else digest_of(described, tensors)
        if found != described["fingerprint"]:
            raise ModelFileError(
                f"{path} is damaged: its content does not have the SHA-256 it was "
                "stored with; restore it from a copy, or train and save the model anew"
            )
    for name, tensor in tensors.items():
        if name not in TENSORS and not torch.isfinite(tensor).all():
            raise ModelFileError(f"{path}: {name} holds numbers that are not finite")
    return {names(k): tensor for k, tensor in tensors.items()}


def model_tensors(path: Path, described: dict) -> dict[str, Tensor]:
    """The tensors of a model file, and of its history."""
    with meta_device():  # it takes no memory
        model = build(described, path)
    with opened(path) as file:
        names = current_names(file.keys(), model)
    return read_tensors(path, described, model.state_dict(), names.get)


def _history_of(rows: int) -> dict[str, Tensor]:
    """The shapes of a history of so many rows."""
    dtypes = (torch.long, torch.double)
    return {
        name: torch.empty(rows, len(columns), dtype=dtype, device="meta")
        for (name, columns), dtype in zip(TENSORS.items(), dtypes, strict=True)
    }


def _description(path: Path, metadata: dict, part: str) -> dict:
    try:
        described = json.loads(metadata.get("gptlib", "{}"))
        written_as = (described.get("format"), described.get("part"))
    except (ValueError, AttributeError, RecursionError):
        raise ModelFileError(f"{path} is damaged: its metadata is no JSON") from None
    if written_as != (FORMAT, part):
        raise ModelFileError(
            f"{path} is a safetensors file, but was not written by ModelHandler as a "
            f"{part} (its metadata: {str(metadata)[:80]})"
        )
    version = described.get("version")
    if version not in (FIRST, VERSION):
        raise ModelFileError(
            f"{path} has format version {version}, this gptlib reads version "
            f"{FIRST} and {VERSION}: update gptlib, or save the model anew"
        )
    wanted = DESCRIPTIONS[part]
    if version != FIRST and part == "trainer":
        wanted = wanted | {"of": dict, "fingerprint": str}
    _check_types(path, described, wanted)
    _check_types(path, {"before": []} | described["trained_on"], {"before": list})
    if "of" in wanted:
        _check_types(path, described["of"], OF_A_MODEL)
    return described


def _check_types(path: Path, described: dict, wanted: dict) -> None:
    for name, kind in wanted.items():
        if not isinstance(described.get(name), kind):
            raise ModelFileError(f"{path} is damaged: its description lacks {name!r}")


KINDS = {"F16": "real", "F32": "real", "F64": "real"}
EXACT = {torch.long: "I64", torch.int32: "I32", torch.uint8: "U8", torch.bool: "BOOL"}
EXACT |= {torch.int16: "I16", torch.int8: "I8"}


def _check_sizes(path: Path, described: dict, expected: dict, stored: dict) -> None:
    """Compare what the configuration needs with what is there, before any memory."""
    wanted = {k: list(v.shape) for k, v in expected.items()}
    shapes = {k: v.get_shape() for k, v in stored.items()}
    names = wanted.keys() | shapes
    different = [name for name in names if wanted.get(name) != shapes.get(name)]
    if different:
        name = min(different)
        config = described.get("of", described)["config"]
        raise ModelFileError(
            f"{path}: {name} has shape {shapes.get(name)}, but the configuration "
            f"{config} needs {wanted.get(name)}"
        )
    for name, tensor in expected.items():
        kind = "real" if tensor.is_floating_point() else EXACT.get(tensor.dtype)
        given = stored[name].get_dtype()
        if kind != KINDS.get(given, given):
            raise ModelFileError(
                f"{path}: {name} holds {given}, expected {kind} numbers"
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
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise ModelFileError(f"{path}: {one_line(error)}") from None
