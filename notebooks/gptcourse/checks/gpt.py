"""Exercise of 05_gpt: the forward pass."""

from functools import partial

import torch
import torch.nn.functional as F
from torch import nn

from gptcourse.checks.before.core import Case, Exercise, Mistake
from gptcourse.checks.before.values import Raised
from gptcourse.checks.fixed import fill, numbers
from gptlib.model import Block

IDX, TARGETS = torch.tensor([[1, 2]]), torch.tensor([[2, 0]])


def small_parts():
    """Three tokens, two numbers wide, room for three places; layers one can follow."""
    wte = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    wpe = torch.tensor([[3.0, 0.0], [0.0, 5.0], [7.0, 7.0]])
    blocks = [lambda x: x + x, lambda x: x + torch.tensor([1.0, 2.0])]
    return wte, wpe, blocks, lambda x: x / 10


def ask_logits(answer):
    logits, _ = answer(IDX, None, *small_parts())
    return logits


def ask_loss(answer):
    _, loss = answer(IDX, TARGETS, *small_parts())
    return loss


def ask_no_loss(answer):
    _, loss = answer(IDX, None, *small_parts())
    return loss


def real_parts(V=5, C=4):
    blocks = [Block(C, 2) for _ in range(3)]
    for n, block in enumerate(blocks):
        fill(block, 300 * n)
    last = nn.LayerNorm(C)
    fill(last, 7)
    return numbers(V, C), numbers(6, C, start=90), blocks, last


def ask_real(answer):
    idx = torch.tensor([[4, 1, 1, 3], [0, 2, 4, 4]])
    targets = torch.tensor([[1, 1, 3, 2], [2, 4, 4, 0]])
    return answer(idx, targets, *real_parts())


def ask_zeros(answer):
    wte, *others = small_parts()
    return answer(IDX, None, torch.zeros_like(wte), *others)[0]


def loss_of(logits, targets):
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def in_turn(x, blocks):
    for block in blocks:
        x = block(x)
    return x


def forward(
    idx,
    targets,
    wte,
    wpe,
    blocks,
    ln_f,
    *,
    places=lambda idx, wpe: wpe[: idx.size(1)],
    body=in_turn,
    norm="after",
    head=lambda x, wte: x @ wte.T,
    loss=loss_of,
):
    """The forward pass, and with other parts the mistakes one makes in it."""
    x = wte[idx] + places(idx, wpe)  # (B, T, C)
    x = ln_f(x) if norm == "before" else x
    x = body(x, blocks)  # (B, T, C)
    x = ln_f(x) if norm == "after" else x
    logits = head(x, wte)  # (B, T, V)
    return logits, None if targets is None else loss(logits, targets)


def positions_everywhere(idx, targets, wte, wpe, blocks, ln_f, places=None):
    def body(x, blocks):
        for block in blocks:
            x = block(x + wpe[: idx.size(1)])
        return x

    places = places or (lambda idx, wpe: wpe[: idx.size(1)])
    return forward(idx, targets, wte, wpe, blocks, ln_f, places=places, body=body)


def residual_again(x, blocks):
    for block in blocks:
        x = x + block(x)
    return x


def each_reads_the_first(x, blocks):
    return x + sum(block(x) - x for block in blocks)


def only_logits(*parts):
    return forward(*parts)[0]


def always_a_loss(idx, targets, *parts):
    return forward(idx, idx if targets is None else targets, *parts)


def never_a_loss(idx, targets, *parts):
    return forward(idx, None, *parts)


def not_tied(got, expected):
    return got[-1].shape == expected[-1].shape and bool(got[-1].abs().max() > 0)


def no_targets(got, expected):
    """The loss was computed where there are no targets, and that broke."""
    return isinstance(got[0], Raised) and "NoneType" in got[0].text


