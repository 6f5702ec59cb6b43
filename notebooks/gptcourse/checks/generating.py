"""Exercises of 08_generation, and of 13_speed: a step with a cache, what to read."""

import torch
from torch import tensor

from gptcourse.checks.core import Case, Exercise
from gptcourse.checks.fixed import numbers


def ask_kept(*rows: list, temperature=1.0, top_k=None, top_p=None) -> Case:
    """A case: these probabilities go in as logits, (B, V)."""
    shown = " and ".join(" ".join(f"{p:g}" for p in row) for row in rows)
    settings = {"temperature": temperature, "top_k": top_k, "top_p": top_p}
    given = [f"{k} = {v:g}" for k, v in settings.items() if v not in (None, 1.0)]
    args = tensor(rows).log(), temperature, top_k, top_p
    return Case(", ".join([f"p = {shown}", *given]), args=args)


HUGE = tensor([[1000.0, 999.0, 0.0]])
FIVE = [0.05, 0.4, 0.15, 0.3, 0.1]

sampling_probabilities = Exercise(
    """
def my_probabilities(logits, temperature, top_k, top_p):
    p = F.softmax(logits / temperature, dim=-1)  # (B, V)
    ordered, order = p.sort(dim=-1, descending=True, stable=True)  # (B, V) each
    before = ordered.cumsum(dim=-1) - ordered  # (B, V)
    if top_p is not None:
        ordered = ordered * (before < top_p)  # (B, V)
    if top_k is not None:
        ordered[:, top_k:] = 0
    kept = torch.zeros_like(p).scatter(-1, order, ordered)  # (B, V)
    return kept / kept.sum(dim=-1, keepdim=True)
""",
    praise="exactly what is left to draw from, with the sum 1.",
    gradients=False,
    cases=[
        ask_kept([0.5, 0.3, 0.2], [0.2, 0.2, 0.6], temperature=2.0),
        ask_kept([0.1, 0.2, 0.5, 0.2], top_k=2),
        ask_kept([0.12, 0.5, 0.08, 0.3], top_p=0.7),
        ask_kept([0.1, 0.6, 0.3], top_p=0.3),
        ask_kept([0.24, 0.28, 0.22, 0.26], top_p=0.5),
        ask_kept([0.1, 0.2, 0.7], [0.5, 0.4, 0.1], top_k=2),
        ask_kept(FIVE, temperature=0.5, top_p=0.8),
        ask_kept(FIVE, top_k=4, top_p=0.72),
        ask_kept(FIVE, [0.3, 0.3, 0.1, 0.1, 0.2], temperature=0.5, top_k=1, top_p=0.9),
        Case("logits 0 0 0 0, top_p = 0.5", args=(torch.zeros(1, 4), 1.0, None, 0.5)),
        Case("logits 1000 999 0, temperature 0.5", args=(HUGE, 0.5, None, None)),
    ],
    mistakes="""
- kept / kept.sum(dim=-1, keepdim=True)
+ F.softmax((logits / temperature).where(kept > 0, 0.0), dim=-1)
    The cut tokens' logits are set to 0, and e⁰ is 1: set them to -inf.
ordered[:, top_k:] = 0 => ordered = ordered * (ordered >= ordered[:, top_k - 1 : top_k])
    More than top_k tokens are kept where some are equal: go by positions in the sort.
p.sort(dim=-1, descending=True, => (x.flip(-1) for x in p.sort(dim=-1,
stable=True) => stable=True))
    Of equally likely tokens the larger id is kept: the smaller one comes first.
before < top_p => (ordered.cumsum(dim=-1) <= top_p) | (before == 0)
    top_p cuts the token that crosses p: keep it, those *before* it do not reach p.
torch.zeros_like(p).scatter(-1, order, ordered) => ordered
    The probabilities come back in order of size: `scatter` them to their ids.
if top_p is not None => if top_p is not None and top_k is None
    With top_k and top_p given, only top_k counts: a token must be kept by both.
- before =
+ ordered[:, top_k or p.size(1) :] = 0
+     ordered = ordered / ordered.sum(dim=-1, keepdim=True)
+     before =
    top_p looks at what top_k has left: both look at the same probabilities.
- F.softmax(logits / temperature, dim=-1)
+ (z := (logits / temperature).exp()) / z.sum(dim=-1, keepdim=True)
    Large logits overflow, e¹⁰⁰⁰ is infinite: `softmax` subtracts the largest first.
scatter(-1, order, ordered) => scatter(-1, order, ordered) ** (1 / temperature)
logits / temperature => logits
    The cuts come before the temperature: divide the logits by it first.
logits / temperature, dim=-1) => logits, dim=-1) / temperature
    The probabilities are divided by the temperature: divide the logits, before softmax.
top_k:] = 0 => max(1, top_k - 1) :] = 0
    top_k keeps one token too few: cut from index k on.
if top_k is not None => if top_k is not None and top_p is None
    With top_k and top_p given, only top_p counts: a token must be kept by both.
before < top_p => ordered >= top_p
    Each probability by itself is compared with p: what counts is the sum before it.
""",
)

