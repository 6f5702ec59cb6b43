"""The study of first weights: each variant is what its name says, runs come once."""

import math

import pytest
import torch
from torch import nn

from gptcourse.experiments import starts
from gptcourse.experiments.starts import (
    VARIANTS,
    WIDER,
    Check,
    Result,
    Variant,
    build,
    main,
    missing,
)
from gptcourse.records import load_rows, table

V = 65


def made(variant):
    torch.manual_seed(0)
    return build(variant, V)


def test_variants_differ_in_what_their_names_say():
    """From the first to each other, "04" aside, in one thing; or in two, as named."""
    base = vars(VARIANTS["05"])
    for name, variant in VARIANTS.items():
        fields = vars(variant).items()
        differ = {k for k, v in fields if v != base[k] and k != "seeds"}
        if name.startswith("05"):
            assert len(differ) == name.count(","), name


def test_wider_weights_are_those_of_gpt2_times_one_factor():
    plain, wide = made(VARIANTS["05"]), made(VARIANTS["05, wider weights"])
    tables = made(VARIANTS["05, wider tables"]).state_dict()
    for name, weight in plain.state_dict().items():
        factor = WIDER if weight.ndim == 2 else 1.0
        torch.testing.assert_close(wide.state_dict()[name], weight * factor)
        factor = WIDER if name in ("wte.weight", "wpe.weight") else 1.0
        torch.testing.assert_close(tables[name], weight * factor)
    assert WIDER == pytest.approx(math.sqrt(12))


def test_tied_models_have_one_matrix_and_untied_ones_two():
    tied, untied = VARIANTS["05, output bias"], VARIANTS["05, untied"]
    model = made(tied)
    assert model.lm_head.weight is model.tokens.weight
    assert model.lm_head.bias.count_nonzero() == 0
    model = made(untied)
    assert model.lm_head.weight is not model.tokens.weight
    for weight in (model.lm_head.weight, model.tokens.weight):
        assert weight.std().item() == pytest.approx(0.02, rel=0.1)
    loud = made(VARIANTS["05, 04's weights, untied"])
    assert loud.tokens.weight.std().item() == pytest.approx(1, rel=0.1)


def test_an_unknown_part_of_a_variant_is_named():
    with pytest.raises(ValueError, match="weights='gpt3'"):
        Variant("gpt3")
    with pytest.raises(ValueError, match="block_size=63"):
        Variant(block_size=63)


def test_runs_are_recorded_and_not_repeated(tmp_path, monkeypatch, capsys):
    few = {"05": Variant(seeds=2), "04": Variant("pytorch", "own", 32, "shaped")}
    monkeypatch.setattr(starts, "VARIANTS", few)
    monkeypatch.setattr(starts, "STEPS", 2)
    monkeypatch.setattr(starts, "EVERY", 1)
    short = starts.run.__defaults__
    monkeypatch.setattr(starts.run, "__defaults__", (*short[:-1], 2))
    monkeypatch.setattr(starts, "evaluate", lambda *a, **k: Loss())
    main(tmp_path, runs=2)
    rows = load_rows(Result, tmp_path / "starts.csv")
    assert [(r.name, r.seed) for r in rows] == [("04", 0), ("05", 0)]
    assert missing(rows) == [("05", 1)]
    checks = load_rows(Check, tmp_path / "starts_curves.csv")
    assert [c.step for c in checks] == [1, 2, 1, 2]
    main(tmp_path)
    main(tmp_path)
    assert capsys.readouterr().out.count("Result(") == 3


class Loss:
    loss = 2.0


def test_the_recorded_table_is_complete():
    rows = load_rows(Result, table("starts"))
    assert missing(rows) == []
    for row in rows:
        variant = VARIANTS[row.name]
        shown = (row.weights, row.output, row.block_size, row.training)
        assert shown == (
            variant.weights,
            variant.output,
            variant.block_size,
            variant.training,
        )
        assert row.parameters == sum(p.numel() for p in parameters(variant))
    steps = {c.step for c in load_rows(Check, table("starts_curves"))}
    assert max(steps) == starts.STEPS and len(steps) == 20


def parameters(variant) -> list[nn.Parameter]:
    return list(build(variant, V).parameters())
