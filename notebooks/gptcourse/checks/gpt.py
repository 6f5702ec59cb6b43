"""Exercises of 05_gpt: first weights, size, forward pass, gradient of a tied matrix."""

import math

import torch
from torch import nn, tensor

from gptcourse.checks.core import Case, Exercise
from gptcourse.checks.fixed import fill, numbers
from gptcourse.checks.recognise import Mistake
from gptcourse.checks.values import Raised, floats
from gptlib.model import GPT, Block, GPTConfig

FAR = "share beyond two deviations"


def look(w) -> dict[str, float]:
    """How a weight was drawn, so coarse that no two right draws (≥ 4,096) differ.

    Deviation in units of 0.02, in steps of 2^(1/6); mean, in deviations; the share of
    numbers beyond two deviations: 4.6% of a normal's, none of a uniform's.
    """
    std = w.std().item() + 1e-9
    far = (w.abs() > 2 * std).float().mean().item()
    found = {"deviation / 0.02": 2 ** (round(6 * math.log2(std / 0.02)) / 6)}
    found["mean / deviation"] = round(2 * w.mean().item() / std) / 2
    return {**found, FAR: round(20 * far) / 20}


def ask_weights(n_layer: int) -> Case:
    """A case: how each weight was drawn, how many biases are not 0, and gains not 1."""

    def probe(answer):
        model = GPT(GPTConfig(65, 64, n_layer, 2, 64, 0.0))
        for module in model.modules():  # back to PyTorch's own weights
            if hasattr(module, "reset_parameters"):
                module.reset_parameters()
        answer(model, n_layer)
        parts = {k: p.detach() for k, p in model.named_parameters()}
        drawn = torch.stack([p.flatten()[:4096] for p in parts.values() if p.ndim > 1])
        found = {
            k: look(p) if p.ndim > 1 else int((p != k.endswith("weight")).sum())
            for k, p in parts.items()
        }
        alike = int((drawn.corrcoef().triu(1) > 0.5).sum())
        return {**found, "pairs of weights with the same numbers": alike}

    return Case(f"n_layer = {n_layer}; counted: biases not 0, gains not 1", probe)


first_weights = Exercise(
    """
def my_first_weights(model, n_layer):
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear | nn.Embedding):
            writes = name.endswith("proj")
            std = 0.02 / math.sqrt(2 * n_layer) if writes else 0.02
            nn.init.normal_(module.weight, std=std)
        if isinstance(module, nn.Linear):
            nn.init.zeros_(module.bias)
""",
    praise="0.02 everywhere, proj smaller by √(2 n_layer), biases 0, gains still 1.",
    cases=[ask_weights(2), ask_weights(4)],
    more=[
        Mistake(
            "The numbers are drawn evenly from an interval: draw from a normal.",
            when=lambda got, _: got[0]["wte.weight"][FAR] == 0,
        ),
    ],
    mistakes="""
nn.init.normal_(module.weight, std=std) => torch.randn_like(module.weight) * std
    The weights are still PyTorch's: overwrite them in place, with nn.init.normal_.
nn.init.zeros_(module.bias) => pass
    The biases are not 0: set them to 0, nn.init.zeros_.
nn.Embedding): => nn.Embedding | nn.LayerNorm):
    The gains of the LayerNorms are changed: leave them at 1.
+ return model.eval()
    Nothing was drawn: change module.weight in place, for instance with nn.init.normal_.
name.endswith("proj") => True
    Every matrix is divided by √(2 n_layer): only the layers named proj are.
0.02 / math => math.sqrt(0.02) / math
else 0.02 => else math.sqrt(0.02)
    The variance is 0.02: expected the deviation, its root.
""",
)


