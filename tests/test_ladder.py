import math
from dataclasses import asdict, replace

import pytest
import torch

from gptlib import ladder


def test_measure_knows_the_uniform_rung(uniform, split, letters, capsys):
    rung = ladder.measure("uniform", "01_bigram", uniform, split, letters, 0.0)
    assert rung.loss == pytest.approx(math.log(65), abs=1e-5)
    assert rung.bits == pytest.approx(math.log2(65), abs=1e-5)
    assert rung.choices == pytest.approx(65, rel=1e-4)
    assert rung.sample.startswith("ROMEO:") and len(rung.sample) == 126
    assert "recorded" in capsys.readouterr().out
    assert ladder.measured[-1] == rung


def test_a_loss_out_of_range_says_what_is_normal(uniform, split, letters):
    with pytest.raises(AssertionError, match="normal on any machine is"):
        ladder.measure("one head", "02_single_head", uniform, split, letters, 0.0)


def test_committed_ladder_has_a_rung_of_every_notebook():
    rungs = ladder.load_ladder()
    notebooks = [rung.notebook for rung in rungs]
    assert notebooks == sorted(notebooks)
    assert set(notebooks) == {
        "01_bigram",
        "02_single_head",
        "03_multi_head",
        "04_blocks",
        "05_gpt",
        "06_training",
        "07_overfitting",
        "12_modern",
    }
    best = {rung.name: rung.high for rung in rungs}
    assert best["GPT"] <= 1.90 and best["modern GPT + counts"] <= 1.50
    lowest = min(rungs, key=lambda rung: rung.loss)
    assert lowest.name == "model3"
    # The learned bigram repeats the counted one; every other rung must be a step down.
    steps = [r for r in rungs if r.notebook <= "04_blocks"]
    losses = [r.loss for r in steps if r.name != "learned bigram"]
    assert losses == sorted(losses, reverse=True)
    for rung in rungs:
        assert rung.low <= rung.loss <= rung.high
        assert rung.seeds == (1 if rung.name in ("model2", "model3") else 3)
        assert rung.sample.startswith("ROMEO:") and rung.torch == "2.13.0"


def test_cheap_rungs_are_what_the_table_says(uniform, split):
    counts = torch.zeros(65, dtype=torch.double)
    counts.index_add_(0, split.train, torch.ones(len(split.train), dtype=torch.double))
    p = (counts + 1) / (counts + 1).sum()
    unigram = -p.log()[split.val[1:]].mean().item()
    recorded = {rung.name: rung for rung in ladder.load_ladder()}
    assert recorded["uniform"].loss == pytest.approx(ladder.UNIFORM, abs=1e-4)
    assert recorded["unigram"].loss == pytest.approx(unigram, abs=1e-3)


def test_table_round_trip_and_seeds(tmp_path, uniform, split, letters):
    rung = ladder.measure("uniform", "01_bigram", uniform, split, letters, 1.0)
    runs = [replace(rung, loss=loss) for loss in (1.0, 2.0, 4.5)]
    combined = ladder.combine(runs)
    assert (combined.low, combined.loss, combined.high) == (1.0, 2.5, 4.5)
    assert combined.seeds == 3
    loaded = replace(runs[0], minutes=2.0)
    assert ladder.combine([loaded, loaded, loaded]).seeds == 1
    ladder.save_ladder([combined], tmp_path / "ladder.csv")
    (loaded,) = ladder.load_ladder(tmp_path / "ladder.csv")
    assert loaded.sample == rung.sample and loaded.loss == 2.5
    assert asdict(loaded).keys() == asdict(rung).keys()
    assert ladder.accepted_range(loaded) == (1.0 - 3.5, 4.5 + 3.5)
