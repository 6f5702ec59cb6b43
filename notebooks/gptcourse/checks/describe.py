"""How a wrong value differs from the expected one, in a sentence and side by side.

Used by `core.py`. A general name ("the wrong sign") is given only if it holds in all
cases that went wrong, and a ratio only for real numbers and if it is a simple one.
"""

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor

from gptcourse.checks.values import Raised, family, kind_of, numeric, same, short

ROWS, COLUMNS = 8, 8  # of a tensor that is shown
NEARLY = (
    "Nearly right, to within 1%: is a small number added somewhere, something rounded, "
    "or a constant not quite exact?"
)
NICE = {
    "ln 2 (nats, not bits)": math.log(2),
    "1 / ln 2 (bits, not nats)": 1 / math.log(2),
    **{f"{n}": float(n) for n in range(2, 65)},
    **{f"1/{n}": 1 / n for n in range(2, 65)},
    **{f"√{n}": n**0.5 for n in (2, 3, 5, 6, 7, 8)},
    **{f"1/√{n}": n**-0.5 for n in (2, 3, 5, 6, 7, 8)},
}


def describe(wrong: list[tuple], parts: Sequence[str], tolerance: float) -> str:
    """What is wrong with got, given all (expected, got) that differ; "" for a number.

    parts: what the items of a list of results are called, in its order.
    """
    expected, got = wrong[0]
    returned = got.returned if isinstance(got, Raised) else kind_of(got)
    if returned == "nothing (None)":
        return f"It gives back {returned}: is a `return` missing?"
    if isinstance(got, Raised):
        if returned:
            return f"It gives back {returned}, which does not fit here: {got}"
        return f"Your code stopped with {got}{got.where}"
    if isinstance(expected, list | dict) and type(expected) is type(got):
        return _describe_parts(wrong, parts, tolerance)
    if not (numeric(expected) and numeric(got)):
        return _describe_others(expected, got)
    if isinstance(expected, Tensor) and expected.ndim and not isinstance(got, Tensor):
        return f"It gives back {kind_of(got)}: expected {kind_of(expected)}."
    tensors = [(torch.as_tensor(a), torch.as_tensor(b)) for a, b in wrong if numeric(b)]
    return _describe_numbers(*tensors[0], tensors, tolerance)


def _describe_parts(wrong, parts, tolerance) -> str:
    expected, got = wrong[0]
    if len(expected) != len(got) and isinstance(expected, list):
        return f"The length is {len(got)}: expected {len(expected)}."
    if isinstance(expected, dict) and expected.keys() != got.keys():
        if missing := [key for key in expected if key not in got]:
            return f"The key {missing[0]!r} is missing ({len(missing)} in all)."
        return f"The key {next(k for k in got if k not in expected)!r} is one too many."
    turned = all(isinstance(b, list) and same(a, b[::-1], tolerance) for a, b in wrong)
    if turned and (parts or (len(wrong) > 1 and len(expected) > 2)):
        return "These are the right values in another order."
    key, a, b = first_difference(expected, got, tolerance)
    alike = [(x, y) for x, y in wrong[1:] if type(x) is type(expected) is type(y)]
    alike = [(x, y) for x, y in alike if _comparable(x, y)]
    others = [(x[key], y[key]) for x, y in alike if key in _keys(x)]
    others = [pair for pair in others if not same(*pair, tolerance)]
    inner = describe([(a, b), *others], (), tolerance)
    if not inner:  # unnamed items speak for themselves where they are shown
        named = isinstance(expected, dict) or key < len(parts)
        return f"In {part_name(key, parts)} the numbers differ." if named else ""
    joint = ", " if inner.startswith("In ") else ": "
    return f"In {part_name(key, parts)}{joint}{inner.removeprefix('In ')}"


def first_difference(expected, got, tolerance) -> tuple:
    """(key or index, expected, got) of the first item of two lists or dicts."""
    return next(
        (key, expected[key], got[key])
        for key in _keys(expected)
        if not same(expected[key], got[key], tolerance)
    )


def _keys(value):
    return value if isinstance(value, dict) else range(len(value))


def part_name(key, parts: Sequence[str]) -> str:
    """What an item is called inside a sentence."""
    if isinstance(key, int) and key < len(parts):
        return parts[key]
    return f"item {key} (from 0)" if isinstance(key, int) else f"the entry {key!r}"


def _describe_others(expected, got) -> str:
    if type(expected) is not type(got):
        return f"It gives back {kind_of(got)}: expected {kind_of(expected)}."
    if isinstance(got, str):
        pairs = zip(expected, got, strict=False)
        n = len([*itertools.takewhile(lambda pair: pair[0] == pair[1], pairs)])
        rest, other = short(expected[n:], 30), short(got[n:], 30)
        return f"From character {n + 1} on the text is {other}: expected {rest}."
    return "It gives back something else than expected."


