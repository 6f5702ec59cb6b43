"""What an answer gave, compared with what it should have given, and shown.

Used by `core.py`. A value is a tensor, a number, a text, None, or a list, tuple or
dict of values; what came of an exception is a `Raised`.
"""

import itertools
import math
import re
from dataclasses import dataclass

import torch
from torch import Tensor

ROWS, COLUMNS = 8, 8  # of a tensor that is shown
ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


@dataclass(frozen=True)
class Raised:
    """An exception inside an answer. where: " (line 3: `…`)" or nothing.

    returned: what the answer gave back, where using that is what raised.
    """

    kind: str
    text: str
    where: str = ""
    returned: str = ""

    def __eq__(self, other) -> bool:
        mine = (self.kind, self.text)
        return isinstance(other, Raised) and mine == (other.kind, other.text)

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}" if self.text else self.kind


def plain(value):
    """A value without graph, device or address: what is compared and shown."""
    if isinstance(value, Tensor):
        value = value.detach().cpu()
        return value.to_dense() if value.layout != torch.strided else value
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return value


def same(expected, got, tolerance: float) -> bool:
    """Whether two plain values agree: numbers to a relative and absolute tolerance.

    Other float precisions count as the same; whole numbers, truth values and floats
    are told apart; a number is as good as a tensor () and a tuple as a list.
    """
    if isinstance(expected, Raised) or isinstance(got, Raised):
        return expected == got
    if isinstance(expected, list):
        return isinstance(got, list) and _all_same(expected, got, tolerance)
    if isinstance(expected, dict):
        if not isinstance(got, dict) or expected.keys() != got.keys():
            return False
        return _all_same(expected.values(), [got[k] for k in expected], tolerance)
    if _numeric(expected):
        if not _numeric(got):
            return False
        a, b = torch.as_tensor(expected), torch.as_tensor(got)
        return _same_tensor(a, b, tolerance)
    return type(expected) is type(got) and expected == got


def _all_same(expected, got, tolerance) -> bool:
    pairs = list(itertools.zip_longest(expected, got, fillvalue=Raised("missing", "")))
    return all(same(a, b, tolerance) for a, b in pairs)


def _numeric(value) -> bool:
    return isinstance(value, Tensor | bool | int | float)


def _same_tensor(a: Tensor, b: Tensor, tolerance: float) -> bool:
    if a.shape != b.shape or family(a) != family(b):
        return False
    if family(a) != "real":
        return torch.equal(a.long(), b.long())
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


def kind_of(value) -> str:
    """What a value is, for a message: "a tensor (2, 3) of float32", "a list"."""
    if isinstance(value, Tensor):
        dtype = str(value.dtype).removeprefix("torch.")
        return f"a tensor {shape_of(value)} of {dtype}"
    if value is None:
        return "nothing (None)"
    if isinstance(value, str | bool | int | float):
        return f"{short(value)} ({type(value).__name__})"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    name = type(value).__name__
    return f"an {name}" if name[0] in "aeiouAEIOU" else f"a {name}"


def shape_of(x: Tensor) -> str:
    return str(tuple(x.shape))


def short(value, limit: int = 90) -> str:
    """repr without addresses, cut to limit characters."""
    try:
        text = ADDRESS.sub("", repr(value))
    except Exception:
        text = f"a {type(value).__name__} that cannot be shown"
    return text if len(text) <= limit else text[: limit - 1] + "…"


def describe(expected, got, tolerance: float) -> str:
    """One sentence on how got differs from expected, whatever the exercise."""
    if isinstance(got, Raised):
        if got.returned:
            return f"It gives back {got.returned}, which does not fit here: {got}"
        return f"Your code stopped with {got}{got.where}"
    if got is None:
        return "It gives back nothing (None): is a `return` missing?"
    if isinstance(expected, list) and isinstance(got, list):
        return _describe_lists(expected, got, tolerance)
    if not (_numeric(expected) and _numeric(got)):
        return _describe_others(expected, got)
    if isinstance(expected, Tensor) and expected.ndim and not isinstance(got, Tensor):
        return f"It gives back {kind_of(got)}: expected {kind_of(expected)}."
    return _describe_numbers(torch.as_tensor(expected), torch.as_tensor(got), tolerance)


