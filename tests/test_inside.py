"""Hooks: what they show is what the model computes, and nothing of them stays."""

from pathlib import Path

import pytest
import torch
from conftest import small_config

from gptlib import (
    GPT,
    CausalSelfAttention,
    KVCache,
    ModelHandler,
    ModernGPT,
    generate,
)
from gptlib.attention import MultiHeadAttention, attention_maps, fuse_heads
from gptlib.cache import run
from gptlib.hooks import hooked
from gptlib.lora import add_adapters
from gptlib.model import Block, LanguageModel
from gptlib.modern import ModernConfig

FOLDER = Path(__file__).parents[1] / "models"
SHIPPED = sorted(path.parent for path in FOLDER.glob("*/model.safetensors"))


def modern(**changes):
    shape = {"block_size": 16, "n_layer": 2, "n_head": 2, "n_embd": 16} | changes
    model = ModernGPT(ModernConfig(65, **shape))
    for parameter in model.parameters():  # some begin at zero
        torch.nn.init.normal_(parameter, std=0.3)
    return model


KINDS = {
    "gpt": lambda tok: GPT(small_config(tok, dropout=0.2)),
    "modern": lambda tok: modern(dropout=0.2),
    "value residual": lambda tok: modern(value_residual=True, without=("rotary",)),
    "gates": lambda tok: modern(convolution=True, head_gate=True),
    "adapters": lambda tok: add_adapters(modern()),
}


@pytest.fixture(params=KINDS.values(), ids=KINDS)
def model(request, tok):
    torch.manual_seed(0)
    return request.param(tok).eval()


@pytest.fixture
def idx():
    return torch.randint(18, (3, 9), generator=torch.Generator().manual_seed(1))


def count_hooks(model):
    return sum(
        len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules()
    )


def identity(x):
    return x.clone()


def to_first(w):
    return torch.zeros_like(w).index_fill(3, torch.tensor([0]), 1.0)


