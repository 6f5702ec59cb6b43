"""How a wrong value differs from the expected one, in a sentence and side by side.

Used by `core.py`. A factor is named only if it is a simple one and holds in all cases
that went wrong.
"""

import itertools
import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from gptcourse.checks.values import Raised, family, items, kind_of, numeric, same, short

NEARLY = (
    "Nearly right, to within 1%: is a small number added somewhere, something rounded, "
    "or a constant not quite exact?"
)
NAN = "0/0, inf − inf, a softmax over nothing but −inf, or one NaN in a sum"
INFINITE = "a division by 0, a logarithm of 0, or an exponential of a large number"
NICE = {
    "ln 2 (nats, not bits)": math.log(2),
    "1 / ln 2 (bits, not nats)": 1 / math.log(2),
    **{f"{n}": n for n in range(2, 65)},
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
        return _describe_parts(expected, got, parts, tolerance)
    if isinstance(expected, str) and isinstance(got, str):
        pairs = zip(expected, got, strict=False)
        n = len([*itertools.takewhile(lambda pair: pair[0] == pair[1], pairs)])
        rest, other = short(expected[n:], 30), short(got[n:], 30)
        return f"From character {n + 1} on the text is {other}: expected {rest}."
    wanted = Tensor if isinstance(expected, Tensor) and expected.ndim else object
    if not (numeric(expected) and numeric(got) and isinstance(got, wanted)):
        return f"It gives back {kind_of(got)}: expected {kind_of(expected)}."
    pairs = [(torch.as_tensor(a), torch.as_tensor(b)) for a, b in wrong if numeric(b)]
    return _describe_numbers(pairs, tolerance)


def _describe_parts(expected, got, parts, tolerance) -> str:
    if isinstance(expected, dict) and expected.keys() != got.keys():
        if missing := [key for key in expected if key not in got]:
            return f"The key {missing[0]!r} is missing ({len(missing)} in all)."
        return f"The key {next(k for k in got if k not in expected)!r} is one too many."
    if len(expected) != len(got):
        return f"The length is {len(got)}: expected {len(expected)}."
    several = isinstance(got, list) and (parts or len(got) > 2)
    if several and same(expected, got[::-1], tolerance):
        return "These are the right values in another order."
    key, a, b = first_difference(expected, got, tolerance)
    inner = describe([(a, b)], (), tolerance)
    if not inner:  # unnamed items speak for themselves where they are shown
        named = isinstance(expected, dict) or key < len(parts)
        return f"In {part_name(key, parts)} the numbers differ." if named else ""
    joint = ", " if inner.startswith("In ") else ": "
    return f"In {part_name(key, parts)}{joint}{inner.removeprefix('In ')}"


def first_difference(expected, got, tolerance) -> tuple:
    """(key or index, expected, got) of the first item of two lists or dicts."""
    a, b = items(expected), items(got)
    return next((k, a[k], b[k]) for k in a if not same(a[k], b[k], tolerance))


def part_name(key, parts: Sequence[str]) -> str:
    """What an item is called inside a sentence."""
    if isinstance(key, int) and key < len(parts):
        return parts[key]
    return f"item {key} (from 0)" if isinstance(key, int) else f"the entry {key!r}"


def _describe_numbers(pairs: list[tuple[Tensor, Tensor]], tolerance: float) -> str:
    a, b = pairs[0]
    if a.shape != b.shape:
        text = f"The shape is {tuple(b.shape)}: expected {tuple(a.shape)}."
        return f"{text} {_describe_shapes(a, b)}".strip()
    if family(a) != family(b) or b.element_size() < min(a.element_size(), 4):
        wanted = {"truth": "True and False", "whole": "whole numbers (int64)"}
        name = str(b.dtype).removeprefix("torch.")
        due = wanted.get(family(a), "floats (float32)")
        return f"It gives back {name}: expected {due}."
    for found, what, why in (
        (b.isnan(), "NaN (not a number)", NAN),
        (b.isinf(), "infinite", INFINITE),
    ):
        if n := int((found & a.isfinite()).sum()):
            return f"{n} of {b.numel()} numbers are {what}: {why}."
    pairs = [(x.double(), y.double()) for x, y in pairs if x.shape == y.shape]
    if family(a) == "real" and (a.numel() > 1 or len(pairs) > 1):  # not by chance
        factors = {_factor(x, y) for x, y in pairs}
        if len(factors) == 1 and (factor := factors.pop()):
            what = "Every number" if a.numel() > 1 else "The number"
            return f"{what} is {factor} times what it should be."
    if family(a) == "real" and all(_nearly(x, y) for x, y in pairs):
        return NEARLY
    if a.numel() == 1:
        return ""  # expected and got are shown
    wrong = int((~torch.isclose(*pairs[0], tolerance, tolerance)).sum())
    return f"{wrong} of {a.numel()} numbers differ from the expected ones."


def _describe_shapes(a: Tensor, b: Tensor) -> str:
    if sorted(b.shape) == sorted(a.shape):
        return "The axes are swapped."
    if b.squeeze().shape == a.squeeze().shape:
        return f"An axis of size 1 is {'missing' if b.ndim < a.ndim else 'left over'}."
    if b.shape == a.shape[1:]:
        return "The first axis is missing."
    if b.ndim < a.ndim:
        return "Something was summed, averaged or picked that should stay."
    return ""


def _nearly(a: Tensor, b: Tensor) -> bool:
    near = torch.allclose(a, b, 0.01, 1e-4)
    return near and not (a.equal(a.round()) and b.equal(b.round()))  # no counts


def _factor(a: Tensor, b: Tensor) -> str:
    """By which simple number all of a were multiplied, or ""."""
    if a.numel() == 2 or not a.any():
        return ""
    for name, nice in NICE.items():
        if torch.allclose(a * nice, b, 1e-3, 1e-4):
            return name
    return ""


def beside(expected, got, parts: Sequence[str], tolerance: float) -> str:
    """Expected beside got: of large values the first piece in which they differ."""
    inside = items(expected)
    large = any(isinstance(v, dict) or getattr(v, "ndim", 0) for v in inside.values())
    if large and inside.keys() == items(got).keys():
        key, a, b = first_difference(expected, got, tolerance)
        return f"    {part_name(key, parts)}:\n{beside(a, b, (), tolerance)}"
    if isinstance(expected, Tensor) and isinstance(got, Tensor) and expected.ndim:
        return _beside_tensors(expected, got, tolerance)
    return f"    expected  {_one_line(expected)}\n    got       {_one_line(got)}"


def _one_line(value) -> str:
    if isinstance(value, Tensor) and value.ndim:
        return "\n              ".join(_rows(value, _digits(value, value, 1e-4)))
    if isinstance(value, list) and any(isinstance(v, Tensor) for v in value):
        return f"a list of {len(value)}: " + ", ".join(map(kind_of, value))
    if isinstance(value, list):
        text = "[" + ", ".join(map(_one_line, value)) + "]"
        return text if len(text) <= 90 else text[:89] + "…"
    value = value.item() if isinstance(value, Tensor) else value
    return f"{value:.6g}" if isinstance(value, float) else short(value)


def _beside_tensors(a: Tensor, b: Tensor, tolerance: float) -> str:
    where = ""
    if a.shape == b.shape and a.ndim > 2:
        close = torch.isclose(a.double(), b.double(), tolerance, tolerance, True)
        index = torch.unravel_index(close.int().argmin(), a.shape)[:-2]
        where = [int(n) for n in index]
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
    """As few decimals as show what differs: 0 for whole numbers, else 2 to 6."""
    a, b = a.double(), b.double()
    if all(same(x.round(), x, 1e-6) for x in (a, b)):
        return 0
    if a.shape != b.shape:
        return 3
    differs = ~torch.isclose(a, b, tolerance, tolerance, True)
    for digits in range(2, 6):
        if (a.round(decimals=digits) != b.round(decimals=digits))[differs].all():
            return digits
    return 6


def _rows(x: Tensor, digits: int) -> list[str]:
    """A tensor as lines, columns aligned; what is too large is cut with dots."""
    if x.ndim > 2:
        return [f"a tensor {tuple(x.shape)}"]
    if x.is_floating_point():
        x = x.double().round(decimals=digits) + 0.0  # no -0.00
    with np.printoptions(precision=digits, floatmode="fixed", suppress=True):
        text = np.array2string(x.numpy(), 200, threshold=0, edgeitems=4, separator=", ")
    return text.splitlines()