def _describe_lists(expected, got, tolerance) -> str:
    if len(expected) != len(got):
        return f"It gives back {len(got)} values: expected {len(expected)}."
    pairs = zip(expected, got, strict=True)
    i, (a, b) = next((i, p) for i, p in enumerate(pairs) if not same(*p, tolerance))
    return f"Value {i} of {len(expected)} differs. {describe(a, b, tolerance)}"


def _describe_others(expected, got) -> str:
    if type(expected) is not type(got):
        return f"It gives back {kind_of(got)}: expected {kind_of(expected)}."
    if isinstance(expected, dict) and expected.keys() != got.keys():
        return f"Its keys are {short(list(got))}: expected {short(list(expected))}."
    return "It gives back something else than expected."


def _describe_numbers(a: Tensor, b: Tensor, tolerance: float) -> str:
    if a.shape != b.shape:
        return _describe_shapes(a, b)
    if family(a) != family(b):
        wanted = {"truth": "True and False", "whole": "whole numbers (int64)"}
        name = str(b.dtype).removeprefix("torch.")
        due = wanted.get(family(a), "floats (float32)")
        return f"It gives back {name}: expected {due}."
    a, b = a.double(), b.double()
    if b.isnan().any() and not a.isnan().any():
        return (
            f"{int(b.isnan().sum())} of {b.numel()} numbers are NaN (not a number): "
            "0/0, inf − inf, or a softmax over nothing but −inf gives that."
        )
    return _describe_values(a, b, tolerance)


def _describe_shapes(a: Tensor, b: Tensor) -> str:
    text = f"The shape is {shape_of(b)}: expected {shape_of(a)}"
    if b.ndim == a.ndim and sorted(b.shape) == sorted(a.shape):
        return f"{text}. The axes are swapped."
    if b.squeeze().shape == a.squeeze().shape:
        fault = "missing" if b.ndim < a.ndim else "left over"
        return f"{text}. An axis of size 1 is {fault}."
    if b.shape == a.shape[1:]:
        return f"{text}. The first axis, the batch, is missing."
    if b.ndim < a.ndim:
        return f"{text}. Something was summed, averaged or picked that should stay."
    return f"{text}."


def _describe_values(a: Tensor, b: Tensor, tolerance: float) -> str:
    def close(x, y):
        return torch.allclose(x, y, rtol=10 * tolerance, atol=tolerance)

    for i, j in itertools.combinations(range(a.ndim), 2):
        if a.shape[i] == a.shape[j] and close(a, b.transpose(i, j)):
            return f"The right numbers with axes {i} and {j} swapped."
    real = a.isfinite() & b.isfinite()
    if not torch.equal(a.isfinite(), b.isfinite()) or not real.any():
        return "Infinite numbers stand where others are expected, or the other way."
    if not close(a, b) and close(a, -b):
        return "The right numbers with the wrong sign."
    top = a[real].abs().argmax()
    factor = (b[real][top] / a[real][top]).item()
    if math.isfinite(factor) and abs(factor) > 1e-6 and close(a, b / factor):
        return f"Every number is {factor:.4g} times what it should be."
    offset = (b - a)[real].mean()
    if close(a, b - offset):
        return f"Every number is off by {offset.item():+.4g}."
    wrong = int((~torch.isclose(a, b, tolerance, tolerance, equal_nan=True)).sum())
    if a.numel() == 1:
        return "The number is not the expected one."
    return f"{wrong} of {a.numel()} numbers differ from the expected ones."


