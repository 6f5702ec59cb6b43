"""The study of 03's variants: each is what its name says, and all are recorded."""

import pytest
import torch

from gptcourse.experiments import heads
from gptcourse.experiments.heads import SEEDS, VARIANTS, Run, body
from gptcourse.records import load_rows, table
from gptlib.data import TokenSplits


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_variant_has_the_parts_of_its_name(variant):
    layer, x = body(variant), torch.randn(2, 5, 64)
    keeps = variant.startswith("x +")
    attention = layer.attention if keeps else layer
    torch.testing.assert_close(layer(x), attention(x) + (x if keeps else 0))
    assert attention.n_head == (4 if "four" in variant else 1)
    projects = keeps or "projection" in variant
    assert isinstance(attention.proj, torch.nn.Linear) == projects


def test_a_run_depends_on_variant_and_seed_only():
    tokens = torch.randint(65, (3000,), generator=torch.Generator().manual_seed(1))
    data = TokenSplits(tokens, tokens[:500], tokens[:500])
    runs = [heads.run("four heads", seed, data, steps=2) for seed in (0, 0, 1)]
    assert runs[0] == runs[1] and runs[0].loss != runs[2].loss
    assert heads.run("one head", 0, data, steps=2).loss != runs[0].loss


def test_every_variant_is_recorded_with_every_seed(monkeypatch, tmp_path, capsys):
    rows = load_rows(Run, table("heads"))
    wanted = [(variant, seed) for variant in VARIANTS for seed in SEEDS]
    assert [(row.variant, row.seed) for row in rows] == wanted
    monkeypatch.setattr(heads, "table", lambda name: tmp_path / f"{name}.csv")
    monkeypatch.setattr(heads, "run", lambda v, s, _: Run(v, s, 2.0))
    heads.main()
    again = load_rows(Run, tmp_path / "heads.csv")
    assert [(row.variant, row.seed) for row in again] == wanted
    assert capsys.readouterr().out.count("loss=2.0") == len(wanted)
