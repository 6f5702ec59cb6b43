"""An exercise of 09_tokenization: a score that compares models of any tokens."""

import math
from functools import partial

import torch

from gptcourse.checks.before.core import Case, Exercise, Mistake

BIT = math.log(2)  # nats
SPELT = [b"a", b" the", b"\xc3", b"\xa9", b"MIRANDA", b"\n", "–é".encode()]


def ask_bits(losses: list, ids: list):
    def decode(some):
        return b"".join(SPELT[i] for i in some).decode(errors="replace")

    return lambda answer: answer(torch.tensor(losses), list(ids), decode)


def bits(losses, ids, decode, *, unit=BIT, count=None):
    """Bits a character; the other settings are the mistakes one makes."""
    characters = len(decode(ids[1:])) if count is None else count(ids, decode)
    return losses.sum() / unit / characters


def ratio_by_ratio(losses, ids, decode):
    lengths = torch.tensor([float(len(decode([i]))) for i in ids[1:]])
    return (losses / lengths).mean() / BIT


def choices_left(losses, ids, decode):
    return bits(losses, ids, decode, unit=1).exp()


bits_per_char = Exercise(
    "bits_per_char",
    right=bits,
    cases=[
        Case(
            "'a', then ' the' and a line end, 3 and 2 nats",
            ask_bits([3.0, 2.0], [0, 1, 5]),
        ),
        Case(
            "'a', then 'é' in two tokens and ' the', 1, 2 and 4 nats",
            ask_bits([1.0, 2.0, 4.0], [0, 2, 3, 1]),
        ),
        Case("five tokens", ask_bits([0.5, 6.0, 1.5, 2.5], [5, 4, 6, 0, 1])),
    ],
    mistakes=[
        Mistake(
            "nats",
            "These are nats a character: a bit is ln 2 nats, divide by ln 2.",
            partial(bits, unit=1.0),
        ),
        Mistake(
            "times ln 2",
            "It is multiplied by ln 2: a nat is more than a bit, divide.",
            partial(bits, unit=1 / BIT),
        ),
        Mistake(
            "per token",
            "These are bits a *token*: divide the sum by the number of characters.",
            partial(bits, count=lambda ids, decode: len(ids) - 1),
        ),
        Mistake(
            "nats per token",
            "This is the mean loss, in nats a token: it compares nothing, since a "
            "token is something else to each model.",
            lambda losses, ids, decode: losses.mean(),
        ),
        Mistake(
            "the sum",
            "This is the surprise at the whole text: divide it by the number of "
            "characters.",
            partial(bits, count=lambda ids, decode: 1),
        ),
        Mistake(
            "ratio by ratio",
            "Each token's loss is divided by its own length, then averaged: short "
            "tokens count too much. One sum over another.",
            ratio_by_ratio,
        ),
        Mistake(
            "first token counted",
            "The characters of ids[0] are counted, but nobody guessed that token: it "
            "was given.",
            partial(bits, count=lambda ids, decode: len(decode(ids))),
        ),
        Mistake(
            "last token not counted",
            "The last token's characters are not counted: losses belong to ids[1:].",
            partial(bits, count=lambda ids, decode: len(decode(ids[:-1]))),
        ),
        Mistake(
            "token by token",
            "The tokens are decoded one by one, and 'é', two tokens, counts twice: "
            "decode them together.",
            partial(bits, count=lambda ids, d: sum(len(d([i])) for i in ids[1:])),
        ),
        Mistake(
            "bytes",
            "It is divided by the number of bytes: 'é' has two, and is one character.",
            partial(bits, count=lambda ids, d: len(d(ids[1:]).encode())),
        ),
        Mistake(
            "perplexity",
            "This is e^loss, equally likely choices: wanted are bits.",
            choices_left,
        ),
    ],
    praise="the surprise at the whole text, over its characters.",
)
