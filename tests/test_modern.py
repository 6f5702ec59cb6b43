import math

import pytest
import torch

from gptlib import (
    CountedNGrams,
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
from gptlib.modern import PARTS, rotary_angles, rotate
from gptlib.ngram import NGramTables

V, T = 7, 12
SHAPE = {"vocab_size": V, "block_size": T, "n_layer": 2, "n_head": 2, "n_embd": 16}
TEXT = torch.randint(V, (400,), generator=torch.Generator().manual_seed(3))


def build(counted=False, **changes):
    torch.manual_seed(0)
    counts = CountedNGrams.fit(TEXT, V, order=3, block_size=T) if counted else None
    small = {"ngrams": (2, 3), "table_rows": 50}
    model = ModernGPT(ModernConfig(**SHAPE | small | changes), counts)
    with torch.no_grad():  # the layers that begin at zero shall do something
        for p in model.parameters():
            if p.requires_grad:
                p.add_(0.2 * torch.randn_like(p))
        if model.ngrams is not None:
            model.ngrams.tables.weight[-1] = 0
    return model.eval()


VARIANTS = {
    "all": {},
    "no tables": {"ngrams": ()},
    "counted": {"counted": True},
    "blended": {"counted": True, "count": 3, "blend": 0.6},
    **{f"without {part}": {"without": (part,)} for part in PARTS},
    "value residuals": {"value_residual": True},
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
    counted = changes.pop("counted", False)
    counts = CountedNGrams.fit(tokens, tok.vocab_size, 3, T) if counted else None
    small = {"ngrams": (2, 3), "table_rows": 50}
    model = ModernGPT(ModernConfig(**SHAPE | small | changes), counts)
    first = evaluate(model, tokens).loss
    if not counted and "zero_init" not in changes.get("without", ()):
        assert first == pytest.approx(math.log(tok.vocab_size), abs=1e-4)
    data = splits(tokens)
    config = TrainConfig(steps=30, batch_size=4, lr=5e-3, optimizer="muon")
    for _ in train(model, data, config):
        pass
    assert evaluate(model, tokens).loss < first
    ModelHandler(tmp_path / "m").save(model, tok)
    again = ModelHandler(tmp_path / "m").load().model
    idx = tokens[None, :T]
    assert again.config == model.config
    torch.testing.assert_close(again(idx)[0], model.eval()(idx)[0])


def test_a_blend_learns_alone_and_is_met_by_the_counts_afterwards():
    model = build(counted=True, count=3, blend=0.6)
    alone = ModernGPT(ModernConfig(**SHAPE, ngrams=(2, 3), table_rows=50)).eval()
    alone.load_state_dict(model.state_dict(), strict=False)
    idx = torch.randint(V, (2, T))
    theirs = model.counted.eval()(idx)[0].exp()
    both = 0.6 * alone(idx)[0].softmax(-1) + 0.4 * theirs
    torch.testing.assert_close(model(idx)[0].exp(), both)
    torch.testing.assert_close(model.train()(idx)[0], alone(idx)[0])
    assert model.trust is None


def test_counts_that_do_not_fit_are_refused():
    counts = CountedNGrams.fit(TEXT, V, order=3, block_size=T)
    with pytest.raises(ValueError, match="build_model"):
        ModernGPT(ModernConfig(**SHAPE, count=3))
    with pytest.raises(ValueError, match="order 3"):
        ModernGPT(ModernConfig(**SHAPE, count=4), counts)
    with pytest.raises(ValueError, match=f"of {V} tokens"):
        ModernGPT(ModernConfig(**SHAPE | {"vocab_size": V + 1}), counts)


def test_positions_begin_as_small_as_tokens():
    model = ModernGPT(ModernConfig(without=("rotary",)))
    assert model.wpe.weight.std().item() == pytest.approx(0.02, rel=0.1)


def splits(tokens):
    return TokenSplits(tokens, tokens, tokens)


def test_rotated_products_depend_on_the_distance_only():
    q, k = torch.randn(2, 1, 1, 1, 8)
    angles = rotary_angles(torch.arange(20), 8)

    def product(i, j):
        return (rotate(q, angles[i : i + 1]) * rotate(k, angles[j : j + 1])).sum()

    torch.testing.assert_close(product(3, 1), product(12, 10), atol=1e-5, rtol=0)
    assert abs(product(3, 1) - product(3, 2)) > 1e-3


def test_tables_know_the_last_tokens_and_no_others():
    tables = NGramTables(ngrams=(3,), rows=10_000, n_embd=SHAPE["n_embd"])
    with torch.no_grad():
        tables.tables.weight[:-1].normal_()
    idx = torch.tensor([[1, 2, 3, 4], [5, 2, 3, 4], [5, 1, 3, 4]])
    rows = tables(idx, torch.arange(4).expand(3, 4))
    assert (rows[:, :2] == 0).all()  # fewer than three tokens there
    assert torch.equal(rows[0, 3], rows[1, 3])
    assert not torch.equal(rows[1, 3], rows[2, 3])


@pytest.mark.parametrize(
    "wrong",
    [
        {"without": ("rope",)},
        {"ngrams": (1,)},
        {"n_head": 16},
        {"n_layer": 0},
        {"blend": 0.5},
        {"blend": 1.0, "count": 3},
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
