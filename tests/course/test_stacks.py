import math
from itertools import product

import pytest
import torch

from gptcourse.experiments import stacks
from gptcourse.records import load_rows, table
from gptlib.data import load_corpus
from gptlib.model import count_parameters
from gptlib.tokenizer import CharTokenizer


@pytest.mark.parametrize("layers", stacks.SHAPES)
def test_the_kinds_share_their_weights_and_differ_in_the_norms(layers):
    width = stacks.SHAPES[layers][0]
    x = torch.randn(2, 5, width)  # (B, T, C)
    out = {}
    for kind in stacks.KINDS:
        torch.manual_seed(0)
        body = stacks.body(kind, layers)
        out[kind] = body(x)  # (B, T, C)
        # The last LayerNorm, a gain and a bias, is pre-norm's alone.
        last = 2 * width if kind == "pre-norm" else 0
        assert count_parameters(body) == layers * (12 * width**2 + 13 * width) + last
    for kind in ("post-norm", "pre-norm"):
        assert out[kind].mean(dim=-1).abs().max() < 1e-5
        assert not torch.allclose(out[kind], out["no LayerNorm"], atol=0.1)
    assert not torch.allclose(out["post-norm"], out["pre-norm"], atol=0.1)


def test_a_run_can_be_repeated_and_one_that_diverges_says_so():
    corpus = load_corpus("tinyshakespeare")
    data = corpus.encode(CharTokenizer(corpus.text))
    short = stacks.run(3, "pre-norm", 0.003, 0, data, steps=3)
    assert short == stacks.run(3, "pre-norm", 0.003, 0, data, steps=3)
    assert 3 < short.loss < 5
    assert stacks.run(3, "no LayerNorm", 900.0, 0, data, steps=40).loss == math.inf


def test_the_table_holds_every_run_once():
    rows = load_rows(stacks.Run, table("stacks"))
    found = [(r.layers, r.kind, r.lr, r.seed) for r in rows]
    wanted = product(stacks.SHAPES, stacks.KINDS, stacks.RATES, stacks.SEEDS)
    assert sorted(found) == sorted(wanted)
    assert all(row.loss > 2 for row in rows)
