"""Models without memory, and files that are compared with them before they are read."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch.overrides import TorchFunctionMode

from gptlib.errors import ModelFileError


@contextmanager
def meta_device() -> Iterator[None]:
    """Build models inside that have shapes and no numbers; it takes milliseconds."""
    with torch.device("meta"), _NoInitialisation():
        yield


class _NoInitialisation(TorchFunctionMode):
    # On the meta device torch.nn.init would import torch's compiler, for a second.
    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if getattr(func, "__module__", "") == "torch.nn.init":
            return kwargs["tensor"] if "tensor" in kwargs else args[0]
        return func(*args, **kwargs)


@contextmanager
def opened(path: Path):
    """A safetensors file. Raises OSError, or ModelFileError for any other file."""
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except SafetensorError as error:
        raise ModelFileError(
            f"{path} is damaged or no safetensors file ({error}); get it again from "
            "where it came from, or train and save the model anew"
        ) from None
