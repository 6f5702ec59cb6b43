"""Exercises of 05_gpt: first weights, size, forward pass, gradient of a tied matrix."""

import math

import torch
from torch import nn, tensor

from gptcourse.checks.core import Case, Exercise
from gptcourse.checks.fixed import fill, numbers
from gptcourse.checks.recognise import Mistake
from gptcourse.checks.values import Raised, number
from gptlib.model import GPT, Block, GPTConfig


def fresh(n_layer: int) -> GPT:
    """A GPT with PyTorch's own weights."""
    model = GPT(GPTConfig(65, 64, n_layer, 2, 64, 0.0))
    for module in model.modules():
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()
    return model


def look(w) -> torch.Tensor:
    """How a weight was drawn, so coarse that no two right draws (≥ 4,096) differ.

    Deviation in units of 0.02, in steps of 2^(1/6); mean, in deviations; the share of
    numbers beyond two deviations: 4.6% of a normal's, none of a uniform's.
    """
    std = w.std().item() + 1e-9
    far = (w.abs() > 2 * std).float().mean().item()
    mean = round(2 * w.mean().item() / std) / 2
    return tensor(
        [2 ** (round(6 * math.log2(std / 0.02)) / 6), mean, round(20 * far) / 20]
    )


def weights(n_layer: int):
    def probe(answer):
        answer(model := fresh(n_layer), n_layer)
        drawn = {k: p for k, p in model.named_parameters() if p.ndim > 1}
        return {k: look(p.detach()) for k, p in drawn.items()}

    return probe


def biases_and_gains(answer):
    answer(model := fresh(2), 2)
    named = [(k, p.detach()) for k, p in model.named_parameters() if p.ndim == 1]
    count = {"biases that are not 0": 0, "gains that are not 1": 0}
    for name, p in named:
        count["biases that are not 0"] += int((p != 0).sum()) * name.endswith("bias")
        count["gains that are not 1"] += int((p != 1).sum()) * name.endswith("weight")
    return count


first_weights = Exercise(
    "first_weights",
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
    may_change=("model",),
    cases=[
        Case(
            "n_layer = 2: deviation / 0.02, mean, share beyond 2 deviations", weights(2)
        ),
        Case(
            "n_layer = 8: deviation / 0.02, mean, share beyond 2 deviations", weights(8)
        ),
        Case("a GPT of two blocks", biases_and_gains),
    ],
    mistakes="""
+ return model.eval()
    Nothing was drawn: the weights are still PyTorch's own. Change them in place, for
    instance with nn.init.normal_(module.weight, std=…).
/ math.sqrt(2 * n_layer) =>
    The layers that write into the stream, named proj, are as large as the others:
    divide their deviation by √(2 n_layer).
2 * n_layer => n_layer
    proj is divided by √n_layer: each block writes twice, so √(2 n_layer).
math.sqrt(2 * n_layer) => (2 * n_layer)
    proj is divided by 2 n_layer: variances add, so the deviation is divided by the root
    of that.
name.endswith("proj") => True
    Every matrix is divided by √(2 n_layer): only the layers named proj are.
"proj" => "attn.proj"
    Only attention's proj is smaller: the feed-forward layer has one, too.
nn.Linear | nn.Embedding => nn.Linear
    The embeddings still have the deviation 1 that PyTorch gave them: they are drawn
    with 0.02, too.
nn.init.zeros_(module.bias) => pass
    The biases are as PyTorch drew them: set them to 0.
+ for name, p in model.named_parameters():
+     nn.init.normal_(p, std=0.02 / math.sqrt(2 * n_layer * ("proj.w" in name) or 1))
    Every parameter was drawn, LayerNorm's gains with them: those stay 1, and biases
    become 0. Ask for nn.Linear and nn.Embedding.
std=std => std=std**0.5
    The variance is 0.02: expected the deviation, its root.
std=std => std=0.02 * std
    The deviation is 0.02² = 0.0004: normal_ takes the deviation, not the variance.
std=std => std
    nn.init.normal_(weight, 0.02) sets the mean: write std=0.02.
normal_(module.weight, std=std) => uniform_(module.weight, -std, std)
    The numbers are spread evenly from -0.02 to 0.02: expected a normal distribution
    with that deviation.
""",
)


