import copy
import math
import os
import subprocess
import sys
from dataclasses import asdict, replace

import pytest
import torch
from conftest import small_config

from gptlib import (
    GPT,
    Bigram,
    Block,
    DivergedError,
    Knobs,
    LanguageModel,
    TokenSplits,
    TrainConfig,
    evaluate,
    pick_device,
    train,
)
from gptlib.data import Examples
from gptlib.evaluation import fixed_windows, window_loss
from gptlib.optim import build_optimizer
from gptlib.settings import seeded, stored_config
from gptlib.training import update

CONFIG = TrainConfig(steps=12, batch_size=4, lr=3e-3, eval_every=5)


def weights(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def fresh(tok, dropout=0.2):
    torch.manual_seed(0)
    return GPT(small_config(tok, dropout=dropout))


def test_one_step_an_iteration_and_state_before_each_yield(tok, data):
    model = fresh(tok)
    training = train(model, data, CONFIG)
    assert len(training) == 12
    for number, step in enumerate(training, 1):
        assert step.step == training.step == number
        assert training.history[-1] == step
        assert step.tokens == number * 4 * 16
        assert (step.val is not None) == (number % 5 == 0)
    assert number == 12 and len(training) == 0 and list(training) == []
    seconds = [s.seconds for s in training.history]
    assert seconds == sorted(seconds) and seconds[0] > 0


def test_val_is_the_whole_split(tok, data):
    model = fresh(tok)
    for step in train(model, data, CONFIG):
        if step.val is not None:
            assert step.val == evaluate(model, data.val).loss


@pytest.mark.parametrize("schedule", ["cosine", "linear", "constant"])
def test_training_learns(tok, data, schedule):
    model = fresh(tok, dropout=0.0)
    before = evaluate(model, data.val).loss
    config = TrainConfig(steps=150, batch_size=16, lr=1e-2, schedule=schedule)
    losses = [step.loss for step in train(model, data, config)]
    assert losses[0] == pytest.approx(math.log(tok.vocab_size), abs=0.2)
    assert evaluate(model, data.val).loss < before - 1.0


def test_every_model_trains(tok, data):
    for model in (
        Bigram(tok.vocab_size),
        LanguageModel(Block(8, 2), vocab_size=tok.vocab_size, block_size=8, n_embd=8),
    ):
        losses = [s.loss for s in train(model, data, TrainConfig(steps=60, lr=3e-2))]
        assert losses[-1] < losses[0] - 0.3


def test_what_happens_between_steps_changes_nothing(tok, data):
    quiet, busy = fresh(tok), fresh(tok)
    for _ in train(quiet, data, CONFIG):
        pass
    for _ in train(busy, data, CONFIG):
        torch.manual_seed(7)
        torch.rand(3)
        busy.eval()
    assert torch.equal(weights(quiet), weights(busy))


def test_a_step_leaves_the_callers_random_state(tok, data):
    training = iter(train(fresh(tok), data, CONFIG))
    state = torch.get_rng_state()
    next(training)
    assert torch.equal(torch.get_rng_state(), state)


def test_seeds_differ(tok, data):
    models = [fresh(tok), fresh(tok)]
    for seed, model in enumerate(models):
        for _ in train(model, data, TrainConfig(steps=3, batch_size=4, seed=seed)):
            pass
    assert not torch.equal(weights(models[0]), weights(models[1]))


def test_breaking_off_and_going_on_in_the_same_training(tok, data):
    straight, broken = fresh(tok), fresh(tok)
    for _ in train(straight, data, CONFIG):
        pass
    training = train(broken, data, CONFIG)
    for step in training:
        if step.step == 7:
            break
    assert [s.step for s in training] == [8, 9, 10, 11, 12]
    assert torch.equal(weights(straight), weights(broken))


def test_state_dict_resumes_exactly_in_another_training(tok, data):
    straight, first, second = fresh(tok), fresh(tok), fresh(tok)
    for _ in train(straight, data, CONFIG):
        pass
    training = train(first, data, CONFIG)
    training.knobs.lr_scale = 1.0
    for step in training:
        if step.step == 6:
            break
    state = copy.deepcopy(training.state_dict())
    resumed = train(second, data, CONFIG)
    resumed.load_state_dict(state)
    assert [s.step for s in resumed] == list(range(7, 13))
    assert torch.equal(weights(straight), weights(second))
    assert len(resumed.history) == 12


def test_a_state_from_before_a_field_was_there_resumes(tok, data):
    first = train(fresh(tok), data, CONFIG)
    next(iter(first))
    state = copy.deepcopy(first.state_dict())
    for name in ("precision", "compile"):
        del state["config"][name]
    assert TrainConfig(**state["config"]) == CONFIG
    resumed = train(fresh(tok), data, CONFIG)
    resumed.load_state_dict(state)
    assert len(resumed) == 11
    other = train(fresh(tok), data, TrainConfig(**state["config"] | {"seed": 1}))
    with pytest.raises(ValueError, match="'seed': 0"):
        other.load_state_dict(state)


def test_bfloat16_learns_the_same_with_weights_in_float32(tok, data):
    losses = {}
    for precision in ("float32", "bfloat16"):
        config = TrainConfig(steps=40, batch_size=8, lr=1e-2, precision=precision)
        model = fresh(tok)
        training = train(model, data, config)
        losses[precision] = [step.loss for step in training]
        assert {p.dtype for p in model.parameters()} == {torch.float32}
        assert all(p.grad.dtype == torch.float32 for p in model.parameters())
    assert losses["float32"] != losses["bfloat16"]
    assert losses["bfloat16"] == pytest.approx(losses["float32"], abs=0.05)


@pytest.mark.parametrize("sampling", ["random", "epochs"])
def test_a_batch_in_parts_trains_the_same(tok, data, sampling):
    losses, ends = [], []
    for parts in (1, 2, 4):
        model = fresh(tok, dropout=0.0).double()
        config = replace(CONFIG, accumulate=parts, sampling=sampling)
        steps = list(train(model, data, config))
        losses.append([(step.loss, step.val or 0.0) for step in steps])
        ends.append(weights(model))
    for other in losses[1:]:
        # What a step tells of the loss is in float32, the weights are in float64.
        assert other == [pytest.approx(step, abs=1e-5) for step in losses[0]]
    torch.testing.assert_close(ends[1], ends[0], atol=1e-9, rtol=0)


def test_a_training_may_go_on_in_other_parts(tok, data):
    losses = []
    for parts in (1, 4):
        training = train(fresh(tok, dropout=0.0), data, CONFIG)
        for step in training:
            if step.step == 6:
                break
        config = replace(CONFIG, accumulate=parts)
        resumed = train(fresh(tok), data, config)
        resumed.model.dropout = 0.0
        resumed.load_state_dict(training.state_dict())
        losses.append([step.loss for step in resumed])
    assert losses[1] == pytest.approx(losses[0], abs=1e-4)


def test_a_batch_of_unequal_parts_is_refused():
    with pytest.raises(ValueError, match=r"batch_size=4 .*=3 equal parts: .* of 3"):
        TrainConfig(batch_size=4, accumulate=3)


def test_a_stored_configuration_may_have_retired_and_lack_new_fields(tok, data):
    stored = asdict(CONFIG) | {"parallel": "overlapped"}
    del stored["accumulate"]
    assert stored_config(stored) == CONFIG
    first, second = (train(fresh(tok), data, CONFIG) for _ in range(2))
    next(iter(first))
    second.load_state_dict(first.state_dict() | {"config": stored})
    assert second.step == 1
    with pytest.raises(TypeError, match="pralalel"):
        stored_config({"pralalel": "overlapped"})


def rows(data):
    return data.train[:64].view(4, 16), data.train[1:65].view(4, 16)


def test_update_is_the_plain_step(tok, data):
    ours, plain = fresh(tok, dropout=0.0), fresh(tok, dropout=0.0)
    seen = []
    found = update(
        ours,
        build_optimizer(ours, CONFIG),
        rows(data),
        0.1,
        forward=lambda *batch: ours(*batch)[1],
        check=lambda loss, norm: seen.append((loss.item(), norm.item())),
    )
    optimizer = build_optimizer(plain, CONFIG)
    loss = plain(*rows(data))[1]
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(plain.parameters(), 0.1)
    optimizer.step()
    assert norm > 0.1 and seen == [(loss.item(), norm.item())]
    assert found == loss.item()
    assert torch.equal(weights(ours), weights(plain))


def test_a_check_that_raises_keeps_the_weights(tok, data):
    model = fresh(tok)
    before = weights(model).clone()

    def refuse(loss, norm):
        raise DivergedError("no")

    with pytest.raises(DivergedError):
        update(
            model,
            build_optimizer(model, CONFIG),
            rows(data),
            1.0,
            lambda *rows: model(*rows)[1],
            refuse,
        )
    assert torch.equal(weights(model), before)


def test_a_model_is_prepared_once_with_the_training_tokens(tok, data):
    model, seen = fresh(tok), []
    model.prepare = seen.append
    list(train(model, data, replace(CONFIG, steps=2)))
    assert len(seen) == 1 and torch.equal(seen[0], data.train)


COMPILING = """
import torch
from torch._inductor import config as inductor
from gptlib import Bigram, TokenSplits, TrainConfig, train
from gptlib.errors import CompileError

tokens = torch.arange(200) % 5
data = TokenSplits(tokens, tokens, tokens)


def losses(compiled):
    torch.manual_seed(0)
    model = Bigram(5)
    training = train(model, data, TrainConfig(steps=5, lr=0.1, compile=compiled))
    found = [step.loss for step in training]
    assert training.model is model and "_orig_mod" not in str(model.state_dict())
    return found


compiler, inductor.cpp.cxx = inductor.cpp.cxx, ("/no/compiler",)
try:
    losses(True)
except CompileError as error:
    assert "Train with compile=False" in str(error), error
    assert "\\n" not in str(error)
else:
    raise AssertionError("compiled without a compiler")
inductor.cpp.cxx = compiler
torch.compiler.reset()
torch.testing.assert_close(losses(True), losses(False), atol=1e-4, rtol=0)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a compiler by that name")
@pytest.mark.skipif(" " in torch.__file__, reason="torch cannot link at such a path")
def test_compiled_trains_the_same_and_says_when_it_cannot(tmp_path):
    """In a process of its own: compiled code and checked shapes do not mix."""
    environment = os.environ | {"TORCHINDUCTOR_CACHE_DIR": str(tmp_path)}
    environment |= {"TORCHINDUCTOR_COMPILE_THREADS": "1"}
    subprocess.run([sys.executable, "-c", COMPILING], check=True, env=environment)


def test_state_of_another_configuration_is_refused(tok, data):
    state = train(fresh(tok), data, CONFIG).state_dict()
    other = train(fresh(tok), data, TrainConfig(steps=13))
    with pytest.raises(ValueError, match="'steps': 12"):
        other.load_state_dict(state)
    wide = train(GPT(small_config(tok, n_embd=32)), data, CONFIG)
    with pytest.raises(ValueError, match="do not fit"):
        wide.load_state_dict(state)


def test_knobs_act_on_the_next_step(tok, data):
    model = fresh(tok)
    config = TrainConfig(steps=6, lr=1e-2, schedule="constant", warmup=0.0)
    training = train(model, data, config)
    steps = iter(training)
    assert next(steps).lr == 1e-2 and model.dropout == 0.2
    training.knobs.dropout = 0.5
    training.knobs.lr_scale = 0.1
    training.knobs.weight_decay = 0.7
    assert model.dropout == 0.2
    assert next(steps).lr == pytest.approx(1e-3) and model.dropout == 0.5
    decays = [g["weight_decay"] for g in training.optimizer.param_groups]
    assert decays == [0.7, 0.0]


@pytest.mark.parametrize(
    ("name", "value"),
    [("dropout", 1.0), ("dropout", -0.1), ("lr_scale", None), ("lr_scale", math.nan)],
)
def test_impossible_knobs_are_refused_and_leave_the_old(name, value):
    knobs = Knobs()
    with pytest.raises((TypeError, ValueError), match=f"{name}="):
        setattr(knobs, name, value)
    assert asdict(knobs) == asdict(Knobs())
    with pytest.raises(ValueError, match="'dropuot' is not a knob"):
        knobs.dropuot = 0.1


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"steps": 0}, "steps=0"),
        ({"steps": 1.5}, "steps=1.5"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"lr": -1e-3}, "lr=-0.001"),
        ({"lr": math.nan}, "lr=nan"),
        ({"schedule": "step"}, "schedule='step': expected one of 'cosine'"),
        ({"warmup": 1.0}, "warmup=1.0"),
        ({"grad_clip": 0.0}, "grad_clip=0.0"),
        ({"eval_every": -1}, "eval_every=-1"),
        ({"eval_tokens": 0}, "eval_tokens=0"),
        ({"seed": -1}, "seed=-1"),
        ({"beta2": 1}, "beta2=1"),
        ({"precision": "float16"}, "precision='float16': expected one of 'float32'"),
        ({"compile": "yes"}, "compile='yes': expected one of True, False"),
    ],
)
def test_impossible_configurations_are_refused_by_name(wrong, says):
    with pytest.raises((TypeError, ValueError), match=says):
        TrainConfig(**wrong)


def test_data_that_does_not_fit_is_refused_at_once(tok, data):
    with pytest.raises(ValueError, match="its tokenizer"):
        train(Bigram(3), data, CONFIG)
    short = TokenSplits(data.train[:16], data.val, data.dev)
    with pytest.raises(ValueError, match=r"training split has 16 tokens; .* 17"):
        train(fresh(tok), short, CONFIG)


def test_divergence_stops_with_the_last_good_weights(tok, data):
    model = fresh(tok)
    training = train(model, data, CONFIG)
    steps = iter(training)
    next(steps)
    good = weights(model).clone()
    training.knobs.lr_scale = 1e38
    with pytest.raises(DivergedError, match=r"step \d+ is .* learning rate .*e\+3"):
        list(steps)
    assert torch.isfinite(weights(model)).all()
    assert math.isfinite(evaluate(model, data.val).loss)
    assert training.step == 2
    torch.testing.assert_close(weights(model), good)
    with pytest.raises(DivergedError):
        next(iter(training))


def test_seeded_restores_the_state():
    state = torch.get_rng_state()
    with seeded(3):
        inside = torch.rand(2)
    with seeded(3):
        assert torch.equal(torch.rand(2), inside)
    assert torch.equal(torch.get_rng_state(), state)


def test_pick_device_names_a_device_that_works():
    assert torch.ones(2, device=pick_device()).sum().item() == 2


def test_train_and_val_are_measured_alike_on_fixed_windows(data, gpt):
    config = TrainConfig(steps=4, batch_size=4, eval_every=2, eval_tokens=100)
    *_, last = train(gpt, data, config)
    for tokens, measured in ((data.train, last.train), (data.val, last.val)):
        windows = fixed_windows(tokens, gpt.block_size, 100)
        assert measured == window_loss(gpt, *windows)


def test_pieces_of_examples_cannot_be_measured(data, gpt):
    examples = Examples(data.train[:64].view(4, 16), data.train[1:65].view(4, 16))
    config = TrainConfig(steps=4, batch_size=4, eval_every=2, eval_tokens=100)
    with pytest.raises(ValueError, match="eval_tokens=100: examples are no text"):
        train(gpt, replace(data, train=examples), config)
