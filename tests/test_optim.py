import copy
import math

import pytest
import torch
from torch import nn

from gptlib import (
    Bigram,
    Block,
    Head,
    LanguageModel,
    ModernConfig,
    ModernGPT,
    TrainConfig,
    train,
)
from gptlib.composed import WithTables
from gptlib.optim import (
    Muon,
    build_optimizer,
    learning_rate,
    orthogonalise,
    parameter_groups,
)


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


SHAPES = [(24, 16), (16, 24)] * 2


def test_muon_is_torchs_muon_up_to_its_sixteen_bits():
    changes = []
    for kind, more in ((Muon, {}), (torch.optim.Muon, {"weight_decay": 0.0})):
        torch.manual_seed(0)
        matrices = [
            torch.nn.Parameter(torch.randn(s)) for s in [(24, 16), (16, 24)] * 2
        ]
        start = [m.detach().clone() for m in matrices]
        optimizer = kind(matrices, lr=0.02, momentum=0.95, **more)
        for step in range(3):
            for m in matrices:
                m.grad = torch.randn(m.shape, generator=torch.manual_seed(step))
            optimizer.step()
        changes.append([m.detach() - s for m, s in zip(matrices, start, strict=True)])
    for ours, torchs in zip(*changes, strict=True):
        assert (ours - torchs).norm() < 0.05 * torchs.norm()


def test_orthogonalise_brings_singular_values_near_one():
    matrices = torch.randn(3, 20, 8, generator=torch.manual_seed(1))
    values = torch.linalg.svdvals(orthogonalise(matrices))
    assert values.min() > 0.6 and values.max() < 1.3


def test_a_training_with_muon_goes_on_where_it_was(gpt, data):
    config = TrainConfig(steps=6, batch_size=2, optimizer="muon", sampling="epochs")
    whole = copy.deepcopy(gpt)
    list(train(whole, data, config))
    first = train(gpt, data, config)
    for step in first:
        if step.step == 3:
            break
    second = train(copy.deepcopy(gpt), data, config)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    list(second)
    for a, b in zip(whole.parameters(), second.model.parameters(), strict=True):
        assert torch.equal(a, b)


def test_only_the_bodys_matrices_go_to_muon():
    shape = ModernConfig(7, block_size=8, n_layer=1, n_head=2, n_embd=8)
    model = WithTables(ModernGPT(shape), ngrams=(2,))
    muon, adamw = build_optimizer(model, TrainConfig(optimizer="muon")).optimizers
    chosen = {id(p) for group in muon.param_groups for p in group["params"]}
    named = {n for n, p in model.named_parameters() if id(p) in chosen}
    assert named == {
        f"model.blocks.0.{n}.weight"
        for n in ("attn.qkv", "attn.proj", "mlp.fc", "mlp.proj")
    }
    rates = {id(p): g["lr_factor"] for g in adamw.param_groups for p in g["params"]}
    assert rates[id(model.tables.embedding.weight)] == 20.0
    assert len(rates) + len(chosen) == len(list(model.parameters()))