gpt_size = Exercise(
    "gpt_size",
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
    result=number,
    cases=[
        Case("V = 7, T = 5, one block, C = 2", args=(7, 5, 1, 2)),
        Case("V = 65, T = 64, 3 blocks, C = 64", args=(65, 64, 3, 64)),
        Case("GPT-2 small", args=(50257, 1024, 12, 768)),
    ],
    seconds=30.0,  # who builds GPT-2 on the meta device waits for torch's imports
    mistakes="""
(vocab_size + block_size) => (2 * vocab_size + block_size)
    The output matrix is counted, but it is the token embedding: count it once.
(vocab_size + block_size) * C => (2 * vocab_size + block_size) * C + vocab_size
    An output matrix and its bias are counted: there is neither, the logits come from
    the token embedding.
+ 2 * C => + 2 * C + vocab_size
    V numbers too many: the tied output has no bias.
(vocab_size + block_size) => vocab_size
    The table of positions is missing: T rows of C numbers.
+ return right(*[vocab_size, block_size, n_layer, n_embd]) - 9 * n_layer * n_embd
    The biases of the Linear layers are missing: 9C in each block, as a layer from a to
    b has (a + 1) · b parameters.
n_layer * block => n_layer * 12 * C**2
    12C² is a good estimate of a block, not its number: the biases and the two
    LayerNorms make another 13C.
n_layer * block + 2 * C => n_layer * 12 * C**2
    Biases and LayerNorms are missing: 13C in each block, and the last LayerNorm's 2C.
feed_forward + norms => feed_forward
    The LayerNorms of the blocks are missing: two in each, with 2C each.
feed_forward + norms => feed_forward
block + 2 * C => block
    The LayerNorms are missing: two in each block and the last, with 2C each.
2 * 2 * C => 2 * C
block + 2 * C => block + C
    Each LayerNorm is counted with C parameters: gain and bias make 2C.
2 * 2 * C => 2 * C
    Each block has two LayerNorms, one before attention, one before the feed-forward
    layer.
block + 2 * C => block
    The last LayerNorm is missing: 2C.
(C + 1) * 3 * C + (C + 1) * C => (C + 1) * 3 * C
    Attention's proj is missing: beside queries, keys and values there is a fourth
    matrix, C² + C parameters.
(C + 1) * 4 * C + (4 * C + 1) * C => (C + 1) * 4 * C
    The feed-forward layer has two matrices: from C to 4C, and back.
(vocab_size + block_size) * C => n_layer * (vocab_size + block_size) * C
    The tables are counted once for each block: there is one of each.
""",
)


def small_parts():
    """Three tokens, C = 2, three positions; layers that one can follow."""
    wte = tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    wpe = tensor([[3.0, 0.0], [0.0, 5.0], [7.0, 7.0]])
    blocks = [lambda x: x + x, lambda x: x + tensor([1.0, 2.0])]
    return wte, wpe, blocks, lambda x: x / 10


def real_parts(V=5, C=6):
    blocks = [Block(C, 2) for _ in range(3)]
    for n, block in enumerate(blocks):
        fill(block, 300 * n)
    last = nn.LayerNorm(C)
    fill(last, 7)
    return numbers(V, C), numbers(7, C, start=90), blocks, last


def zero_embeddings():
    wte, *others = small_parts()
    return IDX, None, 0 * wte, *others


IDX, TARGETS = tensor([[1, 2]]), tensor([[2, 0]])
IDX_2 = tensor([[4, 1, 1, 3], [0, 2, 4, 4]])
TARGETS_2 = tensor([[1, 1, 3, 2], [2, 4, 4, 0]])