gpt_size = Exercise(
    """
def my_gpt_size(vocab_size, block_size, n_layer, n_embd):
    C = n_embd
    attention = (C + 1) * 3 * C + (C + 1) * C
    feed_forward = (C + 1) * 4 * C + (4 * C + 1) * C
    norms = 2 * 2 * C
    block = attention + feed_forward + norms
    return (vocab_size + block_size) * C + n_layer * block + 2 * C
""",
    praise="(V + T) C + L (12C² + 13C) + 2C: it gives GPT-2's 124,439,808.",
    result=floats,
    tolerance=1e-9,
    cases=[
        Case("V = 7, T = 5, one block, C = 2", args=(7, 5, 1, 2)),
        Case("GPT-2 small", args=(50257, 1024, 12, 768)),
        Case("850 million channels: beyond int64", args=(10, 10, 1, 85 * 10**7)),
    ],
    more=[
        Mistake(
            "The model is built: count without it, for the largest one fits nowhere.",
            when=lambda got, expected: (
                got[:2] == expected[:2] and isinstance(got[-1], Raised)
            ),
        )
    ],
    seconds=30.0,  # who builds GPT-2 on the meta device waits for torch's imports
    mistakes="""
(vocab_size + block_size) => (2 * vocab_size + block_size)
    The output matrix is counted, but it is the token embedding: count it once.
(vocab_size + block_size) * C => (2 * vocab_size + block_size) * C + vocab_size
    An output matrix and its bias are counted: the logits come from the embedding.
+ return right(*[vocab_size, block_size, n_layer, n_embd]) - 9 * n_layer * n_embd
    The biases are missing: a Linear layer from a to b has (a + 1) · b parameters.
2 * 2 * C => 2 * C
block + 2 * C => block + C
    Each LayerNorm is counted with C parameters: gain and bias make 2C.
block + 2 * C => block + C
    The last LayerNorm has gain and bias: 2C.
""",
)


def small(targets, zero=1):
    """Three tokens, C = 2, three positions; layers that one can follow."""
    wte = tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]) * zero
    wpe = tensor([[3.0, 0.0], [0.0, 5.0], [7.0, 7.0]])
    blocks = [lambda x: x + x, lambda x: x + tensor([1.0, 2.0])]
    return tensor([[2, 0]]), targets, wte, wpe, blocks, lambda x: x / 10


IDX_2 = tensor([[4, 1, 1, 3], [0, 2, 4, 4]])
TARGETS_2 = tensor([[1, 1, 3, 2], [2, 4, 4, 0]])


def real_parts(V=5, C=6):
    blocks, ln_f = [Block(C, 2) for _ in range(3)], nn.LayerNorm(C)
    fill(nn.ModuleList([*blocks, ln_f]))
    return IDX_2, TARGETS_2, numbers(V, C), numbers(7, C, start=90), blocks, ln_f


