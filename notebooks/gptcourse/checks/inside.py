"""Exercises of 12_looking_inside: the lens, a head's score, ablation, patching."""

import torch
from torch import nn

from gptcourse.checks.core import Case, Exercise
from gptcourse.checks.fixed import fill, numbers
from gptlib.hooks import hooked
from gptlib.model import GPT, GPTConfig


def lens_arguments(L: int, T: int, C: int, V: int):
    """Arguments of logit_lens; the norm's weights are none that do nothing."""
    streams, table = numbers(L, T, C), numbers(V, C, start=9)
    return lambda: (streams, fill(nn.LayerNorm(C), 40), table)


logit_lens = Exercise(
    """
def my_lens(streams, norm, table):
    logits = norm(streams) @ table.T  # (L + 1, T, V)
    return logits.softmax(dim=-1)
""",
    praise="every layer is read as if it were the last one.",
    cases=[
        Case("one state, one position, C = 2, V = 3", args=lens_arguments(1, 1, 2, 3)),
        Case("four states, two positions", args=lens_arguments(4, 2, 3, 6)),
    ],
    mistakes="""
norm(streams) => norm(streams.cumsum(dim=0))
    The streams are added up: each is already the sum of all that was written so far.
@ table.T => @ table.T / table.size(1) ** 0.5
    The logits are divided by √C: nothing divides them here, only norm and product.
norm(streams) => torch.cat([streams[:-1], norm(streams[-1:])])
    Only the last state passes through the norm: each must, as if it were the last.
+ return torch.stack([right(state, norm, table) for state in streams[1:]])
    The first state, from before the first layer, is left out: there are L + 1 states.
norm(streams) => streams
    The last norm is missing: the model's own logits are made of norm(stream).
""",
)

previous_score = Exercise(
    """
def my_score(w):
    before = w.diagonal(-1, dim1=2, dim2=3)  # (B, H, T - 1)
    return before.mean(dim=(0, 2))  # (H,)
""",
    praise="row t, column t - 1, from the second position on.",
    cases=[
        Case("one text, two heads, three positions", args=(numbers(1, 2, 3, 3).abs(),)),
        Case("two texts, three heads, four positions", args=(numbers(2, 3, 4, 4),)),
        Case("sizes 2, 3, 5, 5", args=(numbers(2, 3, 5, 5, start=7).softmax(-1),)),
    ],
    mistakes="""
.mean(dim=(0, 2)) => .sum(dim=2).mean(dim=0)
    The weights of a head are added up: take their mean over positions, too.
.mean(dim=(0, 2)) => .sum(dim=2).mean(dim=0) / w.size(-1)
    Divided by T: the first position has none before it, so there are T - 1 weights.
before.mean => before[..., 1:].mean
    The second position is left out, but it has one before it: row 1, column 0.
+ share = (w.argmax(-1)[..., 1:] == torch.arange(w.size(-1) - 1)).float()
+ return share.mean(dim=(0, 2))
    This is how often the position before has the highest weight: take the mean weight.
before.mean(dim=(0, 2)) => w[..., 1:, :-1].mean(dim=(0, 2, 3))
    This is the mean of a whole corner: take its diagonal alone, row t, column t - 1.
-1, dim1=2, dim2=3 => -1
.mean(dim=(0, 2)) => .mean(dim=(0, 1))
    The diagonal runs over texts and heads, axes 0 and 1: queries and keys are 2 and 3.
before.mean(dim=(0, 2)) => before[..., -1].mean(dim=0)
    Only the last position counts: take the mean over all that have one before them.
""",
)

mean_ablation = Exercise(
    """
def my_ablation(heads, head):
    heads = heads.clone()
    heads[:, head] = heads[:, head].mean(dim=0)  # (T, D), for every text
    return heads
""",
    praise="the head says the same in every text, and the others what they did.",
    keeps=("heads",),
    cases=[
        Case("two texts, head 1 of 2", args=(numbers(2, 2, 1, 2), 1)),
        Case("three texts, head 0 of 2", args=(numbers(3, 2, 4, 2), 0)),
        Case("four texts, head 2 of 3", args=(numbers(4, 3, 2, 5), 2)),
        Case("sizes 2, 3, 4, 5", args=(numbers(2, 3, 4, 5), 1)),
    ],
    mistakes="""
mean(dim=0) => mean(dim=(0, 1))
    The mean is taken over positions, too: each position keeps a mean of its own.
mean(dim=0) => mean(dim=1, keepdim=True)
    The mean is taken over the positions of each text: take it over the texts.
heads[:, head] = heads[:, head].mean(dim=0) => heads[head] = heads.mean(dim=0)
    This replaces a text: the heads are the second axis.
heads[:, head] = heads[:, head].mean(dim=0) => heads[:, head] -= heads[:, head].mean(0)
    The mean is taken away, and what differs between texts stays: the other way round.
- heads[:, head] = heads[:, head].mean(dim=0)
+ kept, heads[:] = heads[:, head].clone(), heads.mean(dim=0)
+     heads[:, head] = kept
    All other heads are ablated: only the given one.
""",
)


def small_model(layer: int, head: int, T: int, seed: int, texts: int = 1):
    """Arguments of patch_head: a GPT of two layers and two prompts of equal length."""
    draw = torch.Generator().manual_seed(seed)
    prompts = torch.randint(7, (2, texts, T), generator=draw)
    config = GPTConfig(7, 6, 2, 3, 6)
    return lambda: (fill(GPT(config).eval(), seed), *prompts, layer, head)


def afterwards(answer):
    """A probe: what the model itself says after a call."""
    model, clean, corrupted, layer, head = small_model(1, 1, 3, 2)()
    answer(model, clean, corrupted, layer, head)
    return model(corrupted)[0]


patch_head = Exercise(
    """
def my_patch(model, clean, corrupted, layer, head):
    with hooked(model) as seen:
        model(clean)
    kept = seen["heads", layer][:, head]  # (B, T, D)

    def put(heads):
        heads = heads.clone()
        heads[:, head] = kept
        return heads

    with hooked(model, {("heads", layer): put}):
        return model(corrupted)[0]  # (B, T, V)
""",
    praise="one head as on the clean prompt, all else on the corrupted one.",
    names={"hooked": hooked},
    gradients=False,
    cases=[
        Case("layer 0, head 1, two positions", args=small_model(0, 1, 2, 1)),
        Case("the model's own logits afterwards: is a hook left in it?", afterwards),
        Case("layer 1, head 2, two texts of four", args=small_model(1, 2, 4, 3, 2)),
        Case("layer 0, head 0, three texts of five", args=small_model(0, 0, 5, 4, 3)),
    ],
    mistakes="""
heads[:, head] = kept => heads[:, head, -1] = kept[:, -1]
    Only the last position is patched: the head's output at all of them.
heads[:, head] = kept => heads[:, head] += kept
    The clean output is added to the corrupted one: it takes its place.
- heads[:, head] = kept
+ heads[:], heads[:, head] = seen["heads", layer], heads[:, head].clone()
    All other heads of the layer are patched: only the given one.
return model(corrupted)[0] => return model(corrupted)[0].softmax(dim=-1)
    These are probabilities: return the logits.
seen["heads", layer][:, head] => seen["heads", layer][:, :, head]
[:, head] = kept => [:, :, head] = kept
    The head's number picks a position, axis 2: the heads are axis 1.
seen["heads", layer] => seen["weights", layer]
("heads", layer): put => ("weights", layer): put
    The head's attention weights are patched, `"weights"`: patch its output, `"heads"`.
""",
)