def _describe_numbers(a: Tensor, b: Tensor, tensors, tolerance: float) -> str:
    if a.shape != b.shape:
        general = [pair for pair in tensors if pair[0].shape != pair[1].shape][-1]
        text = f"The shape is {tuple(b.shape)}: expected {tuple(a.shape)}."
        return f"{text} {_describe_shapes(*general)}".strip()
    if family(a) != family(b) or b.element_size() < min(a.element_size(), 4):
        wanted = {"truth": "True and False", "whole": "whole numbers (int64)"}
        name = str(b.dtype).removeprefix("torch.")
        due = wanted.get(family(a), "floats (float32)")
        return f"It gives back {name}: expected {due}."
    if b.isnan().any() and not a.isnan().any():
        return (
            f"{int(b.isnan().sum())} of {b.numel()} numbers are NaN (not a number): "
            "0/0, inf − inf, a softmax over nothing but −inf, or one NaN in a sum."
        )
    if not torch.equal(a.isfinite(), b.isfinite()):
        n = int((b.isinf() & a.isfinite()).sum())
        what = f"{n} of {b.numel()} numbers are" if b.numel() > 1 else "The number is"
        why = "a division by 0, a logarithm of 0, or an exponential of a large number"
        return f"{what} infinite: {why}." if n else "An infinite number is expected."
    tensors = [pair for pair in tensors if pair[0].shape == pair[1].shape]
    factors = [_factor(x.double(), y.double(), tolerance) for x, y in tensors]
    several = a.numel() > 1 or len(tensors) > 1 == len({*factors})  # not by chance
    if family(a) == "real" and several and all(factors):
        what = "Every number" if a.numel() > 1 else "The number"
        what = f"{what} is {factors[0]} times what it should be"
        if len({*factors}) > 1:
            return f"{what} here, and other factors elsewhere: one of the sizes?"
        return f"{what}."
    if family(a) == "real" and all(_nearly(x, y) for x, y in tensors):
        return NEARLY
    if a.numel() == 1 and family(a) == "truth":
        cases = f"{len(tensors)} cases, first here" if len(tensors) > 1 else "one case"
        return f"It says {bool(b)} where {bool(a)} is right, in {cases}."
    if a.numel() == 1:
        return ""  # expected and got are shown
    wrong = int((~torch.isclose(a.double(), b.double(), tolerance, tolerance)).sum())
    return f"{wrong} of {a.numel()} numbers differ from the expected ones."


def _describe_shapes(a: Tensor, b: Tensor) -> str:
    if b.ndim == a.ndim and sorted(b.shape) == sorted(a.shape):
        return "The axes are swapped."
    if b.squeeze().shape == a.squeeze().shape:
        return f"An axis of size 1 is {'missing' if b.ndim < a.ndim else 'left over'}."
    if b.shape == a.shape[1:]:
        return "The first axis, the batch, is missing."
    if b.shape[1:] == a.shape != ():
        return "The first axis is left over: should something be summed over it?"
    if b.numel() == a.numel():
        return "The numbers are as many: something was flattened, or split elsewhere."
    if b.ndim < a.ndim:
        return "Something was summed, averaged or picked that should stay."
    return ""


def _close(x: Tensor, y: Tensor, tolerance: float) -> bool:
    return torch.allclose(x, y, rtol=10 * tolerance, atol=tolerance)


def _nearly(a: Tensor, b: Tensor) -> bool:
    near = torch.allclose(a.double(), b.double(), 0.01, 0.001 * a.abs().max().item())
    return near and not (a.equal(a.round()) and b.equal(b.round()))  # no counts


def _factor(a: Tensor, b: Tensor, tolerance: float) -> str:
    """By which simple number all of a were multiplied, or ""."""
    if (a.numel() != 1 and a.numel() < 3) or not a.any():
        return ""
    top = a.abs().nan_to_num(posinf=0.0).flatten().argmax()
    factor = (b.flatten()[top] / a.flatten()[top]).item()
    for name, nice in NICE.items():
        if math.isclose(factor, nice, rel_tol=1e-3) and _close(a * nice, b, tolerance):
            return name
    return ""


def beside(expected, got, parts: Sequence[str], tolerance: float) -> str:
    """Expected beside got: of large tensors the first piece in which they differ."""
    if isinstance(got, Raised):
        return f"    expected  {_one_line(expected)}\n    got       {got}"
    if _comparable(expected, got) and _has_tensors(expected):
        key, a, b = first_difference(expected, got, tolerance)
        return f"    {part_name(key, parts)}:\n{beside(a, b, (), tolerance)}"
    if isinstance(expected, Tensor) and isinstance(got, Tensor):
        return _beside_tensors(expected, got, tolerance)
    return f"    expected  {_one_line(expected)}\n    got       {_one_line(got)}"


def _comparable(a, b) -> bool:
    """Whether two values are lists of one length, or dicts with the same keys."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys()
    return isinstance(a, list) and isinstance(b, list) and len(a) == len(b)


def _has_tensors(value) -> bool:
    items = value.values() if isinstance(value, dict) else value
    return any(isinstance(v, dict) or (isinstance(v, Tensor) and v.ndim) for v in items)


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
        return [f"a tensor {tuple(x.shape)}"]
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
