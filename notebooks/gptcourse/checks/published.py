"""Exercises of 16_gpt2 and 17_scaling: a published file, sizes for a budget."""

import functools
import math

import torch

from gptcourse.checks.core import Case, Exercise
from gptcourse.checks.fixed import numbers
from gptcourse.checks.values import floats
from gptlib.hub.pretrained import is_transposed, their_name
from gptlib.model import GPT, GPTConfig


@functools.cache
def published_file(vocab: int, T: int, layers: int, C: int) -> dict:
    """What a published file of that shape holds: names, shapes, and the old masks.

    Made once, for answers get copies.
    """
    config = GPTConfig(vocab, T, n_layer=layers, n_head=1, n_embd=C)
    file = {}
    # Not on the meta device: its first random number imports for seconds.
    for i, (ours, weight) in enumerate(GPT(config).state_dict().items()):
        name = their_name(ours)
        shape = weight.T.shape if is_transposed(name) else weight.shape
        file[name] = numbers(*shape, start=100 * i)
    for i in range(layers):
        file[f"h.{i}.attn.bias"] = torch.ones(1, 1, T, T).tril()
        file[f"h.{i}.attn.masked_bias"] = torch.tensor(-1e4)
    return file


def names_in(answer):
    """The names alone, or what is no dictionary as it is."""
    given = answer(published_file(3, 4, 1, 2))
    return dict.fromkeys(given) if isinstance(given, dict) else given


read_published = Exercise(
    """
OURS = {"h": "blocks", "c_attn": "qkv", "c_proj": "proj", "c_fc": "fc"}


def my_weights(published):
    ours = {}
    for name, tensor in published.items():
        if name.endswith((".attn.bias", ".attn.masked_bias")):
            continue
        if ".c_" in name and name.endswith(".weight"):
            tensor = tensor.T
        parts = [OURS.get(part, part) for part in name.split(".")]
        ours[".".join(parts)] = tensor
    return ours
""",
    praise="whole names, no masks, all four matrices transposed, the square one too.",
    cases=[
        Case("names", names_in),
        *(
            Case(n, lambda f, n=n: f(published_file(3, 4, 1, 2))[f"{n}.weight"])
            for n in ("blocks.0.attn.proj", "blocks.0.mlp.fc", "wte")
        ),
        Case("twelve blocks", args=lambda: (published_file(5, 3, 12, 4),)),
    ],
    mistakes="""
- parts = [OURS.get(part, part) for part in name.split(".")]
+ parts = [OURS.get(p, p) for p in name.replace("h", "blocks").split(".")]
    weight has an h, too: rename whole parts, split at the dots.
- if ".c_" in name and name.endswith(".weight"):
+ if ".c_" in name and tensor.ndim == 2 and tensor.size(0) != tensor.size(1):
    attn.c_proj is not transposed: it is square, but stored (in, out), too.
tensor.T => tensor.reshape(tensor.shape[::-1])
    The numbers are mixed up: .T makes rows of columns, view and reshape do not.
name.split(".")] => name.split(".")[1:]]
    The first part of every name is cut off: these names do not begin with transformer.
".c_" in name and => ".c_" in name and "c_proj" not in name and
    c_proj's matrices are not transposed: all four of a block are stored (in, out).
""",
)


SIZES = [30_000, 80_000, 200_000, 300_000, 900_000]
VALLEY = [2 + 0.05 * (math.log(n) - 12.5) ** 2 for n in SIZES]

best_size = Exercise(
    """
def my_best_size(sizes, losses):
    a, b, _ = np.polyfit(np.log(sizes), losses, 2)
    return np.exp(-b / (2 * a))
""",
    praise="the lowest point of the parabola in ln N, as a number of parameters.",
    tolerance=0.02,  # normal equations in float32 are no better
    result=floats,
    cases=[
        Case(f"sizes {sizes}", args=(sizes, losses))
        for sizes, losses in (
            ([10_000, 100_000, 1_000_000], [2.2, 2.0, 2.1]),
            (SIZES, VALLEY),
            (SIZES[::-1], [2.24, 2.05, 2.10, 2.16, 2.21]),
            ([20_000, 50_000, 90_000, 400_000], [6.0, 3.0, 2.0, 3.5]),
            ([10_000, 50_000, 100_000, 1_000_000], [9.0, 2.0, 1.5, 6.0]),
        )
    ],
    mistakes="""
+ return sizes[int(np.argmin(losses))]
    This is the best size measured: the parabola's lowest point may lie anywhere.
+ a, b, _ = np.polyfit(sizes, losses, 2)
+ return -b / (2 * a)
    The parabola is laid through (N, loss): expected through (ln N, loss).
losses, 2) => np.log(losses), 2)
    The logarithm of the losses is taken, too: the points are (ln N, loss).
np.exp( => 10 ** (
    np.log in, but 10 to the power out: np.exp undoes np.log.
b, _ => b, c
np.exp(-b / (2 * a)) => c - b**2 / (4 * a)
    This is the loss at the lowest point: asked is the size there.
+ a, b = np.polyfit(np.log(sizes), losses, 1)
+ return np.exp(-b / a)
    A straight line is fitted: a parabola has degree 2.
+ i = min(max(int(np.argmin(losses)), 1), len(sizes) - 2)
+ return right(sizes[i - 1 : i + 2], losses[i - 1 : i + 2])
    The parabola goes through three points around the lowest only: fit it to all.
""",
)

best_split = Exercise(
    """
def my_split(budget, A, B, alpha, beta):
    factor = (alpha * A / (beta * B)) ** (1 / (alpha + beta))
    n = factor * (budget / 6) ** (beta / (alpha + beta))
    return n, budget / 6 / n
""",
    praise="N · D = F / 6, split where one more of either would help as much.",
    parts=("N", "D"),
    result=floats,
    tolerance=1e-3,
    cases=[
        Case(str(args), args=args)
        for args in (
            (6e8, 9.0, 1.0, 0.5, 0.5),
            (6e10, 2.0, 3.0, 0.6, 0.4),
            (5.76e23, 406.4, 410.7, 0.34, 0.28),  # the published law
        )
    ],
    mistakes="""
(budget / 6) => budget
budget / 6 / n => budget / n
    N · D is the whole budget: it must be a sixth, F = 6 N D.
budget / 6 / n => factor * (budget / 6) ** (alpha / (alpha + beta))
    D has the factor of N: divide by it, so that N · D = F / 6.
(budget / 6) => (budget / 2)
budget / 6 / n => budget / 2 / n
    N · D is half the budget: a token costs 6 N, forward and backward, so a sixth.
alpha * A / (beta * B) => beta * A / (alpha * B)
    α and β are exchanged in the factor: α A / β B.
(beta / => (alpha /
    The exponents are swapped: N grows with the power β / (α + β), D with α / (α + β).
""",
)