FOUR = tensor([2.0, -0.4, 0.5, -3.0])

repetition_penalty = Exercise(
    """
def my_penalty(logits, seen, penalty):
    penalised = torch.where(logits > 0, logits / penalty, logits * penalty)
    was_seen = torch.isin(torch.arange(len(logits)), seen)  # (V,)
    return torch.where(was_seen, penalised, logits)  # (V,)
""",
    praise="each token that has occurred is less likely, once.",
    gradients=False,
    cases=[
        Case(f"logits 2 -0.4 0.5 -3, seen {seen}", args=(FOUR, tensor(seen), by))
        for seen, by in (([0], 2.0), ([1], 2.0), ([0, 0, 3], 1.5), ([3, 2, 1], 4.0))
    ],
    mistakes="""
torch.where(logits > 0, logits / penalty, logits * penalty) => logits - penalty
    The penalty is subtracted: divide positive logits, multiply negative ones.
was_seen, penalised, logits => was_seen, logits, penalised
    The tokens that were not seen are penalised: exchange the two.
+ for i in seen:
+     one = logits[i] / penalty if logits[i] > 0 else logits[i] * penalty
+     logits = logits.clone().index_fill(0, i, one)
+ return logits
    A token that was seen twice is penalised twice: once is enough.
logits > 0, logits / penalty, logits * penalty => logits > 0, *2 * [logits / penalty]
    Negative logits are divided, which makes them likelier: multiply those.
), seen) => ), seen[-1])
    Only the last token is penalised: all that are among `seen` are.
""",
)


def ask_step(title: str, *counts: int, heads=1, size=2) -> Case:
    """A case: so many new characters, step by step, into one memory of 6."""

    def probe(answer):
        # What lies in positions that are not taken yet must not matter: NaN.
        keys, values = torch.full((2, heads, 6, size), torch.nan)  # (H, S, d) each
        n, out = 0, None
        for count in counts:
            q, k, v = numbers(3, heads, count, size, start=10 * n)
            out = answer(q, k, v, keys, values, n)
            n += count
        return [out, keys[:, :n], values[:, :n]]

    return Case(title, probe)