gpt_forward = Exercise(
    """
def my_gpt(idx, targets, wte, wpe, blocks, ln_f):
    x = wte[idx] + wpe[: idx.size(1)]  # (B, T, C)
    for block in blocks:
        x = block(x)  # (B, T, C)
    logits = ln_f(x) @ wte.T  # (B, T, V)
    if targets is None:
        return logits, None
    return logits, F.cross_entropy(logits.flatten(0, 1), targets.flatten())
""",
    learns=True,
    praise="embeddings + positions, the blocks in turn, ln_f, tied logits, mean loss.",
    parts=("the logits", "the loss"),
    cases=[
        Case("two tokens, V = 3, C = 2; targets is None", args=small(None)),
        Case("targets [2, 0]", args=small(tensor([[2, 0]]))),
        Case("every token's embedding is 0", args=small(None, zero=0)),
        Case("two texts, three real blocks", args=real_parts),
    ],
    more=[
        Mistake(
            "The output matrix is not the token embedding: zeros must give logits 0.",
            when=lambda got, expected: bool(got[2][0].std(-1).max() > 1e-6),
        ),
    ],
    mistakes="""
+ wpe[: idx.size(1)] =>
block(x) => block(x + wpe[: idx.size(1)])
    The positions are added before every block: add them once, to the embeddings.
wpe[: idx.size(1)] => wpe[idx]
    The rows of wpe are picked by the tokens: expected by position, 0, 1, …, T-1.
wte[idx] + wpe[: idx.size(1)] => ln_f(wte[idx] + wpe[: idx.size(1)])
logits = ln_f(x) => logits = x
    ln_f comes before the blocks: it is the last LayerNorm, after them.
x = block(x) => x = ln_f(block(x))
logits = ln_f(x) => logits = x
    ln_f runs after every block: it is the last LayerNorm, once.
x = block(x) => x = x + block(x)
    The stream is added once more: a block gives back the stream itself, x = block(x).
wte[idx] + wpe => wte[idx] * math.sqrt(wte.size(1)) + wpe
    The embeddings are multiplied by √C, as in the first transformer: GPT-2 does not.
wpe[: idx.size(1)] => wpe[-idx.size(1) :]
    These are the last rows of wpe: a text begins at row 0.
return logits, None => return logits.softmax(-1), None
return logits, F => return logits.softmax(-1), F
    The loss is right, but probabilities come back: return the logits.
ln_f(x) @ wte.T => (ln_f(x) @ wte.T).softmax(-1)
    These are probabilities: expected the logits, before any softmax.
(logits.flatten(0, 1) => (logits.flatten(0, 1).softmax(-1)
    The loss takes a softmax of a softmax: F.cross_entropy wants logits.
logits.flatten(0, 1), targets.flatten() => logits, targets
    F.cross_entropy takes the classes in dimension 1: flatten both to B·T predictions.
logits.flatten(0, 1), targets.flatten() => logits.view(len(idx), len(wte), -1), targets
    The logits were cut to (B, V, T) with view: use transpose(1, 2), or flatten both.
logits.flatten(0, 1), targets.flatten() => logits[:, :-1].mT, targets[:, 1:]
    The targets are shifted: they already are the next tokens, one for each logits[t].
targets.flatten()) => targets.flatten(), reduction="sum")
    The loss is a sum: expected the mean over all B·T predictions.
""",
)


D_LOGITS = tensor([[[100.0, 1000.0, 300.0], [400.0, 0.0, 600.0]]])
TWICE = tensor([[1, 1]]), tensor([[[1.0, 2], [10, 20]]]), torch.eye(2)[None], D_LOGITS
BATCH = IDX_2, numbers(2, 4, 3), numbers(2, 4, 3, start=50), numbers(2, 4, 5, start=90)

tied_gradient = Exercise(
    """
def my_tied_gradient(idx, d_x, stream, d_logits):
    grad = d_logits.flatten(0, 1).T @ stream.flatten(0, 1)  # (V, C)
    return grad.index_add(0, idx.flatten(), d_x.flatten(0, 1))  # (V, C)
""",
    praise="one matrix, two uses, one sum, and repeated tokens count each time.",
    gradients=False,
    forbid=("backward", "grad"),
    cases=[
        Case("the token 1 twice, V = 3, C = 2", args=TWICE),
        Case("two texts of four tokens, V = 5, C = 3", args=BATCH),
    ],
    mistakes="""
- .index_add(0, idx.flatten(), d_x.flatten(0, 1))
+ .index_put((idx,), grad[idx] + d_x)
    A token that comes up twice counts once with `grad[idx] += d_x`: use index_add_.
- .index_add(0, idx.flatten(), d_x.flatten(0, 1))
+ .index_put((idx,), d_x)
    `grad[idx] = d_x` overwrites what was there: add, with index_add_.
d_x.flatten(0, 1)) => d_x.flatten(0, 1)) / idx.numel()
    It is divided by B·T: d_x and d_logits already hold that factor of the mean loss.
d_x.flatten(0, 1)) => (d_x / torch.bincount(idx.flatten())[idx, None]).flatten(0, 1))
    A token that comes up twice gets the mean of its rows of d_x: add up all of them.
.index_add(0, idx.flatten(), d_x.flatten(0, 1)) =>
    Only the use at the end is here: add d_x to the rows that were read.
""",
)
