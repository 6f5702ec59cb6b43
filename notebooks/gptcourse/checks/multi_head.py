"""Exercises of 03_multi_head: many heads side by side, and one matrix."""

import torch
from torch import nn, tensor
from torch.overrides import TorchFunctionMode

from gptcourse.checks.core import Case, Exercise
from gptcourse.checks.fixed import fill, layer, linear, numbers
from gptcourse.checks.recognise import Mistake
from gptlib.attention import Head


def separate_heads(B: int, T: int, C: int, H: int):
    """Arguments of join_heads: x, heads, proj."""
    x, d = numbers(B, T, C), C // H
    return lambda: (x, [layer(C, d, 100 * n) for n in range(H)], layer(C, C, 1000))


def scaled_heads():
    heads = [linear(tensor([[10.0, 0.0]])), linear(tensor([[100.0, 0.0]]))]
    return tensor([[[1.0, 2.0], [3.0, 4.0]]]), heads, linear(torch.eye(2))


join_heads = Exercise(
    """
def my_layer(x, heads, proj):
    outputs = [head(x) for head in heads]  # H × (B, T, d)
    return proj(torch.cat(outputs, dim=-1))  # (B, T, C)
""",
    praise="channels 0 to d - 1 are head 0's, the next d head 1's; then proj mixes.",
    cases=[
        Case("head 0 gives 10 x, head 1 100 x; proj does nothing", args=scaled_heads),
        Case("two texts of two, C = 4, two heads", args=separate_heads(2, 2, 4, 2)),
        Case("two texts of four, C = 6, three heads", args=separate_heads(2, 4, 6, 3)),
    ],
    mistakes="""
-1 => 1
    The heads are concatenated along the positions: dim=-1 sets them side by side.
torch.cat(outputs, dim=-1) => sum(outputs)
    The heads are added up: set them side by side along the channels.
cat(outputs, dim=-1) => stack(outputs, dim=-1).flatten(2)
    The channels are interleaved: the first d belong to head 0, the next d to head 1.
cat(outputs, dim=-1) => stack(outputs, dim=1).reshape(x.shape)
    The reshape mixes positions: the channels of one position must stay together.
proj(torch.cat(outputs, dim=-1)) => torch.cat(outputs, dim=-1) @ proj.weight.T
    The bias of proj is left out: call the layer, proj(…).
torch.cat(outputs, dim=-1) => torch.cat([head(proj(x)) for head in heads], dim=-1)
return proj( => return (
    proj comes first: it comes last, after the concatenation.
""",
)


def named_numbers(B: int, T: int, C: int, H: int):
    """(x, H). The numbers tell where they are: 302 is time 3, head 0, channel 2."""
    d = C // H
    t = 100 * torch.arange(T).view(T, 1, 1)
    h = 10 * torch.arange(H).view(H, 1)
    text = 1000 * torch.arange(B).view(B, 1, 1)
    return (text + (t + h + torch.arange(d)).view(1, T, C)).float(), H


split_heads = Exercise(
    """
def my_split(x, n_head):
    B, T, C = x.shape
    x = x.view(B, T, n_head, C // n_head)  # (B, T, H, d)
    return x.transpose(1, 2)  # (B, H, T, d)
""",
    praise="heads before time, and the channels of a position stay together.",
    cases=[
        Case("two heads of 2; 110 is time 1, head 1", args=named_numbers(1, 2, 4, 2)),
        Case("one position, one head of 3", args=named_numbers(1, 1, 3, 1)),
        Case("two texts of four, three heads of 2", args=named_numbers(2, 4, 6, 3)),
        Case("two texts of three, four heads of 5", args=named_numbers(2, 3, 20, 4)),
    ],
    mistakes="""
T, n_head, C // n_head) => n_head, T, C // n_head)
.transpose(1, 2) =>
    A view straight to (B, H, T, d) cuts the *time* into heads: view, then transpose.
n_head, C // n_head) => C // n_head, n_head)
transpose(1, 2) => permute(0, 3, 1, 2)
    The channels are dealt out in turn: view (B, T, H, d), not (B, T, d, H).
n_head, C // n_head) => C // n_head, n_head)
    n_head is taken for the width of a head: there are n_head, each C / n_head wide.
+ return x.transpose(1, 2).reshape(len(x), n_head, x.size(1), -1)
    Transposed first, then cut: view (B, T, H, d) first, then transpose.
.transpose(1, 2) =>
    The axes are (B, T, H, d): one step is left, heads before time.
""",
)


def ones_and_tens():
    """Two positions, two heads of width 1; head 0 carries 1s, head 1 carries 10s."""
    qkv = nn.Linear(2, 6, bias=False)
    columns = [[1, -1, 0.5, 0.5, 1, 10], [2, 1, -0.5, 1.5, 2, 20]]
    with torch.no_grad():
        qkv.weight.copy_(tensor(columns).T)
    return torch.eye(2)[None], qkv, linear(torch.eye(2)), 2


def attention(B: int, T: int, C: int, H: int, size: float = 2.0):
    """Arguments of many_heads: x up to ± size, qkv, proj, n_head."""
    x = numbers(B, T, C, size=size)
    return lambda: (x, layer(C, 3 * C, 50), layer(C, C, 1000), H)


