"""Learning from rows of their own, with targets on some places only."""

from dataclasses import replace

import pytest
import torch
from conftest import small_config

from gptlib import GPT, TrainConfig, train
from gptlib.data import IGNORED, Examples


def rows(count=6, length=9):
    tokens = torch.arange(count * (length + 1)).view(count, length + 1) % 7
    targets = tokens[:, 1:].clone()
    targets[:, : length // 2] = IGNORED
    return Examples(tokens[:, :-1].contiguous(), targets)


def test_every_epoch_gives_each_row_once():
    examples = rows()
    for seed in (0, 1):
        batches = [examples.batch(4, seed, step)[0] for step in (1, 2, 3)]
        first, second = torch.cat(batches).split(6)
        for epoch in (first, second):
            assert sorted(epoch.tolist()) == sorted(examples.idx.tolist())
    assert not torch.equal(examples.batch(6, 0, 1)[0], examples.batch(6, 0, 2)[0])
    again = rows().batch(4, 1, 3)
    assert all(map(torch.equal, again, examples.batch(4, 1, 3)))


def test_only_the_targets_count(tok, data):
    """The loss and its gradient are those of the targeted places alone."""
    torch.manual_seed(0)
    model = GPT(small_config(tok, dropout=0.0))
    examples = rows()
    logits, loss = model(examples.idx, examples.targets)
    log_p = logits.log_softmax(-1)
    at = examples.targets != IGNORED
    by_hand = -log_p[at].gather(1, examples.targets[at][:, None]).mean()
    torch.testing.assert_close(loss, by_hand)


def test_training_on_rows_learns_them(tok, data):
    torch.manual_seed(0)
    model = GPT(small_config(tok, dropout=0.0))
    config = TrainConfig(steps=60, batch_size=6, lr=1e-2, eval_every=30)
    steps = list(train(model, replace(data, train=rows()), config))
    assert steps[-1].loss < 0.5 < 1.5 < steps[0].loss
    assert steps[-1].tokens == 60 * 6 * 9 and steps[-1].val is not None


@pytest.mark.parametrize(
    ("idx", "targets", "says"),
    [
        (torch.zeros(2, 3), torch.zeros(2, 4), "expected both"),
        (torch.zeros(3), torch.zeros(3), "expected both"),
        (torch.zeros(1, 3), torch.full((1, 3), IGNORED), "no target at all"),
    ],
)
def test_rows_that_fit_nothing_are_refused(idx, targets, says):
    with pytest.raises(ValueError, match=says):
        Examples(idx.long(), targets.long())


def test_a_training_that_cannot_be_is_refused(tok, data):
    model = GPT(small_config(tok))
    config = TrainConfig(steps=2, batch_size=2)
    long = replace(data, train=rows(length=99))
    with pytest.raises(ValueError, match="block_size, 16"):
        train(model, long, config)
    foreign = rows()
    foreign.targets[0, -1] = 999
    with pytest.raises(ValueError, match="targets holds token 999"):
        train(model, replace(data, train=foreign), config)
    with pytest.raises(ValueError, match="accumulate=2"):
        train(model, replace(data, train=rows()), replace(config, accumulate=2))
