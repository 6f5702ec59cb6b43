import math

import pytest
import torch
from conftest import small_config
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from gptlib import (
    GPT,
    Bigram,
    Block,
    FeedForward,
    GPTConfig,
    Head,
    LanguageModel,
    MultiHeadAttention,
    count_parameters,
)
from gptlib.model import next_token_loss

V, T = 11, 8
FRAME = {"vocab_size": V, "block_size": T, "n_embd": 12}
MODELS = {
    "bigram": lambda: Bigram(V, T),
    "head": lambda: LanguageModel(Head(12, 12, T), **FRAME),
    "many": lambda: LanguageModel(MultiHeadAttention(12, 3, T), **FRAME),
    "block": lambda: LanguageModel(Block(12, 3), **FRAME),
    "gpt": lambda: GPT(GPTConfig(V, T, 2, 3, 12)),
}
every_model = pytest.mark.parametrize("build", MODELS.values(), ids=MODELS)


@every_model
def test_one_signature(build):
    model = build()
    idx = torch.randint(V, (2, 5))
    logits, loss = model(idx)
    assert logits.shape == (2, 5, V) and loss is None
    logits, loss = model(idx, idx)
    assert loss.shape == () and loss > 0
    assert model.block_size == T


@every_model
def test_future_tokens_change_nothing(build):
    torch.manual_seed(0)
    model = build().double()
    idx = torch.randint(V, (1, T))
    for place in range(1, T):
        other = idx.clone()
        other[:, place:] = (other[:, place:] + 1) % V
        same = (model(idx)[0] - model(other)[0]).abs().amax(-1)[0] < 1e-12
        assert same[:place].all() and not same[place]


@every_model
def test_token_outside_the_vocabulary_is_named(build):
    for outside in (V, -1):
        with pytest.raises(ValueError, match=rf"token {outside} .*0\.\.{V - 1}"):
            build()(torch.tensor([[0, outside]]))
    with pytest.raises(ValueError, match=f"target {V}"):
        build()(torch.tensor([[0, 1]]), torch.tensor([[1, V]]))


@pytest.mark.parametrize("name", ["head", "gpt"])
def test_too_long_a_context_is_refused_with_the_numbers(name):
    with pytest.raises(ValueError, match=f"{T + 1} tokens .*block_size={T}"):
        MODELS[name]()(torch.zeros(1, T + 1, dtype=torch.long))


@pytest.mark.parametrize("name", ["head", "gpt"])
@pytest.mark.usefixtures("unchecked")
def test_wrong_shape_and_cache_are_refused(name):
    for shape in [(3,), (1, 0), (1, 2, 3)]:
        with pytest.raises(ValueError, match=r"expected \(B, T\)"):
            MODELS[name]()(torch.zeros(shape, dtype=torch.long))
    with pytest.raises(TypeError, match="cache"):
        MODELS[name]()(torch.zeros(1, 1, dtype=torch.long), cache=object())


def test_loss_is_mean_surprise():
    logits = torch.randn(2, 3, V)
    targets = torch.randint(V, (2, 3))
    p = logits.softmax(-1)
    picked = [p[b, t, targets[b, t]].log() for b in range(2) for t in range(3)]
    expected = -sum(picked) / 6
    torch.testing.assert_close(next_token_loss(logits, targets), expected)


@pytest.mark.usefixtures("unchecked")
@every_model
def test_dropout_reaches_every_dropout(build):
    model = build()
    drops = [m for m in model.modules() if isinstance(m, nn.Dropout)]
    model.dropout = 0.25
    assert all(drop.p == 0.25 for drop in drops)
    assert model.dropout == (0.25 if drops else 0.0)
    for wrong in (1.0, -0.1, math.nan, "0.1", None):
        with pytest.raises((TypeError, ValueError), match="dropout="):
            model.dropout = wrong
    assert all(drop.p == 0.25 for drop in drops)


def test_gpt_has_three_dropouts_a_block_and_one_for_the_embeddings():
    model = GPT(GPTConfig(V, T, 2, 3, 12, dropout=0.1))
    assert sum(isinstance(m, nn.Dropout) for m in model.modules()) == 1 + 3 * 2
    assert model.dropout == 0.1
    assert not any(n.endswith("dropout") for n, _ in model.named_modules())


def test_dropout_changes_the_training_only():
    model = GPT(GPTConfig(V, T, 2, 3, 12, dropout=0.5))
    idx = torch.randint(V, (2, T))
    assert not torch.equal(model(idx)[0], model(idx)[0])
    model.eval()
    assert torch.equal(model(idx)[0], model(idx)[0])


