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


def attention_of(B: int, T: int, C: int, n_head: int, name="attn", size=1.0):
    """x (B, T, C) and the four tensors of a published attention layer, C wide."""
    shapes = {"c_attn.weight": (C, 3 * C), "c_attn.bias": (3 * C,)}
    shapes |= {"c_proj.weight": (C, C), "c_proj.bias": (C,)}
    w = {
        f"{name}.{part}": numbers(*shape, start=40 * i, size=1.0)
        for i, (part, shape) in enumerate(shapes.items())
    }
    return numbers(B, T, C, start=500, size=size), w, name, n_head


published_attention = Exercise(
    """
def my_attend(x, w, name, n_head):
    B, T, C = x.shape
    qkv = x @ w[f"{name}.c_attn.weight"] + w[f"{name}.c_attn.bias"]  # (B, T, 3C)
    q, k, v = qkv.split(C, dim=-1)  # (B, T, C) each
    q, k, v = (t.view(B, T, n_head, -1).transpose(1, 2) for t in (q, k, v))
    scores = q @ k.transpose(2, 3) / (C // n_head) ** 0.5  # (B, H, T, T)
    future = torch.ones(T, T, dtype=torch.bool).triu(1)
    mixed = scores.masked_fill(future, -torch.inf).softmax(-1) @ v  # (B, H, T, d)
    mixed = mixed.transpose(1, 2).reshape(B, T, C)
    return mixed @ w[f"{name}.c_proj.weight"] + w[f"{name}.c_proj.bias"]
""",
    praise="three thirds, then heads, and the file's matrices as they are: x @ W + b.",
    gradients=False,
    cases=[
        Case(title, args=attention_of(*sizes))
        for title, sizes in {
            "one token, 2 wide, one head": (1, 1, 2, 1),
            "two tokens, 4 wide, two heads": (1, 2, 4, 2),
            "scores in the hundreds": (1, 3, 4, 2, "attn", 20.0),
            "two texts of three, 8 wide, two heads": (2, 3, 8, 2, "h.3.attn"),
        }.items()
    ],
    mistakes="""
c_proj.weight"] => c_proj.weight"].T
    c_proj's matrix is transposed: it is stored (in, out), so x @ W as it is.
q, k, v = qkv => k, q, v = qkv
    Queries and keys are swapped: the columns of c_attn are queries, keys, values.
qkv.split(C, dim=-1) => qkv.view(B, T, n_head, 3, -1).transpose(2, 3).unbind(2)
t.view => t.reshape
    c_attn is cut into heads first: all queries come first, then all keys, all values.
mixed.transpose(1, 2).reshape => mixed.reshape
    The heads are joined without transpose(1, 2) before the reshape.
return mixed @ w[f"{name}.c_proj.weight"] + w[f"{name}.c_proj.bias"] => return mixed
    c_proj is missing: what the heads found goes through one matrix more.
c_attn.weight"] => c_attn.weight"].T
    c_attn's matrix is transposed: it is stored (in, out), so x @ W as it is.
- t.view(B, T, n_head, -1).transpose(1, 2)
+ t.view(B, T, -1, n_head).permute(0, 3, 1, 2)
    Head 0 has every n_head-th column: it has the first C / H, view(B, T, n_head, d).
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
