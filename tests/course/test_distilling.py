"""Stacked models are the library's; eight of them teach one."""

import json
from dataclasses import replace
from functools import partial

import pytest
import torch

from gptcourse.experiments.distilling import (
    SHAPE,
    STUDENTS,
    TEACHERS,
    Distillation,
    Plan,
    Taught,
    soft_loss,
)
from gptcourse.experiments.stacked import (
    Recipe,
    Stacked,
    Trainer,
    hard_loss,
    logits,
    text_batches,
)
from gptcourse.experiments.writing import Writer
from gptlib import ModelHandler, TokenSplits, TrainConfig, train
from gptlib.modern import ModernGPT
from gptlib.tokenizer import CharTokenizer

TINY = replace(SHAPE, n_layer=2, n_head=2, n_embd=8, block_size=16)
exact = partial(logits, half=torch.float32)


@pytest.fixture
def data(shakespeare):
    ids = torch.tensor(CharTokenizer(shakespeare.text).encode(shakespeare.text[:3000]))
    tokenizer = CharTokenizer(shakespeare.text)
    return TokenSplits(ids[:2000], ids[2000:], ids[1500:2000], "tiny", "", tokenizer)


def awake(seed):
    torch.manual_seed(seed)
    model = ModernGPT(TINY)
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    return model


def without_dropout(weights, idx, dropout, config):
    return exact(weights, idx, None, config)


def test_a_stack_trains_as_each_of_its_models_would(data):
    recipes = [Recipe(0.0, 0.1 * i, 5e-3 * (i + 1), 0.01 * i, seed=i) for i in (1, 2)]
    models = [awake(recipe.seed) for recipe in recipes]
    stacked = Stacked(models)
    trainer = Trainer(stacked, recipes, 6, without_dropout)
    losses = trainer.run(text_batches(data.train, recipes, 3, 16), hard_loss)
    for e, (model, recipe) in enumerate(zip(models, recipes, strict=True)):
        rates = {"lr": recipe.lr, "muon_lr": recipe.muon_lr, "warmup": 0.025}
        rates |= {"weight_decay": recipe.weight_decay, "schedule": "linear"}
        how = {"optimizer": "muon", "sampling": "epochs", "seed": recipe.seed}
        steps = list(train(model, data, TrainConfig(6, 3, **rates, **how)))
        assert losses[e].item() == pytest.approx(steps[-1].loss, abs=1e-5)
        for name, value in stacked.model(e).state_dict().items():
            torch.testing.assert_close(value, model.state_dict()[name], msg=name)


def test_dropout_is_each_models_own():
    stacked = Stacked([awake(0), awake(0)])
    idx = torch.randint(65, (1, 4, 16)).expand(2, 4, 16)
    weights = stacked.weights()
    off, on = exact(weights, idx, torch.tensor([0.0, 0.5]), TINY)
    torch.testing.assert_close(off, exact(weights, idx, None, TINY)[0])
    assert not torch.allclose(off, on, atol=0.1)


def test_a_writer_predicts_what_its_model_does(monkeypatch):
    monkeypatch.setattr(torch.Tensor, "exponential_", lambda self: self.fill_(1.0))
    models = [awake(seed).eval() for seed in range(3)]
    begin = torch.randint(65, (3, 2, 4))
    written = Writer(Stacked(models), 2).run(begin, 17)
    assert written.shape == (3, 2, 17)
    assert torch.equal(written[..., :4], begin)
    for model, texts in zip(models, written, strict=True):
        likeliest = model(texts[:, :-1])[0].argmax(dim=-1)  # (2, 16)
        assert torch.equal(texts[:, 4:], likeliest[:, 3:])


def test_a_batch_is_real_and_written_by_each_students_shares():
    tokens, texts = torch.arange(40) % 5, torch.full((6, 9), 7)
    real, written = torch.full((40, 8), 0.125), torch.zeros(6, 8, 8)
    counted = torch.ones_like(written)
    taught = Taught(tokens, texts, real.half(), written.half(), counted.half())
    students = [
        replace(STUDENTS[0], real=0.5, soft=0.0, counted=0.25),
        replace(STUDENTS[0], real=0.25, soft=1.0, counted=0.0),
    ]
    batch = taught.batch(students, 4, step=1)
    is_written = (batch["idx"] == 7).all(dim=-1)
    assert is_written.tolist() == [[False] * 2 + [True] * 2, [False] + [True] * 3]
    hard, soft = batch["targets"][0, 0], batch["targets"][1, 0]
    assert torch.equal(hard.argmax(dim=-1), (batch["idx"][0, 0] + 1) % 5)
    assert (hard.max(dim=-1).values == 1).all()
    assert (soft == 0.125).all()
    assert (batch["targets"][0, 2] == 0.25).all()
    assert (batch["targets"][1, 2] == 0).all()


def test_the_soft_loss_of_hard_targets_is_the_cross_entropy():
    said, targets = torch.randn(2, 3, 4, 5), torch.randint(5, (2, 3, 4))
    one_hot = torch.nn.functional.one_hot(targets, 5).half()
    expected = hard_loss(said, {"targets": targets})
    torch.testing.assert_close(soft_loss(said, {"targets": one_hot}), expected)


def test_labels_stand_at_the_position_that_they_follow(data, tmp_path):
    plan = Plan(TINY, TEACHERS[:2], STUDENTS[:2])
    run = Distillation(plan, data, tmp_path, "cpu", exact)
    teachers, tokens = Stacked([awake(0), awake(1)]), data.train[:50]
    real, written, counted = run.label(
        teachers, run.count(data), tokens, data.train[:34].view(2, 17)
    )
    average = run.average(teachers, tokens[None, 8:24])[0]
    assert torch.equal(real[16:24], average[8:])
    assert torch.equal(written[0], run.average(teachers, tokens[None, :16])[0])
    for labels in (real, written, counted):
        assert labels.float().sum(dim=-1).allclose(torch.ones(()), atol=2e-2)


def test_the_whole_of_it_ends_in_a_model(data, tmp_path):
    plan = Plan(TINY, TEACHERS[:2], STUDENTS[1:4], 4, 4, 4, 1, 3, 4, 3)
    Distillation(plan, data, tmp_path, "cpu", logits).run()
    handler = ModelHandler(tmp_path).load()
    assert handler.trained_on["step"] == handler.history[-1].step == 4
    report = json.loads((tmp_path / "report.json").read_text())
    assert len(report["dev: students"]["value"]["0.6"]) == 3
    assert handler.model.config.weight == report["dev: chosen"]["value"]["weight"]