gpt_forward = Exercise(
    "gpt_forward",
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
    praise="embeddings + positions, the blocks in turn, ln_f, tied logits, mean loss.",
    parts=("the logits", "the loss"),
    cases=[
        Case(
            "two tokens, V = 3, C = 2, no targets",
            args=lambda: (IDX, None, *small_parts()),
        ),
        Case("targets [2, 0]", args=lambda: (IDX, TARGETS, *small_parts())),
        Case("every token's embedding is 0", args=zero_embeddings),
        Case(
            "two texts, three real blocks",
            args=lambda: (IDX_2, TARGETS_2, *real_parts()),
        ),
    ],
    more=[
        Mistake(
            "It breaks where targets is None: there is no loss to compute then, give "
            "back None for it.",
            when=lambda got, expected: (
                isinstance(got[0], Raised)
                and "None" in got[0].text
                and not isinstance(got[1], Raised)
            ),
        ),
        Mistake(
            "The output matrix is not the token embedding: with embeddings of zeros "
            "all logits must be 0, since a tied logit is the stream · an embedding.",
            when=lambda got, expected: bool(got[2][0].std(-1).max() > 1e-6),
        ),
    ],
    mistakes="""
+ wpe[: idx.size(1)] =>
    The positions are missing: add the first T rows of wpe to the embeddings.
block(x) => block(x + wpe[: idx.size(1)])
    The positions are added before every block: the stream carries them upwards by
    itself, so once is enough.
+ wpe[: idx.size(1)] =>
block(x) => block(x + wpe[: idx.size(1)])
    The positions are added before every block, not once: the stream carries them
    upwards by itself.
wpe[: idx.size(1)] => wpe[idx]
    The rows of wpe are picked by the tokens, wpe[idx]: expected by position, 0, 1, …,
    T-1, whatever stands there.
wpe[: idx.size(1)] => wpe
    All rows of wpe are added, but the text is shorter than the context: take the first
    T.
wpe[: idx.size(1)] => wpe[1 : idx.size(1) + 1]
    The positions are off by one: the first position has row 0 of wpe.
ln_f(x) => x
    ln_f is missing: the stream is normalised before it becomes logits.
wte[idx] + wpe[: idx.size(1)] => ln_f(wte[idx] + wpe[: idx.size(1)])
logits = ln_f(x) => logits = x
    ln_f comes before the blocks: it is the last LayerNorm, after them.
in blocks => in blocks[::-1]
    The blocks run in the wrong order: the first of the list comes first.
x = block(x) => x = x + block(x)
    The stream is added to each block's output, x + block(x): a block has its residual
    connections inside, so x = block(x).
for block in blocks => for block in blocks[-1:]
    Only the last block has an effect: is its input always the same x? Hand each block
    what the one before gave.
x = block(x) => block(x)
    The blocks have no effect: is their result kept, x = block(x)?
for block in blocks => for block in blocks[:1]
    Only the first block has run: is the `return` inside the loop?
@ wte.T => @ wte
    wte is (V, C), the stream (B, T, C): to get (B, T, V), multiply by the transposed
    table, wte.T.
wte.T => wte.T.detach()
    The output matrix is a copy without gradient (.data, .detach(), nn.Parameter): use
    wte itself, so that it learns from both ends.
wte[idx] + wpe[: idx.size(1)] => (wte[idx] + wpe[: idx.size(1)]).detach()
    No gradient reaches the tables through the look-up: nn.Embedding.from_pretrained
    and .detach() cut it off. Use wte[idx] and wpe[:T].
targets.flatten()) => targets.flatten()).item()
    The loss is a Python number: .item() cuts it off from autograd. Return the tensor.
ln_f(x) @ wte.T => (ln_f(x) @ wte.T).softmax(-1)
    These are probabilities: expected the logits, before any softmax. The cross-entropy
    takes logits and does the softmax itself.
ln_f(x) => ln_f(x)[:, -1:]
    Only the last position has logits: in training each position predicts.
(logits.flatten(0, 1) => (logits.flatten(0, 1).softmax(-1)
    The loss takes a softmax of a softmax: F.cross_entropy wants logits.
logits.flatten(0, 1), targets.flatten() => logits, targets
    The loss gets logits (B, T, V), but F.cross_entropy takes the classes in dimension
    1: flatten both to B·T predictions, (B·T, V) and (B·T,).
logits.flatten(0, 1), targets.flatten() => logits.view(len(idx), len(wte), -1), targets
    The logits were reshaped to (B, V, T) with view: that cuts the numbers in another
    order. Use transpose(1, 2), or flatten to (B·T, V).
logits.flatten(0, 1), targets.flatten() => logits[:, :-1].mT, targets[:, 1:]
    The targets are shifted by one position: they already are the next tokens,
    targets[t] belongs to logits[t].
logits.flatten(0, 1), targets.flatten() => logits[:, -1], targets[:, -1]
    The loss looks at the last position only: it is the mean over all B·T.
targets.flatten()) => targets.flatten(), reduction="sum")
    The loss is a sum: expected the mean over all B·T predictions.
targets.flatten() => idx.flatten()
    The loss asks for idx, the tokens that went in, also where targets are given:
    expected -ln p of the targets.
+ return right(idx, targets, wte, wpe, blocks, ln_f)[0]
    Two things come back: return logits, loss.
+ return right(idx, idx if targets is None else targets, wte, wpe, blocks, ln_f)
    Without targets there is no loss: it must be None.
+ return right(idx, None, wte, wpe, blocks, ln_f)
    The loss is None although targets are given.
""",
)


