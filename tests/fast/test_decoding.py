"""NumPy's token against the model's own."""

import math
import warnings
from threading import Thread

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from test_cache import perturbed, prompts_of

from gptlib import GPT, GPTConfig, KVCache, ModelHandler, generate
from gptlib.fast.decoding import (
    GELU_IN,
    GELU_OUT,
    Int8Matrix,
    Matrix,
    can_step,
    fast_step,
    gelu,
    pick,
)
from gptlib.generation import draw, run, token_probabilities

SHAPES = [(1, 1, 4, 5), (2, 2, 16, 16), (3, 1, 20, 7), (1, 5, 15, 9)]


def step_by_step(model, idx, weights="float32"):
    """The logits of idx (1, T), the first from the model, the others in NumPy."""
    cache = KVCache(model)
    first = run(model, idx[:, :1], cache)[:, -1]
    step = fast_step(model, cache, weights)
    return torch.cat([first, *(step(token[None]) for token in idx[0, 1:])])


@pytest.mark.parametrize(("n_layer", "n_head", "n_embd", "block_size"), SHAPES)
def test_the_step_equals_the_model(n_layer, n_head, n_embd, block_size):
    model = perturbed(block_size, n_layer=n_layer, n_head=n_head, n_embd=n_embd)
    idx = prompts_of([block_size])[0][None]
    logits = step_by_step(model, idx)
    torch.testing.assert_close(logits, run(model, idx)[0], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("scale", [1e-3, 1, 30, 300])
def test_extreme_activations_stay_finite_and_silent(scale):
    model = perturbed()
    with torch.no_grad():
        for block in model.blocks:
            block.mlp.fc.weight *= scale
            block.attn.qkv.weight[:16] *= scale  # the queries: sharp attention
            block.ln_2.bias += scale
    idx = prompts_of([16])[0][None]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        logits = step_by_step(model, idx)
    expected = run(model, idx)[0]
    size = expected.abs().max().item()
    torch.testing.assert_close(logits, expected, atol=2e-5 * size, rtol=1e-4)


def test_gelu_far_out():
    x = torch.tensor([-1e4, -100, -6, -1, -1e-6, 0, 1e-6, 1, 6, 100, 1e4])
    s, to = (x * GELU_IN).numpy(), np.empty(len(x), np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gelu(s, to)
    expected = torch.nn.functional.gelu(x, approximate="tanh")
    torch.testing.assert_close(
        torch.from_numpy(to) * GELU_OUT, expected, atol=1e-6, rtol=1e-6
    )


@pytest.mark.parametrize(("kind", "atol"), [(Matrix, 1e-5), (Int8Matrix, 0.3)])
@pytest.mark.parametrize(("o", "i"), [(1, 1), (5, 3), (33, 65), (48, 16)])
def test_a_matrix_times_a_vector(kind, atol, o, i):
    torch.manual_seed(o)
    weight, bias, x = torch.randn(o, i), torch.randn(o), torch.randn(i)
    weight[0] = 0
    matrix = kind(weight, bias)
    matrix.x[:] = x.numpy()
    expected = weight @ x + bias
    torch.testing.assert_close(torch.from_numpy(matrix()), expected, atol=atol, rtol=0)
    assert matrix() is matrix.y


def test_eight_bits_keep_the_loss(split):
    handler = ModelHandler("models/plain").load()
    model, size = handler.model, handler.model.block_size
    losses = []
    for weights in ("float32", "int8"):
        windows = split.val[: 8 * size].view(8, 1, size)
        logits = [step_by_step(model, idx, weights)[:-1] for idx in windows]
        targets = windows[:, 0, 1:].flatten()
        losses.append(torch.nn.functional.cross_entropy(torch.cat(logits), targets))
    assert abs(losses[1] - losses[0]) < 0.005


def test_who_has_a_step(gpt):
    assert can_step(gpt, 1) and not can_step(gpt, 2)
    assert not can_step(perturbed(dtype=torch.double), 1)
    handle = gpt.blocks[0].register_forward_hook(lambda *_: None)
    assert not can_step(gpt, 1), "a hook would not be called"
    handle.remove()
    assert can_step(gpt, 1)
    gpt.blocks[0].mlp = torch.nn.Identity()
    assert not can_step(gpt, 1), "not GPT's formulas any more"


@pytest.mark.usefixtures("unchecked")
def test_wrong_tokens_leave_the_step_usable():
    model, idx = perturbed(), prompts_of([16])[0][None]
    cache = KVCache(model)
    run(model, idx[:, :4], cache)
    step = fast_step(model, cache, "float32")
    for token in (-1, 11):
        with pytest.raises(ValueError, match=f"token {token} is outside"):
            step(torch.tensor([token]))
    for place in range(4, 16):
        logits = step(idx[0, place : place + 1])
    expected = run(model, idx)[:, -1]
    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=1e-5)
    with pytest.raises(ValueError, match="block_size=16 tokens is full"):
        step(idx[0, :1])


def test_a_step_uses_the_current_weights():
    model, idx = perturbed(), prompts_of([16])[0][None]
    before = step_by_step(model, idx)
    model.blocks[1].mlp.fc.weight.data.mul_(2)
    logits = step_by_step(model, idx)
    assert not torch.allclose(logits, before)
    torch.testing.assert_close(logits, run(model, idx)[0], atol=1e-4, rtol=1e-4)


UNIFORM = st.floats(0, 1, exclude_max=True)


@given(
    st.lists(st.floats(-30, 30, width=32), min_size=1, max_size=12),
    UNIFORM,
    st.sampled_from([0, 1e-308, 1e-3, 0.3, 1.0, 2.5, 1e300]),
    st.none() | st.integers(1, 14),
    st.none() | st.sampled_from([1e-9, 0.1, 0.37, 0.9, 1.0]),
    st.none() | st.sampled_from([0, 1e-9, 0.37, 1.0]),
)
@settings(deadline=None, max_examples=300)
def test_pick_draws_what_draw_draws(values, uniform, temperature, top_k, top_p, min_p):
    cuts = {"top_k": top_k, "top_p": top_p, "min_p": min_p}
    cuts = {name: value for name, value in cuts.items() if value is not None}
    logits = torch.tensor([values])
    number = torch.tensor([[min(uniform, 1 - 2**-53)]], dtype=torch.double)
    if temperature > 0:  # on a border to the last digit rounding decides
        p = token_probabilities(logits.double(), temperature, **cuts)
        assume((p.cumsum(-1) - number).abs().min() > 1e-12)
    drawn = draw(logits, number, temperature, **cuts)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        token = pick(logits[0].numpy(), number.item(), temperature, **cuts)
    assert token == drawn.item()


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_pick_refuses_what_is_not_finite(bad):
    for values in ([bad, 1.0], [bad, -bad]):
        with pytest.raises(ValueError, match="not finite"):
            pick(np.array(values, dtype=np.float32), 0.5)


def test_threads_do_not_disturb_each_other():
    torch.manual_seed(0)
    model = GPT(GPTConfig(11, 24, 2, 2, 16, dropout=0.3)).train()
    prompts = [prompts_of([n])[0][None] for n in (1, 3, 5, 9)]
    expected = [generate(model, idx, 80, seed=i) for i, idx in enumerate(prompts)]
    got = {}

    def write(i, idx):
        got[i] = generate(model, idx, 80, seed=i, cache=i % 2 == 0)

    threads = [Thread(target=write, args=pair) for pair in enumerate(prompts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert model.training
    for i, text in enumerate(expected):
        assert torch.equal(got[i], text), i
