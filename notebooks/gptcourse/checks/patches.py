"""Mistakes as patches: a printed solution with a few characters replaced.

A text of patches has the replacements of each, then, indented, what to say:

    now * V + following => following * V + now
        Rows and columns are swapped: row x, column y counts how often y follows x.

What stands before => must occur exactly once in the solution; nothing after it deletes.
A patch may have several such lines. A piece of several lines is written as in a diff,
"- " before each old and "+ " before each new line. "+ " lines alone replace the whole
body of the (last) function; `right` is the solution there: `+ return -right(x)`.
Read next: `core.py`.
"""

import ast
import copy
import itertools
import linecache
import math
import textwrap
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

# What every solution may use without an import, as in the notebooks.
NAMES = {"torch": torch, "nn": nn, "F": F, "Tensor": Tensor, "math": math, "np": np}
NAMES |= {"copy": copy, "Counter": Counter, "pairwise": itertools.pairwise}


@dataclass(frozen=True)
class Patch:
    """Replacements (old, new) in a source, and what to say; old "" is the body."""

    replacements: tuple[tuple[str, str], ...]
    says: str


def parse(text: str) -> list[Patch]:
    """The patches of a text; raises ValueError where one has no message or change."""
    lines = filter(str.strip, text.splitlines())
    runs = itertools.groupby(lines, lambda line: line.startswith("    "))
    runs = [[*run] for _, run in runs]  # changes and messages by turns
    if len(runs) % 2:
        raise ValueError(f"a patch without a message or a change: {runs[-1]}")
    return [
        Patch(_replacements(changes), " ".join(map(str.strip, says)))
        for changes, says in zip(runs[::2], runs[1::2], strict=True)
    ]


def _replacements(lines: list[str]) -> tuple[tuple[str, str], ...]:
    changes = []
    for line in lines:
        old, arrow, new = line.partition(" =>")
        if arrow:
            changes += [("-", old), ("+", new[1:])]
        elif line.startswith(("-", "+")):
            changes.append((line[0], line[2:]))
        else:
            raise ValueError(f"{line!r}: expected `old => new`, or an indent")
    runs = itertools.groupby(changes, lambda change: change[0])
    pieces = ["\n".join(line for _, line in run) for _, run in runs]
    if changes[0][0] == "+":  # the whole body
        pieces.insert(0, "")
    if len(pieces) % 2:
        raise ValueError(f"{lines}: expected a new piece after each old one")
    return tuple(zip(pieces[::2], pieces[1::2], strict=True))


def apply(source: str, patch: Patch) -> str:
    """The patched source; raises ValueError unless each piece occurs exactly once."""
    for old, new in patch.replacements:
        if not old:
            source = _with_body(source, new)
            continue
        count = source.count(old)
        if count != 1:
            raise ValueError(f"{old!r} occurs {count} times: expected exactly once")
        source = source.replace(old, new)
    return source


def _with_body(source: str, body: str) -> str:
    function = ast.parse(source).body[-1]
    start = function.body[0].lineno - 1
    head = source.splitlines()[:start]
    return "\n".join([*head, textwrap.indent(body, "    ")]) + "\n"


def load(source: str, title: str, **names) -> Callable:
    """What the last statement of a source defines; title names it in tracebacks."""
    source = source.strip() + "\n"
    linecache.cache[title] = (len(source), None, source.splitlines(True), title)
    space = {**NAMES, **names}
    tree = ast.parse(source, title)
    exec(compile(tree, title, "exec"), space)
    last = tree.body[-1]
    return space[last.name if hasattr(last, "name") else last.targets[0].id]
