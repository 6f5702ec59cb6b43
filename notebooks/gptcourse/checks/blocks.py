"""Exercises of 04_blocks: LayerNorm, its gradient, the block, dropout."""

import torch
from torch import nn, tensor

from gptcourse.checks.core import Case, Exercise
from gptcourse.checks.fixed import fill, numbers
from gptlib.model import Block

NORMS = ("layer", "native_layer", "batch", "group", "instance", "rms")

PAIRS = (tensor([[0.0, 2.0], [6.0, 2.0]]), torch.ones(2), torch.zeros(2), 1.0)


def affine(x, eps: float):
    C = x.size(-1)
    return x, numbers(C, start=50), numbers(C, start=60), eps


layer_norm = Exercise(
    """
def my_layer_norm(x, gain, bias, eps):
    mean = x.mean(dim=-1, keepdim=True)  # (..., 1)
    variance = x.var(dim=-1, unbiased=False, keepdim=True)  # (..., 1)
    return gain * (x - mean) / torch.sqrt(variance + eps) + bias
""",
    praise="each vector alone: mean 0, deviation 1, then gain and bias.",
    forbid=[f"{kind}_norm" for kind in NORMS],
    cases=[
        Case("[0, 2] and [6, 2], ε = 1, gain 1, bias 0", args=PAIRS),
        Case("one vector of four sevens", args=affine(torch.full((1, 4), 7.0), 0.01)),
        Case("a vector far from 0", args=affine(numbers(1, 5) + 100, 0.1)),
        Case("x of shape (4,)", args=affine(numbers(4), 0.5)),
        Case("two texts of three positions, C = 4", args=affine(numbers(2, 3, 4), 0.1)),
        Case("x of shape (2, 3, 5, 4)", args=affine(numbers(2, 3, 5, 4), 1e-5)),
    ],
    mistakes="""
eps) + bias => eps) + gain * bias
    The gain multiplies the bias, too: first times gain, then plus bias.
torch.sqrt(variance + eps) => (torch.sqrt(variance) + eps)
    ε is outside the root: expected √(σ² + ε), not √σ² + ε.
x.var(dim=-1, unbiased=False, keepdim=True) => (x * x).mean(-1, True) - mean**2
    E[x²] − E[x]² loses its digits for vectors far from 0: take the mean of (x − mean)².
mean(dim=-1 => mean(dim=1
var(dim=-1 => var(dim=1
    Mean and variance run over the positions, and so over the future: dim=-1.
(x - mean) / torch.sqrt(variance => x / torch.sqrt((x**2).mean(-1, keepdim=True)
    The mean is not subtracted: this divides by the root mean square, which is RMSNorm.
mean(dim=-1, => mean(dim=0,
var(dim=-1, => var(dim=0,
    Mean and variance run over the first axis, as in BatchNorm: each vector alone, -1.
x.mean(dim=-1, keepdim=True) => x.mean()
dim=-1, unbiased=False, keepdim=True => unbiased=False
    One mean and variance of all numbers: each vector has its own, dim=-1.
mean(dim=-1, keepdim=True) => mean(dim=-1)
False, keepdim=True => False
    Mean and variance have lost their axis and are laid along the rows: keepdim=True.
torch.sqrt(variance + eps) => (variance * x.size(-1) + eps).sqrt()
    The squares are added up: the variance is their mean.
torch.sqrt(variance + eps) => (variance + eps)
    The root is missing: this divides by the variance, not the deviation.
x.var(dim=-1, unbiased=False, keepdim=True) => (x**2).mean(dim=-1, keepdim=True)
    This divides by the root of the mean of x²: the variance is the mean of (x − mean)².
""",
)


THREE = tensor([[0.0, 2.0, 1.0]]), tensor([[1.0, 0.0, 0.0]]), 1.0
BATCH = numbers(2, 3, 4), numbers(2, 3, 4, start=50), 1e-5

layer_norm_gradient = Exercise(
    """
def my_layer_norm_gradient(x, dy, eps):
    s = torch.sqrt(x.var(-1, unbiased=False, keepdim=True) + eps)  # (..., 1)
    y = (x - x.mean(-1, keepdim=True)) / s  # (..., C)
    along = (dy * y).mean(-1, keepdim=True)  # (..., 1)
    return (dy - dy.mean(-1, keepdim=True) - y * along) / s  # (..., C)
""",
    praise="what is left of dy has mean 0 and no part along y: x cannot change those.",
    gradients=False,
    cases=[
        Case("x = [0, 2, 1], dy = [1, 0, 0], ε = 1", args=THREE),
        Case("one vector of four", args=(numbers(4), numbers(4, start=50), 0.5)),
        Case("two texts of three positions, C = 4", args=BATCH),
    ],
    mistakes="""
(dy - dy.mean(-1, keepdim=True) - y * along) => dy
    Only dy / s is here: μ and s depend on x, too, and each sends a gradient back.
- dy.mean(-1, keepdim=True) => - dy.mean()
(dy * y).mean(-1, keepdim=True) => (dy * y).mean()
    The means run over everything: each vector has its own, dim=-1 and keepdim=True.
torch.sqrt(x.var( => (x.std(
    ε is outside the root: s = √(σ² + ε).
- dy.mean(-1, keepdim=True) - y => - y
    The gradient through the mean μ is missing: it takes the mean of dy off.
y * along => x * along
(dy * y) => (dy * x)
    The last term uses x, not the normalised y = (x - μ) / s.
y * along) => y * along / (y**2).mean(-1, keepdim=True))
    All of dy along y is taken off: ε leaves y a mean square below 1, so a little stays.
""",
)


