"""Exercise of 16_gpt2: an attention layer from the tensors of a published file."""

from functools import partial

import torch

from gptcourse.checks.before.core import Case, Exercise, Mistake
from gptcourse.checks.before.values import Raised
from gptcourse.checks.fixed import numbers


def layers(C: int, name: str = "attn") -> dict:
    """The four tensors of a published attention layer, C wide."""
    shapes = {"c_attn.weight": (C, 3 * C), "c_attn.bias": (3 * C,)}
    shapes |= {"c_proj.weight": (C, C), "c_proj.bias": (C,)}
    return {
        f"{name}.{part}": numbers(*shape, start=40 * i, size=1.0)
        for i, (part, shape) in enumerate(shapes.items())
    }


def causal(scores):
    T = scores.size(-1)
    future = torch.ones(T, T, dtype=torch.bool).triu(1)
    return scores.masked_fill(future, -torch.inf)


def halves(x, n_head):
    B, T, C = x.shape
    return x.view(B, T, n_head, C // n_head).transpose(1, 2)


def thirds(x, n_head, order=(0, 1, 2)):
    parts = x.chunk(3, dim=-1)
    return [halves(parts[i], n_head) for i in order]


def head_by_head(x, n_head):
    B, T, width = x.shape
    x = x.view(B, T, n_head, width // n_head).transpose(1, 2)
    return x.chunk(3, dim=-1)


def columns_in_turn(x, n_head):
    B, T, width = x.shape
    return [halves(x.view(B, T, width // 3, 3)[..., i], n_head) for i in range(3)]


def joined(x):
    return x.transpose(1, 2).flatten(2)


def attend(
    x,
    w,
    name,
    n_head,
    *,
    cut=thirds,
    mask=causal,
    scale=lambda C, H: (C // H) ** -0.5,
    dim=-1,
    join=joined,
    proj=lambda x, W, b: x @ W + b,
    bias=1,
    turn=lambda W: W,
):
    """Attention from a published file, and with other settings the mistakes."""
    C = x.size(-1)
    qkv = x @ turn(w[f"{name}.c_attn.weight"]) + bias * w[f"{name}.c_attn.bias"]
    q, k, v = cut(qkv, n_head)  # (B, H, T, d) each
    scores = mask(q @ k.mT * scale(C, n_head))
    mixed = join(scores.softmax(dim) @ v)
    return proj(mixed, w[f"{name}.c_proj.weight"], w[f"{name}.c_proj.bias"])


def reshaped_turn(W):
    return W.T.reshape(W.shape)


def heads_cut_from_rows(x, n_head):
    B, T, C = x.size(0), x.size(1), x.size(2) // 3
    return [part.reshape(B, n_head, T, C // n_head) for part in x.chunk(3, dim=-1)]


def ask_attention(B: int, T: int, C: int, n_head: int):
    def probe(answer):
        x = numbers(B, T, C, start=500, size=1.0)
        return answer(x, layers(C, "h.3.attn"), "h.3.attn", n_head)

    return probe


def shapes_do_not_fit(got, expected):
    return isinstance(got[0], Raised) and "cannot be multiplied" in got[0].text


published_attention = Exercise(
    "published_attention",
    right=attend,
    cases=[
        Case("one token, 2 wide, one head", ask_attention(1, 1, 2, 1)),
        Case("two tokens, 2 wide, one head", ask_attention(1, 2, 2, 1)),
        Case("two tokens, 4 wide, two heads", ask_attention(1, 2, 4, 2)),
        Case("two texts of three, 6 wide, two heads", ask_attention(2, 3, 6, 2)),
    ],
    mistakes=[
        Mistake(
            "c_attn turned",
            "c_attn's matrix is turned: it is the file's own, stored (in, out), so x @ "
            "W as it is, where nn.Linear and F.linear take W.T.",
            when=shapes_do_not_fit,
        ),
        Mistake(
            "square one turned",
            "c_proj's matrix is turned: this is the file's own, stored (in, out), so x "
            "@ W as it is.",
            partial(attend, proj=lambda x, W, b: x @ W.T + b),
        ),
        Mistake(
            "c_attn turned and reshaped",
            "c_attn's matrix is turned: this is the file's own, stored (in, out), so x "
            "@ W as it is.",
            partial(attend, turn=reshaped_turn),
        ),
        Mistake(
            "keys first",
            "Queries and keys are swapped: the columns of c_attn are queries, keys, "
            "values.",
            partial(attend, cut=partial(thirds, order=(1, 0, 2))),
        ),
        Mistake(
            "values first",
            "The values are taken from the first third: the columns of c_attn are "
            "queries, keys, values.",
            partial(attend, cut=partial(thirds, order=(2, 1, 0))),
        ),
        Mistake(
            "keys last",
            "Keys and values are swapped: the columns of c_attn are queries, keys, "
            "values.",
            partial(attend, cut=partial(thirds, order=(0, 2, 1))),
        ),
        Mistake(
            "head by head",
            "c_attn is cut into heads first, and each into q, k, v: here all queries "
            "come first, then all keys, then all values, and each is cut into heads.",
            partial(attend, cut=head_by_head),
        ),
        Mistake(
            "columns in turn",
            "Every third column is taken: expected the first C columns as queries, the "
            "next C as keys, the last C as values.",
            partial(attend, cut=columns_in_turn),
        ),
        Mistake(
            "heads by view alone",
            "The heads are cut out of the wrong axis: view(B, T, n_head, d), then "
            "transpose(1, 2).",
            partial(attend, cut=heads_cut_from_rows),
        ),
        Mistake(
            "heads not brought back",
            "The heads are joined without transposing back: transpose(1, 2) before the "
            "reshape to (B, T, C).",
            partial(attend, join=lambda x: x.reshape(len(x), x.size(2), -1)),
        ),
        Mistake(
            "no mask",
            "The mask is missing: the first of two tokens sees the second.",
            partial(attend, mask=lambda scores: scores),
        ),
        Mistake(
            "mask the wrong way round",
            "The mask is the wrong way round: tokens see the future and not the past.",
            partial(attend, mask=lambda scores: causal(scores.mT).mT),
        ),
        Mistake(
            "not scaled",
            "The scores are not divided by the root of the head's size.",
            partial(attend, scale=lambda C, H: 1.0),
        ),
        Mistake(
            "scaled by the width",
            "The scores are divided by √C: a head compares d = C / n_head numbers, so "
            "√d.",
            partial(attend, scale=lambda C, H: C**-0.5),
        ),
        Mistake(
            "wrong softmax",
            "Softmax runs over the queries: each query's weights must add up to 1, "
            "dim=-1.",
            partial(attend, dim=-2),
        ),
        Mistake(
            "c_proj missing",
            "c_proj is missing: what the heads found goes through one matrix more.",
            partial(attend, proj=lambda x, W, b: x),
        ),
        Mistake(
            "c_proj without bias",
            "c_proj's bias is missing.",
            partial(attend, proj=lambda x, W, b: x @ W),
        ),
        Mistake(
            "c_attn without bias",
            "c_attn's bias is missing.",
            partial(attend, bias=0),
        ),
    ],
    praise="three thirds, then heads, and the file's matrices as they are: x @ W + b.",
)
