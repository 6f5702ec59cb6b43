"""The induction study: what its rows, scores and record are."""

from itertools import pairwise

import torch

from gptcourse import looking
from gptcourse.experiments import induction
from gptcourse.experiments.fewshot import TOKENIZER
from gptcourse.experiments.induction import RUNS, SEEDS, Moment
from gptcourse.records import load_rows, table


def test_only_what_repeats_is_asked_for():
    idx, targets = induction.repeats(50, seed=3)
    for row, wanted in zip(idx.tolist(), targets.tolist(), strict=True):
        for t, target in enumerate(wanted):
            follows = {row[s + 1] for s in range(t) if row[s] == row[t]}
            new = [target] if target != -100 else []
            assert set(new) <= follows or (not follows and target == row[0])


def test_scores_of_heads_that_do_nothing_else():
    idx = torch.tensor([[5, 6, 7, 5, 6, 7]])
    w = torch.zeros(1, 2, 6, 6)
    for t in range(6):
        w[0, 0, t, max(0, t - 1)] = 1  # the position before
        w[0, 1, t, t - 2 if t > 2 else 0] = 1  # what followed the letter before
    assert induction.previous_scores(w).tolist()[0] == 1
    assert induction.induction_scores(w, idx).tolist() == [0, 1]


def test_a_run_begins_at_step_0_and_depends_on_its_seed():
    runs = [
        list(induction.learn(induction.new_model(2, seed), seed, steps=10))
        for seed in (0, 0, 1)
    ]
    assert [m.step for m in runs[0]] == [0, 10]
    assert runs[0] == runs[1] and runs[0][-1].loss != runs[2][-1].loss


def test_every_run_is_recorded_with_every_seed():
    rows = load_rows(Moment, table("induction"))
    wanted = {(*run, seed) for run in RUNS for seed in SEEDS}
    assert {(r.layers, r.dropout, r.seed) for r in rows} == wanted
    assert {r.step for r in rows} == set(range(0, induction.STEPS + 1, induction.EVERY))


def test_what_the_notebook_compares_its_numbers_with():
    """A guess among a row's letters, and a head that looks everywhere alike."""
    idx, targets = induction.repeats(64, induction.TEST_SEED)
    periods = torch.tensor([len(set(row)) for row in idx.tolist()])
    losses = periods.log()[:, None].expand(targets.shape)[targets != -100]
    assert round(losses.mean().item(), 2) == 2.16
    even = torch.ones(60, 60).tril()
    even /= even.sum(1, keepdim=True)
    order = torch.randperm(20).repeat(1, 3)
    score = induction.induction_scores(even.expand(1, 1, -1, -1), order)
    assert round(score.item(), 2) == 0.04


def test_the_loss_falls_when_the_induction_head_appears():
    """Within one measurement in each of the runs that the notebook speaks of."""
    rows = load_rows(Moment, table("induction"))
    for seed in SEEDS:
        run = [r for r in rows if (r.layers, r.dropout, r.seed) == (2, 0.0, seed)]
        pairs = list(pairwise(run))
        fall = max(pairs, key=lambda p: p[0].loss - p[1].loss)[1].step
        rise = max(pairs, key=lambda p: p[1].induction - p[0].induction)[1].step
        assert abs(fall - rise) <= induction.EVERY


def test_lookups_are_answered_by_their_examples():
    ids, answers, others = looking.lookups()
    rows = zip(ids, answers, others, strict=True)
    for prompt, answer, other in rows:
        lines = TOKENIZER.decode(prompt).split("\n")[1:]
        assert f"{lines[-1]}{TOKENIZER.decode([int(answer)])}" in lines[:-1]
        assert (prompt != other).nonzero().tolist() == [[len(prompt) - 2]]
