"""Exercises of 16_gpt2: a published file, read into our class."""

from functools import partial

import torch

from gptcourse.checks.before.core import Case, Exercise, Mistake
from gptcourse.checks.fixed import numbers
from gptlib.hub.pretrained import MASKS, is_transposed, their_name
from gptlib.model import GPT, GPTConfig

TINY = GPTConfig(vocab_size=3, block_size=4, n_layer=1, n_head=1, n_embd=2)


def published_file(config: GPTConfig = TINY) -> dict:
    """What a published file of that shape holds: names, forms, and the old masks."""
    with torch.device("meta"):
        shapes = {k: v.shape for k, v in GPT(config).state_dict().items()}
    file, start = {}, 0
    for ours, shape in shapes.items():
        name = their_name(ours)
        shape = shape[::-1] if is_transposed(name) else shape
        file[name] = numbers(*shape, start=start)
        start += file[name].numel()
    for i in range(config.n_layer):
        T = config.block_size
        file[f"h.{i}.attn.bias"] = torch.ones(1, 1, T, T).tril()
        file[f"h.{i}.attn.masked_bias"] = torch.tensor(-1e4)
    return file


def our_name(name: str) -> str:
    ours = {"h": "blocks", "c_attn": "qkv", "c_proj": "proj", "c_fc": "fc"}
    return ".".join(ours.get(part, part) for part in name.split("."))


def read(
    published,
    *,
    rename=our_name,
    skip=lambda name: name.endswith(MASKS),
    turn=lambda name, tensor: is_transposed(name),
    how=lambda tensor: tensor.T,
):
    """Our tensors for the published ones, and with other settings the mistakes."""
    return {
        rename(name): how(tensor) if turn(name, tensor) else tensor
        for name, tensor in published.items()
        if not skip(name)
    }


def read_with_head(published):
    ours = read(published)
    return ours | {"lm_head.weight": ours["wte.weight"]}


def ask_names(answer):
    ours, wanted = answer(published_file()), set(read(published_file()))
    if not isinstance(ours, dict):
        return ours
    return [sorted(set(ours) - wanted), sorted(wanted - set(ours))]


def ask_tensor(name: str):
    return lambda answer: answer(published_file())[name]


def ask_two_blocks(answer):
    config = GPTConfig(vocab_size=5, block_size=3, n_layer=12, n_head=2, n_embd=4)
    ours = answer(published_file(config))
    return [[*sorted(ours)], *(ours[name] for name in sorted(ours))]


read_published = Exercise(
    "read_published",
    right=read,
    cases=[
        Case("one block: names that our class has not, and that it misses", ask_names),
        Case("attn.proj.weight, square", ask_tensor("blocks.0.attn.proj.weight")),
        Case("mlp.fc.weight, from 2 to 8", ask_tensor("blocks.0.mlp.fc.weight")),
        Case("attn.qkv.weight, from 2 to 6", ask_tensor("blocks.0.attn.qkv.weight")),
        Case("wte.weight, three tokens", ask_tensor("wte.weight")),
        Case("twelve blocks", ask_two_blocks),
    ],
    mistakes=[
        Mistake(
            "not renamed",
            "The names are still those of the file: our class says blocks for h, and "
            "qkv, proj, fc for c_attn, c_proj, c_fc.",
            partial(read, rename=lambda name: name),
        ),
        Mistake(
            "only h renamed",
            "The blocks have their name, their layers still have the file's: c_attn is "
            "qkv here, c_proj is proj, c_fc is fc.",
            partial(read, rename=lambda name: name.replace("h.", "blocks.")),
        ),
        Mistake(
            "c_ cut off",
            "c_attn is not attn here but qkv: one matrix for queries, keys and values.",
            partial(
                read,
                rename=lambda name: name.replace("h.", "blocks.").replace("c_", ""),
            ),
        ),
        Mistake(
            "every h replaced",
            "weight has an h, too: rename whole parts, split at the dots, or with the "
            "dot behind the h.",
            partial(read, rename=lambda name: our_name(name.replace("h", "blocks"))),
        ),
        Mistake(
            "masks kept",
            "The masks attn.bias and attn.masked_bias came along: they are no weights, "
            "and our class makes its own mask.",
            partial(read, skip=lambda name: False),
        ),
        Mistake(
            "one mask kept",
            "attn.masked_bias came along: it, too, is no weight.",
            partial(read, skip=lambda name: name.endswith(".attn.bias")),
        ),
        Mistake(
            "a bias thrown away",
            "The bias of c_attn is gone with the masks: its name ends in attn.bias, "
            "too. The mask's ends in .attn.bias.",
            partial(
                read, skip=lambda name: name.endswith(("attn.bias", ".masked_bias"))
            ),
        ),
        Mistake(
            "all biases thrown away",
            "All biases are gone with the masks: only attn.bias and attn.masked_bias, "
            "directly below attn, are masks.",
            partial(read, skip=lambda name: name.endswith("bias")),
        ),
        Mistake(
            "a head added",
            "There is an lm_head.weight: our class has none, its output matrix is "
            "wte.weight itself.",
            read_with_head,
        ),
        Mistake(
            "nothing turned",
            "No matrix is turned: the file has (in, out), nn.Linear (out, in).",
            partial(read, turn=lambda name, tensor: False),
        ),
        Mistake(
            "square one missed",
            "attn.c_proj is not turned: it is square, so the shape does not tell, but "
            "it is stored (in, out) like the others.",
            partial(
                read,
                turn=lambda name, t: is_transposed(name) and t.shape[0] != t.shape[1],
            ),
        ),
        Mistake(
            "tables turned",
            "The embeddings are turned, too: they are tables, a row a token, and the "
            "same in both.",
            partial(read, turn=lambda name, tensor: tensor.ndim == 2),
        ),
        Mistake(
            "only attention turned",
            "The matrices of mlp are not turned: all four of a block are stored "
            "(in, out).",
            partial(
                read, turn=lambda name, t: is_transposed(name) and ".attn." in name
            ),
        ),
        Mistake(
            "only c_attn turned",
            "Only c_attn is turned: all four matrices of a block are stored (in, out).",
            partial(read, turn=lambda name, t: name.endswith("c_attn.weight")),
        ),
        Mistake(
            "reshaped",
            "The shape is right, the numbers are in other places: view and reshape "
            "read on row by row, .T turns rows into columns.",
            partial(read, how=lambda tensor: tensor.reshape(tensor.shape[::-1])),
        ),
    ],
    praise="whole names, no masks, and all four matrices turned, the square one too.",
)