cached_step = Exercise(
    """
def my_step(q, k, v, keys, values, n):
    T = q.size(1)
    keys[:, n : n + T], values[:, n : n + T] = k, v
    K, V = keys[:, : n + T], values[:, : n + T]  # (H, n + T, d) each
    scores = q @ K.transpose(1, 2) / q.size(2) ** 0.5  # (H, T, n + T)
    may = torch.ones(T, n + T, dtype=torch.bool).tril(n)  # (T, n + T)
    return F.softmax(scores.masked_fill(~may, -torch.inf), dim=-1) @ V  # (H, T, d)
""",
    praise="the same as all at once, and the memory is ready for the next one.",
    parts=("what comes back", "the keys", "the values"),
    fills=("keys", "values"),
    cases=[
        ask_step("one new character, the memory empty", 1),
        ask_step("three at once, the memory empty", 3),
        ask_step("two at once after two", 2, 2),
        ask_step("two heads, three steps, the memory full", 3, 1, 2, heads=2, size=4),
    ],
    mistakes="""
keys[:, n : n + T], values[:, n : n + T] => keys[:, :T], values[:, :T]
    The old keys and values are overwritten: the new ones belong at n to n + T - 1.
- keys[:, n : n + T], values[:, n : n + T] = k, v
+ keys = torch.cat([keys[:, :n], k], dim=1)
+     values = torch.cat([values[:, :n], v], dim=1)
    The result is right, but the memory is as it was: write k and v into it, in place.
keys[:, : n + T], values[:, : n + T] => k, v
n + T, dtype=torch.bool).tril(n) => T, dtype=torch.bool).tril()
    The new characters see only each other: the past lies in the memory.
tril(n) => tril()
    The mask is aligned to the upper left (`is_causal=True`): new row t sees n + t + 1.
keys[:, : n + T], values[:, : n + T] => keys[:, :n], values[:, :n]
torch.ones(T, n + T, dtype=torch.bool).tril(n) => torch.ones(T, n, dtype=torch.bool)
    A new character does not see itself: take keys[:, : n + T].
keys[:, : n + T], values[:, : n + T] => keys, values
ones(T, n + T => ones(T, keys.size(1)
    Positions that are not taken come in, and 0 times NaN is NaN: take keys[:, : n + T].
, values[:, n : n + T] = k, v => = k
values[:, : n + T] => torch.cat([values[:, :n], v], dim=1)
    The new values are not written into `values`: the next step needs them.
-torch.inf => 0.0
    The scores of the future are set to 0, and e⁰ is 1: set them to -inf.
tril(n) => tril(n - 1)
dim=-1) @ V => dim=-1).nan_to_num() @ V
    Each new character sees those before it but not itself: let it look at itself, too.
""",
)

next_reading = Exercise(
    """
def my_reading(window, new, size):
    n = len(window)
    if n < size:
        return [new], [n]
    read = [*window, new][-(size // 2) :]
    return read, list(range(len(read)))
""",
    praise="one character while there is room, half a window when there is none.",
    parts=("the ids", "the positions"),
    cases=[
        Case(f"{n} ids from 10, size {size}", args=([*range(10, 10 + n)], 10 + n, size))
        for n, size in ((2, 4), (3, 4), (4, 4), (7, 7), (0, 6), (8, 8), (3, 3))
    ]
    + [Case("ids 7 5 9 7, new 7, size 4", args=([7, 5, 9, 7], 7, 4))],
    mistakes="""
range(len(read)) => range(1, len(read) + 1)
    The newest half begins at position 1: begin with 0.
n < size => n < size - 1
    Halved one character too early: while len(window) < size there is room.
n < size => n <= size
    With a full window the new character gets a position that the model does not have.
range(len(read)) => range(size - len(read), size)
    The newest half keeps its old positions: it is read from position 0.
-(size // 2) => -size // 2
    Half of an odd window is rounded down, size // 2.
[*window, new][-(size // 2) :] => [*window[1 - size // 2 :], new]
    window[-0:] is the whole window: of size 3 the newest half is the new id alone.
[*window, new][-(size // 2) :] => [*window[: size // 2 - 1], new]
    The oldest half is kept: keep the newest.
[new], [n] => [new], [0]
    The new character is read at position 0: its position is len(window).
range(len(read)) => range(size - len(read) + 1, size + 1)
    The newest half gets positions up to `size`: it is read afresh, from position 0.
[*window, new][-(size // 2) :] => window[-(size // 2) :]
    The new id is missing when the window is full: it is the last of those read.
""",
)
