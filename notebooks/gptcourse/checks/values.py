"""Values that answers give, made comparable. Read next: `describe.py`.

A value is a tensor, a number, a text, None, or a list, tuple or dict of values; what
came of an exception is a `Raised`.
"""

import re
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


@dataclass(frozen=True, repr=False)
class Raised:
    """An exception inside an answer. where: " (line 3: `…`)" or nothing.

    returned: what the answer gave back, where using that is what raised.
    """

    kind: str
    text: str
    where: str = field(default="", compare=False)
    returned: str = field(default="", compare=False)

    def __repr__(self) -> str:
        return f"{self.kind}: {self.text}" if self.text else self.kind


def plain(value):
    """A value without graph, device, address or NumPy: what is compared and shown."""
    if isinstance(value, Tensor):
        value = value.detach().cpu()
        return value.to_dense() if value.layout != torch.strided else value.clone()
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        return torch.from_numpy(np.array(value))
    if isinstance(value, np.generic):
        return value.item()
    if type(value) is int and abs(value) >= 2**63:
        return float(value)  # no tensor holds it
    if isinstance(value, list | tuple | range):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return value


def number(value):
    """A tensor or array of one number as that number; anything else as it is."""
    if isinstance(value, Tensor) and value.numel() == 1:
        return value.item()
    return value.item() if isinstance(value, np.ndarray) and value.size == 1 else value


def floats(value):
    """Whole numbers as floats, in lists and arrays, too: where either will do."""
    value = number(value)
    value = value.tolist() if isinstance(value, Tensor) else value
    if isinstance(value, list):
        return [floats(v) for v in value]
    return float(value) if type(value) is int else value


def same(expected, got, tolerance: float) -> bool:
    """Whether two plain values agree: numbers to a relative and absolute tolerance.

    Doubles count as floats, halves do not; whole numbers, truth values and floats are
    told apart; a number is as good as a tensor (), a tuple or array as a list.
    """
    if isinstance(expected, Raised) or isinstance(got, Raised):
        return expected == got
    got = listed(expected, got)
    if isinstance(expected, list | dict):
        a, b = items(expected), items(got)
        if not isinstance(got, type(expected)) or a.keys() != b.keys():
            return False
        return all(same(a[k], b[k], tolerance) for k in a)
    if numeric(expected):
        if not numeric(got):
            return False
        if type(expected) is type(got) is int:  # most of what is compared
            return expected == got
        a, b = torch.as_tensor(expected), torch.as_tensor(got)
        return _same_tensor(a, b, tolerance)
    return type(expected) is type(got) and expected == got


def listed(expected, got):
    """got, as a list if it is an array where a list of its rows is expected."""
    array = isinstance(expected, list) and isinstance(got, Tensor) and got.ndim
    if not array or len(got) != len(expected):
        return got
    shapes = {getattr(item, "shape", got.shape[1:]) for item in expected}
    return [*got] if shapes <= {got.shape[1:]} else got


def alike(expected, got) -> bool:
    """Whether two plain values are of one kind: else that alone says enough."""
    if any(torch.as_tensor(x).isnan().any() for x in leaves(got) if numeric(x)):
        return False
    if numeric(expected) and numeric(got):
        return torch.as_tensor(expected).shape == torch.as_tensor(got).shape
    return type(expected) is type(got) and not isinstance(got, Raised)


def numeric(value) -> bool:
    return isinstance(value, Tensor | bool | int | float)


def _same_tensor(a: Tensor, b: Tensor, tolerance: float) -> bool:
    if a.shape != b.shape or family(a) != family(b):
        return False
    if a.dtype == b.dtype and torch.equal(a, b):
        return True
    if family(a) != "real":
        return torch.equal(a.long(), b.long())
    if b.element_size() < min(a.element_size(), 4):
        return False
    return torch.allclose(
        a.double(), b.double(), rtol=tolerance, atol=tolerance, equal_nan=True
    )


def family(x: Tensor) -> str:
    """ "truth", "whole", "real" or "complex": what kind of numbers a tensor holds."""
    if x.dtype == torch.bool:
        return "truth"
    if x.is_complex():
        return "complex"
    return "real" if x.is_floating_point() else "whole"


def items(value) -> dict:
    """The items of a dict by their keys, those of a list or tuple by their indices."""
    if isinstance(value, dict):
        return value
    return dict(enumerate(value)) if isinstance(value, list | tuple) else {}


def leaves(value) -> list:
    """What a value consists of, without its lists, tuples and dicts."""
    if isinstance(value, list | tuple | dict):
        return [leaf for item in items(value).values() for leaf in leaves(item)]
    return [value]


def has_reals(value) -> bool:
    """Whether a plain value holds real numbers: agreement by chance is unlikely."""
    tensors = map(torch.as_tensor, filter(numeric, leaves(value)))
    return any(family(x) == "real" for x in tensors)


def kind_of(value) -> str:
    """What a value is, for a message: "a tensor (2, 3) of float32", "a list"."""
    if isinstance(value, Tensor):
        dtype = str(value.dtype).removeprefix("torch.")
        return f"a tensor {tuple(value.shape)} of {dtype}"
    if value is None:
        return "nothing (None)"
    if isinstance(value, str | bool | int | float):
        return f"{short(value)} ({type(value).__name__})"
    name = type(value).__name__
    return f"an {name}" if name[0] in "aeiouAEIOU" else f"a {name}"


def short(value, limit: int = 90) -> str:
    """repr without addresses, cut to limit characters."""
    try:
        text = ADDRESS.sub("", repr(value))
    except Exception:
        text = f"a {type(value).__name__} that cannot be shown"
    return text if len(text) <= limit else text[: limit - 1] + "…"
