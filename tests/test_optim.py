import math

import pytest
import torch
from torch import nn

from gptlib import Bigram, Block, Head, LanguageModel, TrainConfig
from gptlib.optim import build_optimizer, learning_rate, parameter_groups


def rates(schedule, steps=100, warmup=0.1, lr=2.0):
    return [learning_rate(s, steps, lr, warmup, schedule) for s in range(1, steps + 1)]


def test_warm_up_rises_in_equal_steps_to_the_highest_rate():
    for schedule in ("cosine", "linear", "constant"):
        warm = rates(schedule)[:10]
        assert warm == pytest.approx([0.2 * s for s in range(1, 11)])
        assert max(rates(schedule)) == pytest.approx(2.0)
        assert rates(schedule)[10] == pytest.approx(2.0)


def test_schedules_end_where_they_should():
    assert rates("constant")[-1] == 2.0
    assert rates("linear")[-1] == pytest.approx(2.0 / 90)
    assert 0 < rates("cosine")[-1] < 0.001
    half = rates("cosine", steps=200, warmup=0.0)[100]
    assert half == pytest.approx(2.0 * (1 + math.cos(math.pi / 2)) / 2)


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_shortest_schedules_have_a_rate(steps):
    for schedule in ("cosine", "linear", "constant"):
        for warmup in (0.0, 0.5, 0.99):
            assert all(0 < lr <= 2.0 for lr in rates(schedule, steps, warmup))


def test_only_block_matrices_decay(gpt):
    decayed, others = parameter_groups(gpt)
    names = {id(p): name for name, p in gpt.named_parameters()}
    assert sorted(names[id(p)] for p in decayed["params"]) == sorted(
        f"blocks.{i}.{part}.weight"
        for i in range(2)
        for part in ("attn.qkv", "attn.proj", "mlp.fc", "mlp.proj")
    )
    total = len(decayed["params"]) + len(others["params"])
    assert total == len(list(gpt.parameters()))
    assert (decayed["decays"], others["decays"]) == (True, False)


def test_output_head_and_tables_do_not_decay():
    body = nn.Sequential(Head(8, 8, 4), Block(8, 2))
    model = LanguageModel(body, vocab_size=5, block_size=4, n_embd=8)
    decayed = {id(p) for p in parameter_groups(model)[0]["params"]}
    assert id(model.lm_head.weight) not in decayed
    assert id(model.tokens.weight) not in decayed
    assert id(body[0].query.weight) in decayed
    (only,) = parameter_groups(Bigram(5))
    assert not only["decays"]


def test_decay_shrinks_what_has_no_gradient(gpt):
    optimizer = build_optimizer(gpt, TrainConfig(lr=0.1, weight_decay=0.5))
    for p in gpt.parameters():
        p.grad = torch.zeros_like(p)
    before = {n: p.detach().clone() for n, p in gpt.named_parameters()}
    optimizer.step()
    for name, p in gpt.named_parameters():
        matrix = name.startswith("blocks") and p.ndim == 2
        torch.testing.assert_close(p, before[name] * (0.95 if matrix else 1.0))
