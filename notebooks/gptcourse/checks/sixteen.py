"""One more exercise of 13_speed: a float32 in 16 bits."""

from functools import partial

import torch
from torch import Tensor

from gptcourse.checks.before.core import Case, Exercise, Mistake


def ask_rounded(*values: float):
    def probe(answer):
        rounded = answer(torch.tensor(values))
        return rounded.float() if isinstance(rounded, Tensor) else rounded

    return probe


def to_bits(x, *, bits=8, whole=torch.round):
    """x with so many significant bits; other settings make mistakes."""
    fraction, exponent = torch.frexp(x)  # x = fraction · 2^exponent
    return torch.ldexp(whole(fraction * 2.0**bits), exponent - bits)


def away_from_zero(x):
    return x.sign() * (x.abs() + 0.5).floor()


def by_logarithm(x):
    unit = 2.0 ** (x.abs().log2().floor() - 7)
    return (x / unit).round() * unit


sixteen_bits = Exercise(
    "sixteen_bits",
    right=to_bits,
    cases=[
        Case("x = 0.1 100.3 -3.14159", ask_rounded(0.1, 100.3, -3.14159)),
        Case(
            "x = 1 + 1/256 and 1 + 3/256, two ties",
            ask_rounded(1 + 1 / 256, 1.01171875),
        ),
        Case("x = -1 - 1/256 and -1 - 3/256", ask_rounded(-1 - 1 / 256, -1.01171875)),
        Case("x = 0 and -2", ask_rounded(0.0, -2.0)),
        Case("x = 123456.7 and 1.9999", ask_rounded(123456.7, 1.9999)),
        Case("x = 1.23e20 and -4.56e-20", ask_rounded(1.23e20, -4.56e-20)),
    ],
    mistakes=[
        Mistake(
            "cut off",
            "The low bits are cut off: round to the nearest number that 8 bits can "
            "hold, up or down.",
            partial(to_bits, whole=torch.trunc),
        ),
        Mistake(
            "rounded down",
            "All numbers are rounded down, also the negative ones: round to the "
            "nearest.",
            partial(to_bits, whole=torch.floor),
        ),
        Mistake(
            "rounded up",
            "All numbers are rounded up: round to the nearest.",
            partial(to_bits, whole=torch.ceil),
        ),
        Mistake(
            "seven bits",
            "One bit too few: bfloat16 stores 7, and a leading 1 that needs no "
            "storing. With 0.5 ≤ fraction < 1 that makes 8.",
            partial(to_bits, bits=7),
        ),
        Mistake(
            "nine bits",
            "One bit too many: the 7 stored bits and the leading 1 make 8.",
            partial(to_bits, bits=9),
        ),
        Mistake(
            "float16",
            "This is float16, which has 11 significant bits and a small range: "
            "bfloat16 has 8, and the range of float32.",
            lambda x: x.half().float(),
        ),
        Mistake(
            "float16's bits",
            "These are float16's 11 significant bits: bfloat16 has 8.",
            partial(to_bits, bits=11),
        ),
        Mistake(
            "ties away from zero",
            "Ties are rounded away from zero: to the even neighbour, as "
            "`torch.round` does.",
            partial(to_bits, whole=away_from_zero),
        ),
        Mistake(
            "ties upward",
            "Ties are rounded up, x + ½ cut off: to the even neighbour, as "
            "`torch.round` does.",
            partial(to_bits, whole=lambda x: (x + 0.5).floor()),
        ),
        Mistake(
            "fixed point",
            "Small and large numbers are rounded to the same step, 1/128: that is "
            "fixed point. The step of a float grows with its exponent.",
            lambda x: (x * 128).round() / 128,
        ),
        Mistake(
            "fixed point, 8 bits",
            "Small and large numbers are rounded to the same step, 1/256: that is "
            "fixed point. The step of a float grows with its exponent.",
            lambda x: (x * 256).round() / 256,
        ),
        Mistake(
            "decimals",
            "These are decimals: a bit is a half, a quarter, an eighth …",
            lambda x: x.round(decimals=2),
        ),
        Mistake(
            "zero",
            "Zero becomes NaN: its logarithm is -inf. `torch.frexp` knows zero.",
            by_logarithm,
        ),
        Mistake(
            "fraction alone",
            "The exponent is gone: multiply by 2 to the exponent again.",
            lambda x: (torch.frexp(x)[0] * 256).round() / 256,
        ),
        Mistake(
            "no rounding",
            "This is x itself: its low 16 bits are still there.",
            lambda x: x.clone(),
        ),
    ],
    praise="8 significant bits, the range of float32, ties to even.",
)
