import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from gptlib import CausalSelfAttention, Head, MultiHeadAttention
from gptlib.attention import attention_maps, fuse_heads

LAYERS = {
    "head": lambda: Head(12, 12, 10),
    "many": lambda: MultiHeadAttention(12, 3, 10),
    "fused": lambda: CausalSelfAttention(12, 3),
}


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
@pytest.mark.parametrize("changed", [0, 4, 9])
def test_no_layer_sees_the_future(layer, changed):
    torch.manual_seed(0)
    layer = layer().double()
    x = torch.randn(2, 10, 12, dtype=torch.double)
    other = x.clone()
    other[:, changed] += 1
    same = (layer(x) - layer(other)).abs().amax(dim=(0, 2)) < 1e-12
    assert same[:changed].all()
    assert not same[changed:].any()


@settings(deadline=None, max_examples=30)
@given(
    n_head=st.integers(1, 4),
    head_size=st.integers(1, 6),
    T=st.integers(1, 9),
    seed=st.integers(0, 999),
)
def test_fused_equals_separate_heads_in_outputs_and_gradients(
    n_head, head_size, T, seed
):
    torch.manual_seed(seed)
    C = n_head * head_size
    many = MultiHeadAttention(C, n_head, block_size=9).double()
    fused = fuse_heads(many)
    x = torch.randn(2, T, C, dtype=torch.double)
    x_many, x_fused = (x.clone().requires_grad_() for _ in range(2))
    y_many, y_fused = many(x_many), fused(x_fused)
    torch.testing.assert_close(y_many, y_fused)
    torch.testing.assert_close(many.weights(x), fused.weights(x))
    direction = torch.randn_like(y_many)
    (y_many * direction).sum().backward()
    (y_fused * direction).sum().backward()
    torch.testing.assert_close(x_many.grad, x_fused.grad)
    torch.testing.assert_close(many.proj.weight.grad, fused.proj.weight.grad)
    kinds = ("query", "key", "value")
    by_head = [getattr(h, kind).weight.grad for kind in kinds for h in many.heads]
    torch.testing.assert_close(torch.cat(by_head), fused.qkv.weight.grad)


def test_head_is_equation_1():
    torch.manual_seed(1)
    head = Head(8, 4, 5).double()
    x = torch.randn(5, 8, dtype=torch.double)
    q, k, v = head.query(x), head.key(x), head.value(x)
    expected = torch.zeros(5, 4, dtype=torch.double)
    for t in range(5):
        scores = [q[t] @ k[s] / math.sqrt(4) for s in range(t + 1)]
        weights = torch.softmax(torch.stack(scores), dim=0)
        expected[t] = sum(w * v[s] for s, w in enumerate(weights))
    torch.testing.assert_close(head(x[None])[0], expected)


def test_fused_equals_torch_multi_head_attention():
    torch.manual_seed(2)
    ours = CausalSelfAttention(12, 3)
    theirs = torch.nn.MultiheadAttention(12, 3, batch_first=True)
    theirs.in_proj_weight.data.copy_(ours.qkv.weight)
    theirs.in_proj_bias.data.copy_(ours.qkv.bias)
    theirs.out_proj.load_state_dict(ours.proj.state_dict())
    x = torch.randn(2, 7, 12)
    mask = torch.triu(torch.ones(7, 7, dtype=torch.bool), 1)
    expected, weights = theirs(x, x, x, attn_mask=mask, average_attn_weights=False)
    torch.testing.assert_close(ours(x), expected, atol=1e-6, rtol=1e-4)
    torch.testing.assert_close(ours.weights(x), weights, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_weights_sum_to_one_over_the_past(layer):
    weights = layer().weights(torch.randn(2, 6, 12))
    torch.testing.assert_close(weights.sum(-1), torch.ones(weights.shape[:-1]))
    assert weights.triu(1).abs().max() == 0


@pytest.mark.parametrize("n_head", [0, 5, 13])
def test_width_that_heads_cannot_share(n_head):
    with pytest.raises(ValueError, match=f"n_embd=12 .*n_head={n_head}"):
        CausalSelfAttention(12, n_head)
    with pytest.raises(ValueError, match="multiple of n_head"):
        MultiHeadAttention(12, n_head, 8)


@pytest.mark.parametrize("name", ["many", "fused"])
def test_dropout_acts_in_training_only_and_on_the_weights(name):
    torch.manual_seed(0)
    layer = LAYERS[name]().eval()
    for drop in layer.modules():
        if isinstance(drop, torch.nn.Dropout):
            drop.p = 0.5
    x = torch.randn(2, 8, 12)
    assert torch.equal(layer(x), layer(x))
    layer.train()
    assert not torch.equal(layer(x), layer(x))
    layer.resid_drop.p = 0.0
    assert not torch.equal(layer(x), layer(x))


def test_attention_maps_show_every_layer(gpt):
    maps = attention_maps(gpt.train(), torch.zeros(3, 7, dtype=torch.long))
    assert [m.shape for m in maps] == [(3, 2, 7, 7)] * 2
    assert gpt.training and not gpt.blocks[0].attn._forward_pre_hooks
    x = gpt.blocks[0].ln_1(gpt.wte.weight[:1] + gpt.wpe.weight[:7])
    expected = gpt.blocks[0].attn.weights(x[None].expand(3, 7, -1))
    torch.testing.assert_close(maps[0], expected)
    assert F.relu(maps[0]).equal(maps[0])


def test_attention_maps_need_layers_to_look_at(uniform):
    with pytest.raises(ValueError, match="Bigram has no MultiHeadAttention"):
        attention_maps(uniform, torch.zeros(1, 3, dtype=torch.long))