def beside(expected, got, tolerance: float) -> str:
    """Expected beside got: of large tensors the first piece in which they differ."""
    if isinstance(got, Raised):
        return f"    expected  {_one_line(expected)}\n    got       {got}"
    if isinstance(expected, list) and isinstance(got, list):
        pairs = zip(expected, got, strict=False)
        for i, (a, b) in enumerate(pairs):
            if not same(a, b, tolerance) and isinstance(a, Tensor):
                return f"    value {i}:\n{beside(a, b, tolerance)}"
    if isinstance(expected, Tensor) and isinstance(got, Tensor):
        return _beside_tensors(expected, got, tolerance)
    return f"    expected  {_one_line(expected)}\n    got       {_one_line(got)}"


def _one_line(value) -> str:
    if isinstance(value, Tensor):
        return "\n              ".join(_rows(value, _digits(value, value, 1e-4)))
    if isinstance(value, list) and any(isinstance(v, Tensor) for v in value):
        return f"a list of {len(value)}: " + ", ".join(map(kind_of, value))
    if isinstance(value, list):
        return short("[" + ", ".join(map(_one_line, value)) + "]").strip("'")
    return short(f"{value:.6g}" if isinstance(value, float) else value).strip("'")


def _beside_tensors(a: Tensor, b: Tensor, tolerance: float) -> str:
    where = ""
    if a.shape == b.shape and a.ndim > 2:
        differs = ~torch.isclose(
            a.double(), b.double(), tolerance, tolerance, equal_nan=True
        )
        index = tuple(differs.nonzero()[0, :-2].tolist()) if differs.any() else (0,)
        index = index + (0,) * (a.ndim - 2 - len(index))
        where = "[" + ", ".join(map(str, index)) + "]"
        a, b = a[index], b[index]
    digits = _digits(a, b, tolerance)
    left = [f"expected{where}", *_rows(a, digits)]
    right = [f"got{where}", *_rows(b, digits)]
    width = max(map(len, left))
    if width + max(map(len, right)) > 90:  # too wide for two columns
        return "\n".join("    " + line for line in left + right)
    pairs = itertools.zip_longest(left, right, fillvalue="")
    return "\n".join(f"    {a:{width}}    {b}".rstrip() for a, b in pairs)


def _digits(a: Tensor, b: Tensor, tolerance: float) -> int:
    """As few decimals as show the difference."""
    a, b = a.double(), b.double()
    for few in (0, 1):
        if all(torch.allclose(x, x.round(decimals=few), 0, 1e-6) for x in (a, b)):
            return few
    if a.shape != b.shape:
        return 3
    off = (a - b).abs()[~torch.isclose(a, b, tolerance, tolerance)].nan_to_num(1.0)
    least = off.min().item() if off.numel() else 1.0
    return min(6, max(2, math.ceil(-math.log10(max(least, 1e-6))) + 1))


def _rows(x: Tensor, digits: int) -> list[str]:
    """A tensor as lines, columns aligned; what is too large is cut with dots."""
    if x.ndim > 2:
        return [f"a tensor {shape_of(x)}"]
    table = x[None] if x.ndim == 1 else x.reshape(1, 1) if x.ndim == 0 else x
    cells = [[_cell(v, digits) for v in row[:COLUMNS].tolist()] for row in table[:ROWS]]
    width = max((len(c) for row in cells for c in row), default=0)
    dots = ", …" if table.shape[1] > COLUMNS else ""
    lines = [", ".join(f"{c:>{width}}" for c in row) + dots for row in cells]
    if x.ndim == 0:
        return lines
    if x.ndim == 1:
        return [f"[{lines[0]}]" if lines else "[]"]
    lines = [f" [{line}]" for line in lines] or [" []"]
    if len(table) > ROWS:
        lines.append(" …")
    lines[0] = "[" + lines[0][1:]
    lines[-1] += "]"
    return lines


def _cell(value, digits: int) -> str:
    if not isinstance(value, float):
        return str(value)
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return f"{round(value, digits) + 0.0:.{digits}f}"  # no -0.00
