"""The study of first weights: each variant is what its name says, runs come once."""

import math

import pytest
import torch

from gptcourse.experiments import starts
from gptcourse.experiments.starts import (
    VARIANTS,
    WIDER,
    Result,
    Variant,
    build,
    main,
    missing,
)
from gptcourse.records import load_rows, table
from gptlib.commands import sweep
from gptlib.commands.spec import read_spec
from gptlib.files.fetch import project_folder
from gptlib.model import count_parameters


def made(variant):
    torch.manual_seed(0)
    return build(variant)


def test_wider_weights_are_those_of_gpt2_times_one_factor():
    plain, wide = made(VARIANTS["05"]), made(VARIANTS["05, wider weights"])
    for name, weight in plain.state_dict().items():
        factor = WIDER if weight.ndim == 2 else 1.0
        torch.testing.assert_close(wide.state_dict()[name], weight * factor)
    assert WIDER == pytest.approx(math.sqrt(12))


def test_untied_models_have_a_second_matrix_with_a_bias():
    model = made(VARIANTS["05, untied"])
    assert model.lm_head.weight is not model.tokens.weight
    assert model.lm_head.bias.count_nonzero() == 0
    for weight in (model.lm_head.weight, model.tokens.weight):
        assert weight.std().item() == pytest.approx(0.02, rel=0.1)
    loud = made(VARIANTS["05, 04's weights, untied"])
    assert loud.tokens.weight.std().item() == pytest.approx(1, rel=0.1)


def test_runs_are_recorded_and_not_repeated(tmp_path, monkeypatch, capsys):
    few = {"05": Variant(seeds=2), "04": Variant("pytorch", "own")}
    monkeypatch.setattr(starts, "VARIANTS", few)
    monkeypatch.setattr(starts.run, "__defaults__", (2,))
    monkeypatch.setattr(starts, "evaluate", lambda *a, **k: Loss())
    path = tmp_path / "starts.csv"
    main(path, runs=2)
    rows = load_rows(Result, path)
    assert [(r.name, r.seed) for r in rows] == [("05", 0), ("05", 1)]
    assert missing(rows) == [("04", 0)]
    main(path)
    main(path)
    assert capsys.readouterr().out.count("Result(") == 3


class Loss:
    loss = 2.0


def test_the_recorded_table_is_complete():
    rows = load_rows(Result, table("starts"))
    assert missing(rows) == []
    for row in rows:
        variant = VARIANTS[row.name]
        assert (row.weights, row.output) == (variant.weights, variant.output)
        assert row.parameters == count_parameters(build(variant))


@pytest.mark.parametrize("name", ["training_rates", "training"])
def test_the_sweeps_of_notebook_06_are_complete(name):
    path = project_folder("notebooks") / "records" / "sweeps" / f"{name}.yaml"
    spec, rows = read_spec(path), sweep.load_rows(path)
    assert {row["spec"] for row in rows} == {spec.fingerprint()}
    done = [{k: row[k] for k in (*spec.points()[0], "seed")} for row in rows]
    assert done == [point | {"seed": seed} for point, seed in spec.runs()]


def test_wider_weights_lower_the_loss_with_every_seed():
    """What notebook 05 says about its first weights."""
    val = {(r.name, r.seed): r.val for r in load_rows(Result, table("starts"))}
    for seed in range(3):
        assert val["05, wider weights", seed] < val["05", seed] - 0.05