def stand_ins():
    """Layers whose shares in the result can be read off its digits."""
    x = tensor([[[1.0, 3.0]]])  # (1, 1, 2): LayerNorm makes it (-1, 1)
    twice = nn.LayerNorm(2)
    nn.init.constant_(twice.weight, 2.0)
    return x, nn.LayerNorm(2), lambda x: -10 * x, twice, lambda x: 100 * x


def real_layers():
    block = fill(Block(4, 2))
    return numbers(2, 3, 4), block.ln_1, block.attn, block.ln_2, block.mlp


pre_norm_block = Exercise(
    """
def my_block(x, ln_1, attn, ln_2, mlp):
    x = x + attn(ln_1(x))  # (B, T, C)
    return x + mlp(ln_2(x))  # (B, T, C)
""",
    keeps=("x",),
    praise="each layer reads a normalised copy and adds its correction to the stream.",
    cases=[
        Case("x = [1, 3], attn is -10 x, mlp 100 x, ln_2 has gain 2", args=stand_ins),
        Case("two texts of three positions, C = 4, real layers", args=real_layers),
    ],
    mistakes="""
+ return x + mlp(ln_2(x + attn(ln_1(x))))
    The correction of attn reaches mlp, but is missing from the last sum.
x + attn(ln_1(x)) => ln_1(x + attn(x))
x + mlp(ln_2(x)) => ln_2(x + mlp(x))
    This is the post-norm block: normalise only what each layer reads.
attn(ln_1(x)) => ln_1(attn(x))
mlp(ln_2(x)) => ln_2(mlp(x))
    The LayerNorms come after the layers: expected before, on what the layers read.
x + attn => attn
x + mlp => mlp
    The residual connections are missing: each layer is to add to the stream.
x = x + attn => x = x - attn
return x + mlp => return x - mlp
    The corrections are subtracted: add them to the stream.
+ a = attn(ln_1(x))
+ return x + a + mlp(ln_2(a))
    mlp reads attn's correction alone: it reads the stream with the correction in it.
return x + mlp(ln_2(x)) => return ln_2(x + mlp(ln_2(x)))
    A LayerNorm stands at the end, too: what is added to the stream stays as it is.
x = x + attn(ln_1(x)) => x = ln_1(x); x = x + attn(x); x = ln_2(x)
ln_2(x))  # (B, T, C) => x)
    The stream is overwritten by its normalised form: call attn(ln_1(x)), keep x.
+ return x + attn(ln_1(x)) + mlp(ln_2(x))
    Both layers read the stream that came in: mlp must read what attn has corrected.
+ return right(x, ln_2, mlp, ln_1, attn)
    mlp comes before attn: gather first, then think.
""",
)


X, U = tensor([1.0, 2.0, 3.0, 4.0]), tensor([0.1, 0.8, 0.5, 0.9])
U_2 = (numbers(2, 3, 4, start=9) / 4 + 0.5).clamp(0, 0.999)
QUARTERS = tensor([0.5, 0.25, 0.75, 0.0])

inverted_dropout = Exercise(
    """
def my_dropout(x, p, u, training):
    if not training:
        return x
    return torch.where(u < p, 0.0, x / (1 - p))
""",
    praise="zeros where u is below p, the others divided by 1-p, and eval untouched.",
    cases=[
        Case("x = 1 to 4, u = [0.1, 0.8, 0.5, 0.9], p = 0.75", args=(X, 0.75, U, True)),
        Case("the same with p = 0", args=(X, 0.0, U, True)),
        Case("the same in eval mode: training=False", args=(X, 0.75, U, False)),
        Case("p = 0.5 and u = [0.5, 0.25, 0.75, 0]", args=(X, 0.5, QUARTERS, True)),
        Case("two texts of three, C = 4, p = 0.2", args=(BATCH[0], 0.2, U_2, True)),
    ],
    mistakes="""
return x => return x * (1 - p)
x / (1 - p) => x
    The scale is in the wrong mode: divide by 1-p in training, and leave eval alone.
return x => return x / (1 - p)
    The factor 1/(1-p) is applied in eval mode, too, where nothing is dropped.
u < p => u >= p
    The wrong numbers are dropped: those with u below p must go.
u < p, 0.0, x / (1 - p) => u >= p, 0.0, x / p
    p is taken for the probability of staying: it is that of being dropped.
x / (1 - p) => x
    The numbers that stay are not scaled: without the factor 1/(1-p) the mean shrinks.
""",
)
