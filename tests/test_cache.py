"""What a cache remembers gives the same logits as reading everything anew."""

import pytest
import torch
from conftest import small_config
from hypothesis import given, settings
from hypothesis import strategies as st

from gptlib import GPT, Bigram, GPTConfig, KVCache, LanguageModel, generate
from gptlib.cache import resting
from gptlib.generation import Cached, Uncached, run


def perturbed(block_size=16, dtype=torch.float32, **changes) -> GPT:
    """A GPT whose every weight matters: none at zero or one."""
    torch.manual_seed(block_size)
    shape = {"n_layer": 2, "n_head": 2, "n_embd": 16} | changes
    model = GPT(GPTConfig(vocab_size=11, block_size=block_size, **shape)).to(dtype)
    with torch.no_grad():
        for p in model.parameters():
            p += 0.2 * torch.randn_like(p)
    return model


def prompts_of(lengths) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(sum(lengths))
    return [torch.randint(11, (n,), generator=generator) for n in lengths]


def assert_same_logits(model, prompts, steps, atol=1e-4):
    """Cached, uncached, and each row alone: the same logits at every token."""
    readers = [Cached(model, prompts), Uncached(model, prompts)]
    alone = [Uncached(model, [prompt]) for prompt in prompts]
    generator = torch.Generator().manual_seed(1)
    logits = [reader.logits for reader in readers]
    rows = [reader.logits for reader in alone]
    for _ in range(steps):
        torch.testing.assert_close(logits[0], logits[1], atol=atol, rtol=0)
        torch.testing.assert_close(logits[0], torch.cat(rows), atol=atol, rtol=0)
        tokens = torch.randint(11, (len(prompts),), generator=generator)
        logits = [reader.advance(tokens) for reader in readers]
        rows = [a.advance(t[None]) for a, t in zip(alone, tokens, strict=True)]


@pytest.mark.parametrize("block_size", [1, 2, 3, 7, 16])
@pytest.mark.parametrize("lengths", [[1], [5], [40], [3, 3], [1, 9, 20, 4]])
def test_cached_is_uncached_over_three_windows(block_size, lengths):
    steps = 3 * block_size + 2
    assert_same_logits(perturbed(block_size), prompts_of(lengths), steps)


@given(st.lists(st.integers(1, 12), min_size=1, max_size=4), st.integers(1, 9))
@settings(deadline=None, max_examples=15)
def test_any_lengths_and_windows(lengths, block_size):
    model = perturbed(block_size, n_layer=1)
    assert_same_logits(model, prompts_of(lengths), 2 * block_size + 1)


def test_float64_and_dropout_while_training():
    assert_same_logits(perturbed(dtype=torch.double), prompts_of([3]), 40, atol=1e-12)
    assert_same_logits(
        perturbed(dtype=torch.double), prompts_of([3, 7]), 40, atol=1e-12
    )
    model = perturbed(dropout=0.5).train()
    assert_same_logits(model, prompts_of([2, 5]), 20)
    assert_same_logits(model, prompts_of([2]), 20)
    assert model.training


@pytest.mark.parametrize("cuts", [[1], [7], [3, 4], [1, 1, 1, 11], [15]])
def test_a_prompt_may_be_read_in_pieces(cuts):
    model, idx = perturbed(), torch.stack(prompts_of([16, 16]))
    whole = run(model, idx)
    cache, start = KVCache(model, 2), 0
    for n in [*cuts, 16 - sum(cuts)]:
        part = run(model, idx[:, start : start + n], cache)
        torch.testing.assert_close(part, whole[:, start : start + n], atol=1e-4, rtol=0)
        start += n
        assert cache.lengths == [start, start]
    assert torch.equal(cache.text(), idx)


def test_uneven_rows_read_several_tokens_at_once():
    model, (one, two) = perturbed(), prompts_of([12, 12])
    cache = KVCache(model, 2)
    run(model, torch.stack([one[:4], two[:4]]), cache)
    cache.trim([2, 4])
    new = torch.stack([one[2:7], two[4:9]])
    logits = run(model, new, cache)
    assert cache.lengths == [7, 9]
    expected = [run(model, one[None, :7])[0, 2:], run(model, two[None, :9])[0, 4:]]
    torch.testing.assert_close(logits, torch.stack(expected), atol=1e-4, rtol=0)


@pytest.mark.usefixtures("unchecked")
def test_a_failing_token_leaves_the_cache_usable():
    model, (idx,) = perturbed(), prompts_of([8])
    cache = KVCache(model)
    run(model, idx[None, :5], cache)
    with pytest.raises(ValueError, match="token 99 is outside"):
        run(model, torch.tensor([[99]]), cache)
    with pytest.raises(ValueError, match="idx has 2 rows, the cache 1"):
        run(model, torch.zeros(2, 1, dtype=torch.long), cache)
    with pytest.raises(ValueError, match="17 tokens are too many for a window"):
        run(model, torch.zeros(1, 12, dtype=torch.long), cache)
    logits = run(model, idx[None, 5:].int(), cache)
    torch.testing.assert_close(logits, run(model, idx[None])[:, 5:], atol=1e-4, rtol=0)


@pytest.mark.usefixtures("unchecked")
def test_what_is_no_cache_or_cannot_have_one(tok):
    with pytest.raises(TypeError, match=r"cache=\{\}: expected a KVCache"):
        run(perturbed(), torch.tensor([[1]]), {})
    body = torch.nn.Identity()
    for model in (
        Bigram(4),
        LanguageModel(body, vocab_size=4, block_size=4, n_embd=4),
        torch.nn.Linear(2, 2),
    ):
        with pytest.raises(ValueError, match="has no layers whose keys"):
            KVCache(model)
    with pytest.raises(ValueError, match="batch_size=0"):
        KVCache(GPT(small_config(tok)), 0)


def test_gradients_do_not_pile_up_in_a_cache():
    model, (idx,) = perturbed(), prompts_of([8])
    cache = KVCache(model)
    for token in idx:
        logits, _ = model(token[None, None], cache=cache)
    assert not cache.keys.requires_grad
    torch.testing.assert_close(logits, model(idx[None])[0][:, -1:], atol=1e-4, rtol=0)


def test_one_row_in_the_same_memory():
    model, rows = perturbed(), torch.stack(prompts_of([6, 6]))
    cache = KVCache(model, 2)
    run(model, rows, cache)
    row = cache.row(1)
    assert row.lengths == [0] and cache.lengths == [6, 6]
    run(model, rows[:1], row)
    torch.testing.assert_close(cache.keys[:, 1], cache.keys[:, 0])
    assert torch.equal(cache.tokens[1, :6], rows[0])


def test_several_threads_may_rest_a_model(gpt):
    gpt.train()
    with resting(gpt):
        with resting(gpt):
            assert not gpt.training
        assert not gpt.training, "the first one is still reading"
    assert gpt.training


def test_without_layers_the_reference_writes():
    assert generate(Bigram(4, block_size=1), torch.tensor([[0]]), 5).shape == (1, 6)
