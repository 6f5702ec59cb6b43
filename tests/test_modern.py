import math

import pytest
import torch

from gptlib import (
    KVCache,
    ModelHandler,
    ModernConfig,
    ModernGPT,
    TokenSplits,
    TrainConfig,
    evaluate,
    generate,
    train,
)
from gptlib.modern import ADDED, PARTS, rotary_angles, rotate

V, T = 7, 12
SHAPE = {"vocab_size": V, "block_size": T, "n_layer": 2, "n_head": 2, "n_embd": 16}


def build(**changes):
    torch.manual_seed(0)
    model = ModernGPT(ModernConfig(**SHAPE | changes))
    with torch.no_grad():  # the layers that begin at zero shall do something
        for p in model.parameters():
            p.add_(0.2 * torch.randn_like(p))
    return model.eval()


VARIANTS = {
    "all": {},
    **{f"without {part}": {"without": (part,)} for part in PARTS},
    "value residuals": {"value_residual": True},
    "convolutions": {"convolution": True},
    "a gate for each head": {"head_gate": True},
    "all additions": dict.fromkeys(ADDED, True),
}
variants = pytest.mark.parametrize("changes", VARIANTS.values(), ids=VARIANTS)


@variants
def test_the_future_is_not_seen(changes):
    model = build(**changes)
    idx = torch.randint(V, (2, T))
    other = idx.clone()
    other[:, 6:] = (other[:, 6:] + 1) % V
    before, after = model(idx)[0], model(other)[0]
    torch.testing.assert_close(before[:, :6], after[:, :6])
    assert not torch.allclose(before[:, 6:], after[:, 6:])


@variants
def test_cached_and_uncached_agree(changes):
    model, rows = build(**changes), [5, 2, 9]
    idx = torch.randint(V, (3, T))
    whole = model(idx)[0]
    cache = KVCache(model, 3)
    pieces = [model(part, cache=cache)[0] for part in idx.split([4, 1, 1, 6], dim=1)]
    torch.testing.assert_close(torch.cat(pieces, dim=1), whole, atol=1e-4, rtol=0)
    cache = KVCache(model, 3)
    model(idx[:, :9], cache=cache)
    cache.trim(rows)
    for step in range(3):
        at = torch.tensor(rows) + step
        token = idx[torch.arange(3), at][:, None]
        logits = model(token, cache=cache)[0][:, 0]
        expected = whole[torch.arange(3), at]
        torch.testing.assert_close(logits, expected, atol=1e-4, rtol=0)


@variants
def test_generation_follows_the_rule_with_and_without_a_cache(changes):
    model = build(**changes)
    prompts = [torch.tensor([1, 2, 3]), torch.tensor([4])]
    with_cache = generate(model, prompts, 40, seed=1)
    without = generate(model, prompts, 40, seed=1, cache=False)
    assert all(torch.equal(a, b) for a, b in zip(with_cache, without, strict=True))


@variants
def test_it_trains_saves_and_loads(changes, tmp_path, tok):
    changes = dict(changes) | {"vocab_size": tok.vocab_size}
    tokens = torch.randint(tok.vocab_size, (300,))
    model = ModernGPT(ModernConfig(**SHAPE | changes))
    first = evaluate(model, tokens).loss
    if "zero_init" not in changes.get("without", ()):
        assert first == pytest.approx(math.log(tok.vocab_size), abs=1e-4)
    data = TokenSplits(tokens, tokens, tokens)
    config = TrainConfig(steps=30, batch_size=4, lr=5e-3, optimizer="muon")
    for _ in train(model, data, config):
        pass
    assert evaluate(model, tokens).loss < first
    ModelHandler(tmp_path / "m").save(model, tok)
    again = ModelHandler(tmp_path / "m").load().model
    idx = tokens[None, :T]
    assert again.config == model.config
    torch.testing.assert_close(again(idx)[0], model.eval()(idx)[0])


def test_positions_begin_as_small_as_tokens():
    model = ModernGPT(ModernConfig(without=("rotary",)))
    assert model.wpe.weight.std().item() == pytest.approx(0.02, rel=0.1)


def test_rotated_products_depend_on_the_distance_only():
    q, k = torch.randn(2, 1, 1, 1, 8)
    angles = rotary_angles(torch.arange(20), 8)

    def product(i, j):
        return (rotate(q, angles[i : i + 1]) * rotate(k, angles[j : j + 1])).sum()

    torch.testing.assert_close(product(3, 1), product(12, 10), atol=1e-5, rtol=0)
    assert abs(product(3, 1) - product(3, 2)) > 1e-3


@pytest.mark.parametrize(
    "wrong",
    [
        {"without": ("rope",)},
        {"n_head": 16},
        {"n_layer": 0},
        {"dropout": 1.0},
    ],
)
def test_what_cannot_be_is_refused_by_name(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ModernConfig(**SHAPE | wrong)


def test_biases_are_there_only_where_their_absence_is_taken_away():
    with_biases = ModernGPT(ModernConfig(**SHAPE, without=("no_biases",)))
    named = [n for n, _ in with_biases.named_parameters() if n.endswith("bias")]
    assert len(named) == 4 * SHAPE["n_layer"]
    assert all(not with_biases.get_parameter(name).any() for name in named)
    plain = ModernGPT(ModernConfig(**SHAPE))
    assert not any(n.endswith("bias") for n, _ in plain.named_parameters())