def test_looking_changes_no_number_and_leaves_nothing_behind(model, idx):
    expected = run(model, idx)
    with hooked(model) as seen:
        assert torch.equal(run(model, idx), expected)
    assert count_hooks(model) == 0
    B, T, H, C, L = 3, 9, 2, 16, 2
    shapes = {
        "weights": (B, H, T, T),
        "heads": (B, H, T, C // H),
        "attn": (B, T, C),
        "mlp": (B, T, C),
        "neurons": (B, T, 4 * C),
        "stream": (B, T, C),
    }
    found = {point: tuple(x.shape) for point, x in seen.items()}
    assert found == {
        (what, i): shape
        for what, shape in shapes.items()
        for i in range(L + (what == "stream"))
    }
    for i in range(L):
        added = seen["attn", i] + seen["mlp", i]
        torch.testing.assert_close(seen["stream", i] + added, seen["stream", i + 1])


def test_logits_recomputed_from_every_point_are_the_models(model, idx):
    """The weights too, though the fused attention never returns them."""
    with hooked(model) as seen:
        expected = run(model, idx)
    with hooked(model, dict.fromkeys(seen, identity)):
        torch.testing.assert_close(run(model, idx), expected, atol=1e-5, rtol=1e-4)


def test_with_a_cache_each_step_shows_its_rows(model, idx):
    with hooked(model) as seen:
        whole = run(model, idx)
        expected = dict(seen)
        cache = KVCache(model, len(idx))
        run(model, idx[:, :5], cache)
        for t in range(5, 9):
            logits = run(model, idx[:, t : t + 1], cache)
            torch.testing.assert_close(logits[:, 0], whole[:, t])
            for (what, i), x in seen.items():
                row = expected[what, i]
                row = row[..., t, :] if row.ndim == 4 else row[:, t]
                row = row[..., : t + 1] if what == "weights" else row
                new = x[..., 0, :] if x.ndim == 4 else x[:, 0]
                torch.testing.assert_close(new, row, atol=1e-5, rtol=1e-4)


def test_rows_of_different_lengths_have_their_own_weights(model, idx):
    cache = KVCache(model, 2)
    run(model, idx[:2, :6], cache)
    cache.trim([6, 3])
    with hooked(model) as seen:
        run(model, idx[2:, :1].expand(2, 1), cache)
    row = torch.cat([idx[1:2, :3], idx[2:, :1]], dim=1)  # (1, 4)
    for i, alone in enumerate(attention_maps(model, row)):
        both = seen["weights", i][1, :, 0]
        torch.testing.assert_close(both[:, :4], alone[0, :, 3], atol=1e-5, rtol=1e-4)
        assert both[:, 4:].abs().max() == 0


def test_what_is_changed_flows_on(model, idx):
    def off(x):
        return torch.zeros_like(x)

    with hooked(model) as before:
        plain = run(model, idx)
    with hooked(model, {("weights", 0): to_first}) as seen:
        assert not torch.allclose(run(model, idx), plain)
    heads = seen["heads", 0]
    if getattr(model.config, "head_gate", False):  # a gate differs by position
        heads = heads / heads[..., :1]
    torch.testing.assert_close(
        heads, heads[:, :, :1].expand_as(heads), atol=1e-4, rtol=1e-4
    )
    with hooked(model, {("attn", 1): off, ("mlp", 1): off}) as seen:
        run(model, idx)
    torch.testing.assert_close(seen["stream", 2], before["stream", 1])


def test_a_head_without_output_adds_nothing(tok, idx):
    torch.manual_seed(0)
    model = modern()

    def one_head(x):
        return x * torch.tensor([0.0, 1.0])[:, None, None]

    with hooked(model, {("heads", 0): one_head}) as seen:
        run(model, idx)
    weight = model.blocks[0].attn.proj.weight.detach()[:, 8:]  # of the second head
    left = seen["heads", 0][:, 1].clone() @ weight.T
    torch.testing.assert_close(seen["attn", 0], left)


def test_another_model_inside_is_left_alone(model, idx):
    torch.manual_seed(1)
    other = modern().eval()
    expected = run(other, idx)
    with hooked(model, {("weights", 1): to_first}) as seen:
        run(model, idx)
        before = dict(seen)
        assert torch.equal(run(other, idx), expected)
    assert all(seen[point] is x for point, x in before.items())


@pytest.mark.parametrize("what", ["weights", "heads", "attn", "stream"])
def test_inner_hooks_act_after_outer_ones_and_both_see(model, idx, what):
    def halved(x):
        return x * torch.linspace(0.5, 1, x.size(-2))[:, None]

    def moved(x):
        return x + 0.1

    point = (what, 1)
    with hooked(model, {point: lambda x: moved(halved(x))}) as seen:
        expected, both = run(model, idx), seen[point]
    with hooked(model, {point: halved}) as a, hooked(model, {point: moved}) as b:
        torch.testing.assert_close(run(model, idx), expected)
    torch.testing.assert_close(a[point] + 0.1, b[point])
    torch.testing.assert_close(b[point], both)
    with hooked(model, {point: halved}), hooked(model) as b:
        run(model, idx)
    torch.testing.assert_close(b[point], a[point])


@pytest.mark.parametrize("what", ["weights", "heads", "attn", "mlp", "stream"])
def test_a_change_must_return_such_a_tensor(model, idx, what):
    for change, given in (lambda x: None, "None"), (lambda x: x[:1], r"\(1, "):
        named = rf"change\[\('{what}', 1\)\] returned {given}.*a tensor \(3, "
        points = {(what, 1): change}
        with pytest.raises(ValueError, match=named), hooked(model, points):
            run(model, idx)
    assert count_hooks(model) == 0


def test_what_is_changed_is_in_the_text_that_is_generated(model, idx):
    plain = generate(model, idx[:1], 20, temperature=0)
    with hooked(model, {("weights", 0): to_first, ("mlp", 1): torch.zeros_like}):
        cached, whole = (
            generate(model, idx[:1], 20, temperature=0, cache=c) for c in (True, False)
        )
    assert torch.equal(cached, whole)
    assert isinstance(model, GPT) or not torch.equal(cached, plain)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_hooks_are_removed_after_an_error(model, idx, error):
    def fails(x):
        raise error

    with pytest.raises(error), hooked(model, {("mlp", 1): fails}):
        run(model, idx)
    assert count_hooks(model) == 0


def test_an_unknown_point_is_refused_at_once(model):
    named = r"\('mlp', 2\): expected one of .*'attn'"
    change = {("mlp", 2): identity}
    with pytest.raises(ValueError, match=named), hooked(model, change):
        pass
    assert count_hooks(model) == 0


def test_gradients_flow_through(model, idx):
    with hooked(model) as seen:
        logits = model(idx)[0]
    (slope,) = torch.autograd.grad(logits.square().sum(), seen["heads", 1])
    assert slope.shape == seen["heads", 1].shape and slope.abs().max() > 0


def test_models_of_the_notebooks_separate_heads_too(tok, idx):
    many = MultiHeadAttention(16, 4, 16)
    sizes = {"vocab_size": tok.vocab_size, "block_size": 16, "n_embd": 16}
    separate = LanguageModel(many, **sizes).eval()
    fused = LanguageModel(fuse_heads(many), **sizes).eval()
    fused.load_state_dict(
        separate.state_dict() | fused.body.state_dict(prefix="body."), strict=False
    )
    with hooked(separate) as a, hooked(fused) as b:
        torch.testing.assert_close(run(separate, idx), run(fused, idx))
    assert a.keys() == b.keys() == {("weights", 0), ("heads", 0), ("attn", 0)}
    for point in a:
        torch.testing.assert_close(a[point], b[point])
    change = {("weights", 0): identity}
    with pytest.raises(ValueError, match="expected one"), hooked(separate, change):
        pass
    stack = torch.nn.Sequential(Block(16, 2), Block(16, 2), CausalSelfAttention(16, 2))
    maps = attention_maps(LanguageModel(stack, **sizes), idx)
    assert len(maps) == 3


@pytest.mark.parametrize("folder", SHIPPED, ids=[path.name for path in SHIPPED])
def test_every_shipped_model_can_be_looked_into(folder):
    model = ModelHandler(folder).load().model
    size = run(model, torch.zeros(1, 1, dtype=torch.long)).size(-1)
    idx = torch.randint(size, (2, 12), generator=torch.Generator().manual_seed(0))
    expected = run(model, idx)
    with hooked(model) as seen:
        assert torch.equal(run(model, idx), expected)
    maps = attention_maps(model, idx)
    for i, w in enumerate(maps):
        assert w.shape == (2, w.size(1), 12, 12) and w.triu(1).abs().max() == 0
        torch.testing.assert_close(w.sum(-1), torch.ones(w.shape[:3]))
        torch.testing.assert_close(w, seen["weights", i])
    with hooked(model, dict.fromkeys(seen, identity)):
        torch.testing.assert_close(run(model, idx), expected, atol=1e-4, rtol=1e-4)