many_heads = Exercise(
    """
def my_heads(x, qkv, proj, n_head):
    B, T, C = x.shape
    d = C // n_head
    parts = qkv(x).split(C, dim=-1)  # 3 × (B, T, C)
    q, k, v = (
        part.view(B, T, n_head, d).transpose(1, 2) for part in parts
    )  # (B, H, T, d)
    scores = q @ k.transpose(2, 3) / math.sqrt(d)  # (B, H, T, T)
    past = torch.ones(T, T, dtype=torch.bool).tril()  # (T, T)
    w = F.softmax(scores.masked_fill(~past, -math.inf), dim=-1)
    y = (w @ v).transpose(1, 2).reshape(B, T, C)  # (B, T, C)
    return proj(y)  # (B, T, C)
""",
    praise="every head attends to its own channels, and the projection mixes them.",
    cases=[
        Case("values 1, 2 in head 0 and 10, 20 in head 1", args=ones_and_tens),
        Case("one position, two heads, C = 4", args=attention(1, 1, 4, 2)),
        Case("two texts of three, C = 8, two heads", args=attention(2, 3, 8, 2)),
        Case("large scores, C = 4", args=attention(1, 3, 4, 2, 12.0), large=True),
        Case("three texts of four, C = 6, three heads", args=attention(3, 4, 6, 3)),
    ],
    mistakes="""
part.view(B, T, n_head, d).transpose(1, 2) => part.reshape(B, n_head, T, d)
    A view straight to (B, H, T, d) cuts the *time* into heads: view, then transpose.
(w @ v).transpose(1, 2) => (w @ v)
    The way back lacks a transpose: make (B, T, H, d) of (B, H, T, d) first.
n_head, d).transpose(1, 2) => d, n_head).permute(0, 3, 1, 2)
    The channels are dealt out in turn: view (B, T, H, d), not (B, T, d, H).
(w @ v) => (w @ v).mean(1, keepdim=True).expand(v.shape)
    The heads are averaged: set them side by side, d channels each.
q, k, v => k, q, v
    Queries and keys are swapped: qkv(x) holds queries, keys, values.
q, k, v => q, v, k
    Keys and values are swapped: qkv(x) holds queries, keys, values.
qkv(x).split(C, dim=-1) => qkv(x).view(B, T, n_head, 3, d).unbind(3)
view(B, T, n_head, d) => reshape(B, T, n_head, d)
    qkv(x) is read head by head: it holds all queries, then all keys, then all values.
d = C // n_head => d, n_head = n_head, C // n_head
    n_head is taken for the width of a head: there are n_head, each C / n_head wide.
part.view(B, T, n_head, d).transpose(1, 2) => part.view(B, T, n_head, d)
torch.ones(T, T => torch.ones(n_head, n_head
(w @ v).transpose(1, 2) => (w @ v)
    At each position heads attend to heads: view, then transpose(1, 2), to (B, H, T, d).
""",
)


def named_head(n: int) -> Head:
    """query, key, value give 10, 20, 30 plus the head's number, where x is 0."""
    head = fill(Head(2, 1, 1))
    for tens, part in enumerate((head.query, head.key, head.value), start=1):
        nn.init.constant_(part.bias, 10.0 * tens + n)
    return head


class Products(TorchFunctionMode):
    """Counts matrix products."""

    count = 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        name = getattr(func, "__name__", "").strip("_")
        self.count += name in ("linear", "matmul", "mm", "bmm", "addmm", "einsum")
        return func(*args, **(kwargs or {}))


def named(answer):
    return answer([named_head(0), named_head(1)])(torch.zeros(1, 2))


def joined(B: int, T: int, C: int, H: int):
    """A probe: what the joined layer gives for an x."""

    def probe(answer):
        made = answer([fill(Head(C, C // H, T), 1000 * n) for n in range(H)])
        return made(numbers(B, T, C))

    return probe


def count_products(answer):
    made = answer([fill(Head(4, 2, 3)), fill(Head(4, 2, 3), 1000)])
    with Products() as products:
        made(numbers(2, 3, 4))
    return max(products.count, 1)  # a product can be written as multiply and sum


one_matrix = Exercise(
    """
def my_matrix(heads):
    kinds = ("query", "key", "value")
    parts = [getattr(head, kind) for kind in kinds for head in heads]
    C = parts[0].in_features
    qkv = nn.Linear(C, 3 * C)
    with torch.no_grad():
        qkv.weight.copy_(torch.cat([part.weight for part in parts]))
        qkv.bias.copy_(torch.cat([part.bias for part in parts]))
    return qkv
""",
    praise="one product gives every head's query, key and value.",
    cases=[
        Case("biases only: 10s queries, 20s keys, 30s values; ones: heads", named),
        Case("matrix products per call of the layer", count_products),
        Case("two heads, C = 4: the layer on two texts of three", joined(2, 3, 4, 2)),
        Case("three heads, C = 6: the layer on two texts of three", joined(2, 3, 6, 3)),
    ],
    mistakes="""
kind in kinds for head in heads => head in heads for kind in kinds
    The parts come head by head: expected all queries, then all keys, then all values.
[part.weight for part in parts] => [part.weight for part in parts], 1).view(3 * C, C
    The matrices are joined along the inputs: join along dim=0, the outputs.
"query", "key" => "key", "query"
    Keys come before queries: expected queries, keys, values.
""",
    more=[
        Mistake(
            "Only the biases are wrong: join them, too, in the order of the matrices.",
            when=lambda got, expected: (  # the same difference at every position
                not got[0].equal(expected[0])
                and (got[-1] - expected[-1]).flatten(0, 1).std(0).max() < 1e-4
            ),
        ),
        Mistake(
            "The numbers are right, but take several matrix products: join the heads.",
            when=lambda got, expected: got[1] > 1 and got[0].equal(expected[0]),
        ),
        Mistake(
            "The layer has numbers of its own: copy the heads' under torch.no_grad().",
            when=lambda got, expected: (
                got[0].shape == expected[0].shape and bool((got[0].abs() < 2).all())
            ),
        ),
    ],
)