@settings(deadline=None, max_examples=12)
@given(
    n_layer=st.integers(1, 3),
    n_head=st.integers(1, 3),
    head_size=st.integers(1, 8),
    vocab_size=st.integers(2, 40),
    block_size=st.integers(2, 12),
)
def test_gpt_is_gpt2(n_layer, n_head, head_size, vocab_size, block_size):
    """Logits and gradients of the published implementation, same weights."""
    C = n_head * head_size
    ours = GPT(GPTConfig(vocab_size, block_size, n_layer, n_head, C)).double().eval()
    theirs = as_gpt2(ours)
    idx = torch.randint(vocab_size, (2, block_size))
    expected = theirs(idx, labels=idx)
    logits, _ = ours(idx)
    torch.testing.assert_close(logits, expected.logits)
    loss = next_token_loss(logits[:, :-1], idx[:, 1:])
    # Their loss is computed in float32; for the gradients both are in float64.
    torch.testing.assert_close(loss.float(), expected.loss, atol=1e-5, rtol=0)
    loss.backward()
    next_token_loss(expected.logits[:, :-1], idx[:, 1:]).backward()
    torch.testing.assert_close(ours.wte.weight.grad, theirs.transformer.wte.weight.grad)
    torch.testing.assert_close(ours.wpe.weight.grad, theirs.transformer.wpe.weight.grad)


def as_gpt2(ours: GPT):
    from transformers import GPT2Config, GPT2LMHeadModel

    config = ours.config
    theirs = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=config.vocab_size,
            n_positions=config.block_size,
            n_embd=config.n_embd,
            n_layer=config.n_layer,
            n_head=config.n_head,
            bos_token_id=0,
            eos_token_id=0,
        )
    )
    names = {"blocks": "h", "qkv": "c_attn", "proj": "c_proj", "fc": "c_fc"}
    renamed = {}
    for name, tensor in ours.state_dict().items():
        theirs_name = ".".join(names.get(part, part) for part in name.split("."))
        matrix = theirs_name.endswith("weight") and ".c_" in theirs_name
        renamed["transformer." + theirs_name] = tensor.T if matrix else tensor
    missing, unexpected = theirs.load_state_dict(renamed, strict=False)
    assert missing == ["lm_head.weight"] and not unexpected
    theirs.tie_weights()
    return theirs.double().eval()


def test_initialisation_is_gpt2s():
    torch.manual_seed(0)
    model = GPT(GPTConfig(500, 256, n_layer=8, n_head=4, n_embd=256))
    assert model.wte.weight.std().item() == pytest.approx(0.02, rel=0.03)
    assert model.wpe.weight.std().item() == pytest.approx(0.02, rel=0.03)
    for block in model.blocks:
        for layer in (block.attn.qkv, block.mlp.fc):
            assert layer.weight.std().item() == pytest.approx(0.02, rel=0.03)
        for layer in (block.attn.proj, block.mlp.proj):
            assert layer.weight.std().item() == pytest.approx(0.02 / 4, rel=0.03)
        assert block.attn.qkv.bias.abs().max() == block.mlp.proj.bias.abs().max() == 0
        assert (block.ln_1.weight == 1).all() and (block.ln_1.bias == 0).all()


def test_first_loss_is_that_of_uniform_guessing():
    torch.manual_seed(0)
    model = GPT(GPTConfig(65, 64, 4, 4, 128))
    idx = torch.randint(65, (16, 64))
    assert model(idx, idx.roll(1, 1))[1].item() == pytest.approx(math.log(65), abs=0.05)


@settings(deadline=None)
@given(st.integers(1, 70), st.integers(1, 9), st.integers(1, 3), st.integers(1, 3))
def test_parameter_formula(vocab_size, block_size, n_layer, n_head):
    config = GPTConfig(vocab_size, block_size, n_layer, n_head, 4 * n_head)
    with torch.device("meta"):
        assert count_parameters(GPT(config)) == config.n_params


@pytest.mark.parametrize(
    ("layers", "heads", "width", "published"),
    [
        (12, 12, 768, 124_439_808),
        (24, 16, 1024, 354_823_168),
        (36, 20, 1280, 774_030_080),
        (48, 25, 1600, 1_557_611_200),
    ],
)
def test_published_sizes(layers, heads, width, published):
    assert GPTConfig(50257, 1024, layers, heads, width).n_params == published


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"n_layer": 0}, "n_layer=0: expected a whole number of at least 1"),
        ({"n_embd": -8}, "n_embd=-8"),
        ({"vocab_size": 2.5}, r"vocab_size=2\.5"),
        ({"block_size": "64"}, "block_size='64'"),
        ({"n_head": True}, "n_head=True"),
        ({"n_embd": 10, "n_head": 4}, "n_embd=10 .* n_head=4"),
        ({"dropout": 1.0}, r"dropout=1\.0: expected a finite number in \[0, 1\)"),
        ({"dropout": math.nan}, "dropout=nan"),
    ],
)
def test_impossible_sizes_are_refused_by_name(tok, change, says):
    with pytest.raises((TypeError, ValueError), match=says):
        small_config(tok, **change)


def test_feed_forward_and_block_keep_shape_and_position():
    torch.manual_seed(0)
    x = torch.randn(2, 5, 12)
    for layer in (FeedForward(12), Block(12, 3)):
        assert layer(x).shape == x.shape
    changed = x.clone()
    changed[:, 3] += 1
    layer = FeedForward(12)
    differs = (layer(x) - layer(changed)).abs().amax((0, 2)) > 0
    assert differs.tolist() == [False, False, False, True, False]


def test_an_index_error_that_no_token_caused_stays_what_it_is():
    class Mistaken(Bigram):
        def forward(self, idx, targets=None):
            return [][1]

    with pytest.raises(IndexError, match="list index"):
        Mistaken(V)(torch.tensor([[0, V - 1]]))
