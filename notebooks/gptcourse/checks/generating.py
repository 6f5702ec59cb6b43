"""Exercises of 08_generation: what to draw from."""

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from gptcourse.checks.before.core import Case, Exercise, Mistake

softmax = partial(F.softmax, dim=-1)


def ask_kept(*rows: list, temperature=1.0, top_k=None, top_p=None, logits=False):
    """A probe: rows of probabilities (or of logits) go in as logits, (B, V)."""

    def probe(answer):
        z = torch.tensor(rows) if logits else torch.tensor(rows).log()  # (B, V)
        return answer(z, temperature, top_k, top_p)

    return probe


def places(p: Tensor) -> Tensor:
    """The place of each token, the likeliest at 0; of equal ones the smaller id."""
    return p.argsort(dim=-1, descending=True, stable=True).argsort(dim=-1)


def likeliest(p, k, *, more=0):
    return places(p) < k + more


def all_ties(p, k):
    return p >= p.topk(min(k, p.size(-1)), dim=-1).values[..., -1:]


def last_ties(p, k):
    return places(p.flip(-1)).flip(-1) < k


def reaching(p, top_p, *, shift=0):
    """The fewest likeliest that reach top_p, and shift more."""
    ordered = p.sort(dim=-1, descending=True, stable=True).values
    needed = (ordered.cumsum(-1) - ordered < top_p).sum(-1, keepdim=True)
    return places(p) < needed + shift


def divided(p, keep, z):
    kept = p * keep
    return kept / kept.sum(dim=-1, keepdim=True)


def kept_probabilities(
    logits,
    temperature,
    top_k,
    top_p,
    *,
    heat=lambda z, t: z / t,
    chances=softmax,
    k_keeps=likeliest,
    p_keeps=reaching,
    finish=divided,
    both="and",
):
    """What to draw from, and with other settings the mistakes one makes in it."""
    z = heat(logits, temperature)  # (B, V)
    p = chances(z)  # (B, V)
    keep = torch.ones_like(p, dtype=torch.bool)  # (B, V)
    if top_k is not None:
        keep &= k_keeps(p, top_k)
    if top_p is not None and both == "one after the other":
        keep &= p_keeps(divided(p, keep, z), top_p)
    elif top_p is not None and (top_k is None or both == "and"):
        keep &= p_keeps(p, top_p)
    return finish(p, keep, z)


def cold_nucleus(logits, temperature, top_k, top_p):
    """top_p looks at the probabilities before the temperature."""
    heated = partial(kept_probabilities, logits, temperature, top_k)
    if top_p is None:
        return heated(None)
    return heated(top_p, p_keeps=lambda p, q: reaching(softmax(logits), q))


def likeliest_first(logits, temperature, top_k, top_p):
    p = kept_probabilities(logits, temperature, top_k, top_p)
    cut = top_k is not None or top_p is not None
    return p.sort(dim=-1, descending=True).values if cut else p


def first_row_for_all(logits, temperature, top_k, top_p):
    return kept_probabilities(
        logits,
        temperature,
        top_k,
        top_p,
        k_keeps=lambda p, k: likeliest(p[:1], k).expand_as(p),
        p_keeps=lambda p, q: reaching(p[:1], q).expand_as(p),
    )


