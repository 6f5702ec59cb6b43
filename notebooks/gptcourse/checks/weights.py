"""Exercises of 05_gpt: the first weights, the tied matrix's gradient."""

import math
from functools import partial

import torch
from torch import nn

from gptcourse.checks.before.core import Case, Exercise, Mistake
from gptcourse.checks.fixed import numbers
from gptlib.model import Block


class OneBlock(nn.Module):
    """What GPT-2's rule speaks of: embeddings, layers that write, LayerNorms."""

    def __init__(self):
        super().__init__()
        self.wte = nn.Embedding(64, 64)
        self.blocks = nn.ModuleList([Block(64, 2)])


def ask_weights(measure, n_layer: int = 2):
    """A probe: draw the weights of a model anew, then measure them."""

    def probe(answer):
        model = OneBlock()
        answer(model, n_layer)
        return measure(model)

    return probe


def deviation(get):
    """Measures a tensor's deviation in units of 0.02, to the nearest eighth or so.

    The steps are 2^(1/6): six times what chance does to the deviation of 4,096
    numbers, so that no draw of a right answer is judged wrong.
    """

    def measure(model):
        units = max(get(model).std().item() / 0.02, 1e-9)
        return 2 ** (round(6 * math.log2(units)) / 6)

    return measure


def largest_bias(model):
    layers = [m for m in model.modules() if isinstance(m, nn.Linear)]
    return max(layer.bias.abs().max().item() for layer in layers)


def mean_gain(model):
    gains = [block.ln_2.weight for block in model.blocks]
    return round(torch.stack(gains).mean().item(), 1)


def share_far_out(model):
    w = model.wte.weight
    far = (w.abs() > 2 * w.std()).float().mean().item()
    return round(far / 0.05) * 0.05  # 4.6% of a normal's numbers, none of a uniform's


@torch.no_grad()
def draw(
    model,
    n_layer,
    *,
    std=0.02,
    shrink=lambda n: math.sqrt(2 * n),
    shrunk=("proj",),
    kinds=(nn.Linear, nn.Embedding),
    biases=True,
    fill=nn.init.normal_,
):
    """GPT-2's rule, and with other settings the mistakes one makes in it."""
    for name, module in model.named_modules():
        if isinstance(module, kinds):
            small = name.endswith(shrunk)
            fill(module.weight, 0.0, std / shrink(n_layer) if small else std)
        if isinstance(module, nn.Linear) and biases:
            module.bias.zero_()


@torch.no_grad()
def everything(model, n_layer):
    for name, parameter in model.named_parameters():
        small = name.endswith("proj.weight")
        parameter.normal_(0.0, 0.02 / math.sqrt(2 * n_layer) if small else 0.02)


def evenly(weight, mean, std):
    nn.init.uniform_(weight, mean - std * math.sqrt(3), mean + std * math.sqrt(3))


def plus_minus(weight, mean, std):
    nn.init.uniform_(weight, mean - std, mean + std)


first_weights = Exercise(
    "first_weights",
    right=draw,
    cases=[
        Case(
            "deviation / 0.02 of a query, key and value matrix",
            ask_weights(deviation(lambda m: m.blocks[0].attn.qkv.weight)),
        ),
        Case(
            "deviation / 0.02 of attention's proj for n_layer = 2",
            ask_weights(deviation(lambda m: m.blocks[0].attn.proj.weight)),
        ),
        Case(
            "deviation / 0.02 of the feed-forward layer's proj, n_layer = 2",
            ask_weights(deviation(lambda m: m.blocks[0].mlp.proj.weight)),
        ),
        Case(
            "deviation / 0.02 of attention's proj for n_layer = 8",
            ask_weights(deviation(lambda m: m.blocks[0].attn.proj.weight), 8),
        ),
        Case(
            "deviation / 0.02 of the token embedding",
            ask_weights(deviation(lambda m: m.wte.weight)),
        ),
        Case("the largest bias of a Linear", ask_weights(largest_bias)),
        Case("the mean gain of the LayerNorms", ask_weights(mean_gain)),
        Case("share beyond two deviations, embedding", ask_weights(share_far_out)),
    ],
    mistakes=[
        Mistake(
            "nothing drawn",
            "Nothing was drawn: the weights are still PyTorch's own. Change them in "
            "place, for instance with nn.init.normal_(module.weight, std=...).",
            lambda model, n_layer: None,
        ),
        Mistake(
            "proj not shrunk",
            "The layers that write into the stream, named proj, are as large as the "
            "others: divide their deviation by √(2 n_layer).",
            partial(draw, shrink=lambda n: 1),
        ),
        Mistake(
            "root of n_layer",
            "proj is divided by √n_layer: each block writes twice, so √(2 n_layer).",
            partial(draw, shrink=math.sqrt),
        ),
        Mistake(
            "without the root",
            "proj is divided by 2 n_layer: variances add, so the deviation is divided "
            "by the root of that.",
            partial(draw, shrink=lambda n: 2 * n),
        ),
        Mistake(
            "proj grows",
            "proj is multiplied by √(2 n_layer): expected a division.",
            partial(draw, shrink=lambda n: 1 / math.sqrt(2 * n)),
        ),
        Mistake(
            "all shrunk",
            "Every matrix is divided by √(2 n_layer): only the layers named proj are.",
            partial(draw, shrunk=("qkv", "fc", "proj", "wte")),
        ),
        Mistake(
            "only one proj",
            "Only attention's proj is smaller: the feed-forward layer has one, too.",
            partial(draw, shrunk=("attn.proj",)),
        ),
        Mistake(
            "embeddings left",
            "The embeddings still have the deviation 1 that PyTorch gave them: they "
            "are drawn with 0.02, too.",
            partial(draw, kinds=(nn.Linear,)),
        ),
        Mistake(
            "biases left",
            "The biases are as PyTorch drew them: set them to 0.",
            partial(draw, biases=False),
        ),
        Mistake(
            "everything drawn",
            "Every parameter was drawn, LayerNorm's gains with them: those stay 1, and "
            "biases become 0. Ask for nn.Linear and nn.Embedding.",
            everything,
        ),
        Mistake(
            "variance 0.02",
            "The variance is 0.02: expected the deviation, its root.",
            partial(draw, std=math.sqrt(0.02)),
        ),
        Mistake(
            "deviation 0.02²",
            "The deviation is 0.02² = 0.0004: normal_ takes the deviation, not the "
            "variance.",
            partial(draw, std=0.02**2),
        ),
        Mistake(
            "evenly",
            "The numbers are spread evenly: expected a normal distribution.",
            partial(draw, fill=evenly),
        ),
        Mistake(
            "between -0.02 and 0.02",
            "The numbers are spread evenly from -0.02 to 0.02: expected a normal "
            "distribution with that deviation.",
            partial(draw, fill=plus_minus),
        ),
    ],
    praise="0.02 everywhere, proj smaller by √(2 n_layer), biases 0, gains still 1.",
)