gpt_forward = Exercise(
    "gpt_forward",
    right=forward,
    cases=[
        Case("the logits of two tokens, V = 3, C = 2, two blocks", ask_logits),
        Case("their loss, targets [2, 0]", ask_loss),
        Case("the loss when targets is None", ask_no_loss),
        Case("two texts of four tokens, three real blocks", ask_real),
        Case("the logits when every token's embedding is 0", ask_zeros),
    ],
    mistakes=[
        Mistake(
            "loss without targets",
            "It breaks where targets is None: there is no loss to compute then, give "
            "back None for it.",
            when=no_targets,
        ),
        Mistake(
            "no positions",
            "The positions are missing: add the first T rows of wpe to the embeddings.",
            partial(forward, places=lambda idx, wpe: 0.0),
        ),
        Mistake(
            "positions added twice",
            "The positions are added twice: once, before the first block, is enough.",
            partial(forward, places=lambda idx, wpe: 2 * wpe[: idx.size(1)]),
        ),
        Mistake(
            "positions before every block",
            "The positions are added before every block: the stream carries them "
            "upwards by itself, so once is enough.",
            positions_everywhere,
        ),
        Mistake(
            "positions in every block",
            "The positions are added before every block, not once: the stream carries "
            "them upwards by itself.",
            partial(positions_everywhere, places=lambda idx, wpe: 0.0),
        ),
        Mistake(
            "positions by token",
            "The rows of wpe are picked by the tokens, wpe[idx]: expected by place, "
            "0, 1, ..., T-1, whatever stands there.",
            partial(forward, places=lambda idx, wpe: wpe[idx]),
        ),
        Mistake(
            "all positions",
            "All rows of wpe are added, but the text is shorter than the context: "
            "take the first T.",
            partial(forward, places=lambda idx, wpe: wpe),
        ),
        Mistake(
            "positions from 1",
            "The positions are off by one: the first place has row 0 of wpe.",
            partial(forward, places=lambda idx, wpe: wpe[1 : idx.size(1) + 1]),
        ),
        Mistake(
            "last norm missing",
            "ln_f is missing: the stream is normalised before it becomes logits.",
            partial(forward, norm="nowhere"),
        ),
        Mistake(
            "last norm first",
            "ln_f comes before the blocks: it is the last LayerNorm, after them.",
            partial(forward, norm="before"),
        ),
        Mistake(
            "blocks backwards",
            "The blocks run in the wrong order: the first of the list comes first.",
            partial(forward, body=lambda x, blocks: in_turn(x, blocks[::-1])),
        ),
        Mistake(
            "residual again",
            "The stream is added to each block's output, x + block(x): a block has its "
            "residual connections inside, so x = block(x).",
            partial(forward, body=residual_again),
        ),
        Mistake(
            "each block reads the embeddings",
            "Every block reads the embeddings: each must read what the one before it "
            "has left in the stream.",
            partial(forward, body=each_reads_the_first),
        ),
        Mistake(
            "only the last block",
            "Only the last block has an effect: is its input always the same x? Hand "
            "each block what the one before gave.",
            partial(forward, body=lambda x, blocks: blocks[-1](x)),
        ),
        Mistake(
            "no blocks",
            "The blocks have no effect: is their result kept, x = block(x)?",
            partial(forward, body=lambda x, blocks: x),
        ),
        Mistake(
            "only the first block",
            "Only the first block has run: is the `return` inside the loop?",
            partial(forward, body=lambda x, blocks: blocks[0](x)),
        ),
        Mistake(
            "not transposed",
            "wte is (V, C), the stream (B, T, C): to get (B, T, V), multiply by the "
            "transposed table, wte.T.",
            partial(forward, head=lambda x, wte: x @ wte),
        ),
        Mistake(
            "probabilities",
            "These are probabilities: expected the logits, before any softmax. The "
            "cross-entropy takes logits and does the softmax itself.",
            partial(forward, head=lambda x, wte: F.softmax(x @ wte.T, dim=-1)),
        ),
        Mistake(
            "only the last place",
            "Only the last place has logits: in training each place predicts.",
            partial(forward, head=lambda x, wte: x[:, -1:] @ wte.T),
        ),
        Mistake(
            "softmax before the loss",
            "The loss takes a softmax of a softmax: F.cross_entropy wants logits.",
            partial(forward, loss=lambda z, t: loss_of(F.softmax(z, dim=-1), t)),
        ),
        Mistake(
            "loss over the wrong shape",
            "The loss gets logits (B, T, V), but F.cross_entropy takes the classes in "
            "dimension 1: flatten both to B·T predictions, (B·T, V) and (B·T,).",
            partial(forward, loss=F.cross_entropy),
        ),
        Mistake(
            "view instead of transpose",
            "The logits were reshaped to (B, V, T) with view: that cuts the numbers in "
            "another order. Use transpose(1, 2), or flatten to (B·T, V).",
            partial(
                forward,
                loss=lambda z, t: F.cross_entropy(
                    z.reshape(z.size(0), z.size(2), z.size(1)), t
                ),
            ),
        ),
        Mistake(
            "shifted again",
            "The targets are shifted by one place: they already are the next tokens, "
            "targets[t] belongs to logits[t].",
            partial(forward, loss=lambda z, t: loss_of(z[:, :-1], t[:, 1:])),
        ),
        Mistake(
            "loss of the last place",
            "The loss looks at the last place only: it is the mean over all B·T.",
            partial(forward, loss=lambda z, t: F.cross_entropy(z[:, -1], t[:, -1])),
        ),
        Mistake(
            "sum",
            "The loss is a sum: expected the mean over all B·T predictions.",
            partial(forward, loss=lambda z, t: loss_of(z, t) * t.numel()),
        ),
        Mistake(
            "loss of the input",
            "The loss asks for idx, the tokens that went in, also where targets are "
            "given: expected -ln p of the targets.",
            lambda idx, targets, *rest: forward(
                idx, None if targets is None else idx, *rest
            ),
        ),
        Mistake(
            "only logits",
            "Two things come back: return logits, loss.",
            only_logits,
        ),
        Mistake(
            "always a loss",
            "Without targets there is no loss: it must be None.",
            always_a_loss,
        ),
        Mistake(
            "never a loss",
            "The loss is None although targets are given.",
            never_a_loss,
        ),
        Mistake(
            "head untied",
            "The output matrix is not the token embedding: with embeddings of zeros "
            "all logits must be 0, since a tied logit is the stream · an embedding.",
            when=not_tied,
        ),
    ],
    praise="embeddings + positions, the blocks in turn, ln_f, tied logits, mean loss.",
)