tied_gradient = Exercise(
    "tied_gradient",
    """
def my_tied_gradient(idx, d_x, stream, d_logits):
    grad = d_logits.flatten(0, 1).T @ stream.flatten(0, 1)  # (V, C)
    return grad.index_add(0, idx.flatten(), d_x.flatten(0, 1))  # (V, C)
""",
    praise="one matrix, two uses, one sum, and repeated tokens count each time.",
    gradients=False,
    forbid=("backward", "grad"),
    cases=[
        Case(
            "the token 1 twice, V = 3, C = 2",
            args=(
                tensor([[1, 1]]),
                tensor([[[1.0, 2.0], [10.0, 20.0]]]),
                tensor([[[1.0, 0.0], [0.0, 1.0]]]),
                tensor([[[100.0, 0.0, 300.0], [400.0, 0.0, 600.0]]]),
            ),
        ),
        Case(
            "two texts of four tokens, V = 5, C = 3",
            args=(
                tensor([[0, 3, 3, 1], [3, 2, 0, 0]]),
                numbers(2, 4, 3),
                numbers(2, 4, 3, start=50),
                numbers(2, 4, 5, start=90),
            ),
        ),
    ],
    mistakes="""
- .index_add(0, idx.flatten(), d_x.flatten(0, 1))
+ .index_put((idx,), grad[idx] + d_x)
    A token that comes up twice is counted once: `grad[idx] += d_x` reads, adds and
    writes back, so the last one wins. Use index_add_.
- .index_add(0, idx.flatten(), d_x.flatten(0, 1))
+ .index_put((idx,), d_x)
    `grad[idx] = d_x` overwrites what was there: add, and count repeated tokens each
    time (index_add_).
.index_add(0, idx.flatten(), d_x.flatten(0, 1)) =>
    Only the use as output is there: the rows that were looked up get the gradient d_x
    as well.
grad.index_add => (0 * grad).index_add
    Only the use as input is there: as output matrix, every row gets the sum of d_logits
    times the stream.
d_x.flatten(0, 1)) => d_x.flatten(0, 1)) / 2
    The two gradients are averaged: a matrix used twice gets their sum.
d_x.flatten(0, 1)) => d_x.flatten(0, 1)) / idx.numel()
    It is divided by the number of positions: d_x and d_logits already hold the 1/(B·T)
    of the mean loss.
stream.flatten => d_x.flatten
    d_logits is multiplied by d_x: the logits are stream · embedding, so the embedding's
    gradient is d_logits times the stream.
d_x.flatten => stream.flatten
    The stream is added to the rows that were read: d_x arrives there.
+ return right(idx[:1], d_x[:1], stream[:1], d_logits[:1])
    Only the first text of the batch counts: sum over all B·T positions.
grad.index_add => (-grad).index_add
    The two uses are subtracted: a matrix used twice gets their sum.
""",
)
