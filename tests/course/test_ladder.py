import math
from dataclasses import asdict, replace
from functools import partial

import pytest
import torch

from gptcourse import ladder
from gptlib import Bigram, CountedNGrams, evaluate


@pytest.fixture(autouse=True)
def notebook(monkeypatch):
    monkeypatch.setattr(ladder, "current_notebook", lambda: "01_bigram")


def test_measure_knows_the_uniform_rung(uniform, split, letters, capsys):
    rung = ladder.measure("uniform", uniform, split, letters, 0.0)
    assert rung.loss == pytest.approx(math.log(65), abs=1e-5)
    assert rung.bits == pytest.approx(math.log2(65), abs=1e-5)
    assert rung.choices == pytest.approx(65, rel=1e-4)
    assert rung.sample.startswith("ROMEO:") and len(rung.sample) == 126
    assert rung.notebook == "01_bigram"
    assert "recorded" in capsys.readouterr().out
    assert ladder.measured[-1] == rung and rung.device == "cpu"
    elsewhere = ladder.measure("uniform", uniform, split, letters, 4.0, "H200")
    assert elsewhere.device == "H200" and "minutes on H200" in str(elsewhere)


def test_a_loss_out_of_range_says_what_is_normal(uniform, split, letters):
    with pytest.raises(AssertionError, match="normal on any machine is"):
        ladder.measure("one head", uniform, split, letters, 0.0)


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
        "14_modern",
    }
    best = {rung.name: rung.high for rung in rungs}
    assert best["GPT"] <= 1.90 and best["modern GPT + counts"] <= 1.50
    assert best["modern GPT"] <= 1.58
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


# What 12 chose on dev: all discounts times so much.
MORE_DISCOUNT = {3: 1.1, 4: 1.1, 5: 1.1, 6: 1.2}


def counted_bigram(split):
    """Counts of pairs, and one more of each, as a model."""
    pairs = split.train[:-1] * 65 + split.train[1:]
    counts = torch.bincount(pairs, minlength=65 * 65).view(65, 65) + 1
    model = Bigram(65)
    with torch.no_grad():
        model.table.weight.copy_((counts / counts.sum(1, keepdim=True)).log())
    return model


def unigram(split):
    model = Bigram(65)
    counts = torch.bincount(split.train, minlength=65) + 1
    with torch.no_grad():
        model.table.weight.copy_((counts / counts.sum()).log().expand(65, 65))
    return model


def counted(split, order):
    model = CountedNGrams.fit(split.train, 65, order)
    model.discounts.mul_(MORE_DISCOUNT.get(order, 1.0))
    return model


CHEAP = {
    "uniform": None,
    "unigram": unigram,
    "counted bigram": counted_bigram,
    **{f"counted {n}-grams": partial(counted, order=n) for n in MORE_DISCOUNT},
}


@pytest.mark.parametrize("name", CHEAP)
def test_cheap_rungs_are_what_the_table_says(name, uniform, split, letters):
    (recorded,) = [rung for rung in ladder.load_ladder() if rung.name == name]
    model = CHEAP[name](split) if CHEAP[name] else uniform
    again = ladder.measure(name, model, split, letters, 0.0)
    assert again.loss == pytest.approx(recorded.loss, abs=2e-4)
    assert again.stderr == pytest.approx(recorded.stderr, abs=2e-4)
    assert again.parameters == recorded.parameters
    assert recorded.low == recorded.high and recorded.minutes < 0.1


def test_counting_is_one_family_from_the_first_notebook_on(split):
    family = [rung for rung in ladder.load_ladder() if rung.order]
    assert [rung.order for rung in family] == [1, 2, 3, 4, 5, 6]
    losses = [rung.loss for rung in family]
    assert losses == sorted(losses, reverse=True)
    # Smoothing matters where counts are few: the first two are the rungs of 01.
    for rung in family[:2]:
        smoothed = evaluate(counted(split, rung.order), split.val).loss
        assert smoothed == pytest.approx(rung.loss, abs=2e-3)


def test_table_round_trip_and_seeds(tmp_path, uniform, split, letters):
    rung = ladder.measure("uniform", uniform, split, letters, 1.0)
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


def test_samples_of_the_readers_way_stand_one_under_the_other(capsys):
    ladder.print_samples()
    said = capsys.readouterr().out
    heads = [line for line in said.splitlines() if line.startswith("── ")]
    assert [head.split(" · ")[0][3:] for head in heads] == list(ladder.SPINE)
    assert said.count("ROMEO:") >= len(ladder.SPINE)