sampling_probabilities = Exercise(
    "sampling_probabilities",
    right=kept_probabilities,
    cases=[
        Case(
            "p = 0.5 0.3 0.2 and 0.2 0.2 0.6, temperature 2",
            ask_kept([0.5, 0.3, 0.2], [0.2, 0.2, 0.6], temperature=2.0),
        ),
        Case(
            "p = 0.1 0.2 0.5 0.2, top_k = 2 (ids 1 and 3 are equal)",
            ask_kept([0.1, 0.2, 0.5, 0.2], top_k=2),
        ),
        Case(
            "p = 0.12 0.5 0.08 0.3, top_p = 0.7",
            ask_kept([0.12, 0.5, 0.08, 0.3], top_p=0.7),
        ),
        Case("p = 0.1 0.6 0.3, top_p = 0.3", ask_kept([0.1, 0.6, 0.3], top_p=0.3)),
        Case(
            "two rows, top_k = 2",
            ask_kept([0.1, 0.2, 0.7], [0.5, 0.4, 0.1], top_k=2),
        ),
        Case(
            "p = 0.05 0.4 0.15 0.3 0.1, temperature 0.5, top_p = 0.8",
            ask_kept([0.05, 0.4, 0.15, 0.3, 0.1], temperature=0.5, top_p=0.8),
        ),
        Case(
            "p = 0.05 0.4 0.15 0.3 0.1, top_k = 4, top_p = 0.72",
            ask_kept([0.05, 0.4, 0.15, 0.3, 0.1], top_k=4, top_p=0.72),
        ),
        Case(
            "logits 1000 999 0, temperature 0.5",
            ask_kept([1000.0, 999.0, 0.0], temperature=0.5, logits=True),
        ),
    ],
    mistakes=[
        Mistake(
            "temperature multiplied",
            "The logits are multiplied by the temperature: divide, so that a low one "
            "makes differences grow.",
            partial(kept_probabilities, heat=lambda z, t: z * t),
        ),
        Mistake(
            "temperature without effect",
            "The temperature has no effect: divide the *logits* by it, before the "
            "softmax. Probabilities divided by it and by their sum are as before.",
            partial(kept_probabilities, heat=lambda z, t: z),
        ),
        Mistake(
            "softmax over the rows",
            "The softmax goes over the rows: each row is a distribution of its own, "
            "so over the last dimension.",
            partial(kept_probabilities, chances=partial(F.softmax, dim=0)),
        ),
        Mistake(
            "logits returned",
            "These are logits, not probabilities: what is drawn from must be positive "
            "and have the sum 1. The softmax is missing.",
            partial(
                kept_probabilities,
                finish=lambda p, keep, z: z.masked_fill(~keep, -torch.inf),
            ),
        ),
        Mistake(
            "not divided by the sum",
            "What is left does not add up to 1: divide it by its sum.",
            partial(kept_probabilities, finish=lambda p, keep, z: p * keep),
        ),
        Mistake(
            "cut logits at zero",
            "The cut tokens' logits are set to 0, and e⁰ is 1: a token that must not "
            "be drawn has probability 0, so a logit of -inf.",
            partial(
                kept_probabilities,
                finish=lambda p, keep, z: softmax(z.masked_fill(~keep, 0.0)),
            ),
        ),
        Mistake(
            "softmax twice",
            "A softmax is taken of probabilities, which makes them nearly equal: "
            "divide what is left by its sum instead.",
            partial(
                kept_probabilities,
                finish=lambda p, keep, z: softmax(p * keep),
            ),
        ),
        Mistake(
            "ties kept",
            "More than top_k tokens are kept where several are equal: `p >= the k-th "
            "largest` keeps them all. Go by places in a stable sort.",
            partial(kept_probabilities, k_keeps=all_ties),
        ),
        Mistake(
            "the later of equal tokens",
            "Of equally likely tokens the one with the larger id is kept: the smaller "
            "one is to come first (`stable=True`).",
            partial(kept_probabilities, k_keeps=last_ties),
        ),
        Mistake(
            "k + 1 kept",
            "One token more than top_k is kept.",
            partial(kept_probabilities, k_keeps=partial(likeliest, more=1)),
        ),
        Mistake(
            "k - 1 kept",
            "One token less than top_k is kept.",
            partial(kept_probabilities, k_keeps=partial(likeliest, more=-1)),
        ),
        Mistake(
            "the unlikeliest kept",
            "The unlikeliest tokens are kept: sort with descending=True.",
            partial(
                kept_probabilities,
                k_keeps=lambda p, k: likeliest(-p, k),
                p_keeps=lambda p, q: p.size(-1) - 1 - places(p) < reaching(p, q).sum(),
            ),
        ),
        Mistake(
            "top_k without effect",
            "top_k has no effect.",
            partial(kept_probabilities, k_keeps=lambda p, k: p >= 0),
        ),
        Mistake(
            "the crossing token cut",
            "top_p cuts the token that crosses the threshold: without it the kept "
            "ones do not reach p. Keep a token if those *before* it do not reach p.",
            partial(kept_probabilities, p_keeps=partial(reaching, shift=-1)),
        ),
        Mistake(
            "the crossing token cut, but never all",
            "top_p cuts the token that crosses the threshold, unless it is the first: "
            "the kept ones do not reach p. Keep it if those *before* it do not.",
            partial(
                kept_probabilities,
                p_keeps=lambda p, q: reaching(p, q, shift=-1) | likeliest(p, 1),
            ),
        ),
        Mistake(
            "one more than needed",
            "top_p keeps one token more than needed: the one that reaches p is the "
            "last.",
            partial(kept_probabilities, p_keeps=partial(reaching, shift=1)),
        ),
        Mistake(
            "single probabilities",
            "top_p is compared with single probabilities: it is the *sum* of the "
            "likeliest that must reach it. Sort, then cumulate.",
            partial(kept_probabilities, p_keeps=lambda p, q: p >= q),
        ),
        Mistake(
            "cumulated in the order of ids",
            "The probabilities are cumulated in the order of the ids: sort first, the "
            "likeliest in front.",
            partial(kept_probabilities, p_keeps=lambda p, q: p.cumsum(dim=-1) - p < q),
        ),
        Mistake(
            "top_p without effect",
            "top_p has no effect.",
            partial(kept_probabilities, p_keeps=lambda p, q: p >= 0),
        ),
        Mistake(
            "likeliest first",
            "The probabilities come back in order of size: bring them back to their "
            "ids (`scatter`), or the wrong token is drawn.",
            likeliest_first,
        ),
        Mistake(
            "the first row for all",
            "The first row decides for all rows which tokens are kept: each has its "
            "own likeliest.",
            first_row_for_all,
        ),
        Mistake(
            "only one of the two",
            "With top_k and top_p given, only top_k counts: a token must be kept by "
            "both.",
            partial(kept_probabilities, both="or"),
        ),
        Mistake(
            "one after the other",
            "top_p looks at what top_k has left, divided anew: both look at the same "
            "probabilities, those after the temperature.",
            partial(kept_probabilities, both="one after the other"),
        ),
        Mistake(
            "top_p before the temperature",
            "top_p looks at the probabilities before the temperature: the temperature "
            "comes first.",
            cold_nucleus,
        ),
        Mistake(
            "overflow",
            "Large logits overflow: e¹⁰⁰⁰ is more than a float can hold. `softmax` "
            "subtracts the largest logit first, which changes nothing else.",
            partial(
                kept_probabilities,
                chances=lambda z: z.exp() / z.exp().sum(dim=-1, keepdim=True),
            ),
        ),
    ],
    praise="exactly what is left to draw from, with the sum 1.",
)