def ask_repeated(answer):
    idx, d_x = torch.tensor([[1, 1]]), torch.tensor([[[1.0, 2.0], [10.0, 20.0]]])
    stream = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    d_logits = torch.tensor([[[100.0, 0.0, 300.0], [400.0, 0.0, 600.0]]])
    return answer(idx, d_x, stream, d_logits)


def ask_batch(answer):
    idx = torch.tensor([[0, 3, 3, 1], [3, 2, 0, 0]])
    d_x, stream = numbers(2, 4, 3), numbers(2, 4, 3, start=50)
    return answer(idx, d_x, stream, numbers(2, 4, 5, start=90))


def reading(idx, d_x, stream, d_logits):
    rows = torch.zeros(d_logits.size(-1), d_x.size(-1))
    return rows.index_add(0, idx.flatten(), d_x.flatten(0, 1))


def writing(idx, d_x, stream, d_logits):
    return d_logits.flatten(0, 1).T @ stream.flatten(0, 1)


def both(*given):
    return reading(*given) + writing(*given)


def repeats_lost(idx, d_x, stream, d_logits):
    grad = writing(idx, d_x, stream, d_logits)
    grad[idx] += d_x
    return grad


def overwritten(idx, d_x, stream, d_logits):
    grad = writing(idx, d_x, stream, d_logits)
    grad[idx] = d_x
    return grad


def averaged(*given):
    return both(*given) / 2


def mean_over_places(idx, *given):
    return both(idx, *given) / idx.numel()


def wrong_partner(idx, d_x, stream, d_logits):
    return both(idx, d_x, d_x, d_logits)


def stream_looked_up(idx, d_x, stream, d_logits):
    return both(idx, stream, stream, d_logits)


def transposed(*given):
    return both(*given).T


def first_text(idx, d_x, stream, d_logits):
    return both(idx[:1], d_x[:1], stream[:1], d_logits[:1])


def difference(*given):
    return writing(*given) - reading(*given)


tied_gradient = Exercise(
    "tied_gradient",
    right=both,
    cases=[
        Case("the token 1 twice, V = 3, C = 2", ask_repeated),
        Case("two texts of four tokens, V = 5, C = 3", ask_batch),
    ],
    mistakes=[
        Mistake(
            "repeats lost",
            "A token that comes up twice is counted once: `grad[idx] += d_x` reads, "
            "adds and writes back, so the last one wins. Use index_add_.",
            repeats_lost,
        ),
        Mistake(
            "overwritten",
            "`grad[idx] = d_x` overwrites what stood there: add, and count repeated "
            "tokens each time (index_add_).",
            overwritten,
        ),
        Mistake(
            "only writing",
            "Only the use as output is there: the rows that were looked up get the "
            "gradient d_x as well.",
            writing,
        ),
        Mistake(
            "only reading",
            "Only the use as input is there: by writing, every row gets the sum of "
            "d_logits times the stream.",
            reading,
        ),
        Mistake(
            "averaged",
            "The two gradients are averaged: a matrix used twice gets their sum.",
            averaged,
        ),
        Mistake(
            "mean over places",
            "It is divided by the number of places: d_x and d_logits already hold the "
            "1/(B·T) of the mean loss.",
            mean_over_places,
        ),
        Mistake(
            "wrong partner",
            "d_logits is multiplied by d_x: the logits are stream · embedding, so the "
            "embedding's gradient is d_logits times the stream.",
            wrong_partner,
        ),
        Mistake(
            "stream looked up",
            "The stream is added to the rows that were read: d_x arrives there.",
            stream_looked_up,
        ),
        Mistake(
            "transposed",
            "This is (C, V): one row for each token, (V, C), as the table has it.",
            transposed,
        ),
        Mistake(
            "first text only",
            "Only the first text of the batch counts: sum over all B·T places.",
            first_text,
        ),
        Mistake(
            "difference",
            "The two uses are subtracted: a matrix used twice gets their sum.",
            difference,
        ),
    ],
    praise="one matrix, two uses, one sum, and repeated tokens count each time.",
)
