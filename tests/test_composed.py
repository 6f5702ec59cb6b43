"""Models around a model: each trains, evaluates, generates, is saved and loaded."""

import copy
from dataclasses import replace

import pytest
import torch

from gptlib import (
    GPT,
    Bigram,
    CountedNGrams,
    GPTConfig,
    KVCache,
    ModelHandler,
    ModernConfig,
    ModernGPT,
    TrainConfig,
    count_parameters,
    evaluate,
    generate,
    train,
)
from gptlib.composed import (
    CountsConfig,
    Mixture,
    MixtureConfig,
    TablesConfig,
    WithCounts,
    WithTables,
)
from gptlib.handler.build import (
    build_config,
    build_model,
    describe_config,
    innermost,
    resize,
    take_weights,
)
from gptlib.modern import ADDED
from gptlib.optim import build_optimizer

V, T = 7, 12
SHAPE = {"vocab_size": V, "block_size": T, "n_layer": 2, "n_head": 2, "n_embd": 16}
TEXT = torch.randint(V, (400,), generator=torch.Generator().manual_seed(3))
MODERN = ModernConfig(**SHAPE)
TABLES = TablesConfig(MODERN, (2, 3), 50)
CONFIGS = {
    "tables": TABLES,
    "counts": CountsConfig(MODERN, 3),
    "counts and tables": CountsConfig(TABLES, 3),
    "mixture": MixtureConfig(MODERN, 3, weight=0.6),
    "mixture with tables": MixtureConfig(TABLES, 3, weight=0.6),
    "mixture with counts": MixtureConfig(CountsConfig(MODERN, 2), 3, weight=0.6),
    "mixture with a GPT": MixtureConfig(GPTConfig(**SHAPE), 3, weight=0.6),
    "learned positions": CountsConfig(ModernConfig(**SHAPE, without=["rotary"]), 3),
}
every_config = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)


def perturbed(config):
    """A model whose every weight matters: none at zero."""
    torch.manual_seed(0)
    model = build_model(config, TEXT)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.requires_grad:
                p.add_(0.2 * torch.randn_like(p))
            if name.endswith("tables.embedding.weight"):
                p[-1] = 0  # of no n-gram
    return model.eval()


@every_config
def test_the_future_is_not_seen(config):
    model, idx = perturbed(config), torch.randint(V, (2, T))
    other = idx.clone()
    other[:, 6:] = (other[:, 6:] + 1) % V
    before, after = model(idx)[0], model(other)[0]
    torch.testing.assert_close(before[:, :6], after[:, :6])
    assert not torch.allclose(before[:, 6:], after[:, 6:])


@every_config
def test_cached_and_uncached_agree(config):
    model, rows = perturbed(config), [5, 2, 9]
    idx = torch.randint(V, (3, T))
    whole = model(idx)[0]
    cache = KVCache(model, 3)
    pieces = [model(part, cache=cache)[0] for part in idx.split([4, 1, 1, 6], dim=1)]
    torch.testing.assert_close(torch.cat(pieces, dim=1), whole, atol=1e-5, rtol=0)
    cache = KVCache(model, 3)
    model(idx[:, :9], cache=cache)
    cache.trim(rows)
    for step in range(3):
        at = torch.tensor(rows) + step
        token = idx[torch.arange(3), at][:, None]
        logits = model(token, cache=cache)[0][:, 0]
        expected = whole[torch.arange(3), at]
        torch.testing.assert_close(logits, expected, atol=1e-5, rtol=0)


@every_config
def test_generation_follows_the_rule_with_and_without_a_cache(config):
    model = perturbed(config)
    prompts = [torch.tensor([1, 2, 3]), torch.tensor([4])]
    with_cache = generate(model, prompts, 40, seed=1)
    without = generate(model, prompts, 40, seed=1, cache=False)
    assert all(torch.equal(a, b) for a, b in zip(with_cache, without, strict=True))


@every_config
def test_it_trains_saves_and_loads(config, tmp_path, tok, data):
    config = resize(config, vocab_size=tok.vocab_size)
    torch.manual_seed(0)
    model = build_model(config, data.train)
    first = evaluate(model, data.val).loss
    training = TrainConfig(steps=30, batch_size=4, lr=5e-3, optimizer="muon")
    assert len(list(train(model, data, training))) == 30
    assert evaluate(model, data.val).loss < first
    model.dropout = 0.25
    assert model.model.dropout == model.dropout
    ModelHandler(tmp_path / "m").save(model, tok)
    handler = ModelHandler(tmp_path / "m").load()
    again, idx = handler.model, data.val[None, :T]
    assert again.config == resize(model.config, dropout=0.25)
    assert again.block_size == T
    assert count_parameters(again) == count_parameters(model)
    assert torch.equal(again(idx)[0], model.eval()(idx)[0])
    assert handler.generate("1", 5, seed=1) == handler.generate("1", 5, seed=1)


def test_a_mixture_learns_another_text_and_keeps_its_counts(tok, data):
    config = MixtureConfig(ModernConfig(tok.vocab_size, T, 1, 1, 8), order=2)
    model = build_model(config, data.val)
    counts = model.counts.state_dict()
    list(train(model, data, TrainConfig(steps=2, batch_size=2)))
    for name, value in model.counts.state_dict().items():
        assert torch.equal(value, counts[name])


@every_config
def test_settings_describe_it(config):
    settings = describe_config(config)
    assert build_config(settings) == config
    assert build_config(settings | {"model": config.model}) == config
    model = build_model(config, TEXT)
    assert type(model).__name__ == settings["class"]
    assert build_config(describe_config(model.config)) == model.config
    assert type(build_model(model.config)) is type(model)
    assert innermost(config).n_layer == 2
    assert resize(config, block_size=5).block_size == 5


@every_config
def test_the_model_inside_is_a_model(config):
    """It gives what a model of its class with the same weights gives."""
    model, idx = perturbed(config), torch.randint(V, (2, T))
    alone = perturbed(config.model)
    alone.load_state_dict(model.model.state_dict())
    assert torch.equal(alone(idx)[0], model.model(idx)[0])
    assert type(model.model) is type(alone) and alone.config == model.model.config
    assert not torch.allclose(model(idx)[0], alone(idx)[0])


def test_a_mixture_is_the_weighted_mean_and_learns_alone():
    model, idx = perturbed(CONFIGS["mixture"]), torch.randint(V, (2, T))
    theirs = model.counts(idx)[0].exp()
    both = 0.6 * model.model(idx)[0].softmax(-1) + 0.4 * theirs
    torch.testing.assert_close(model(idx)[0].exp(), both)
    model.train()
    assert torch.equal(model(idx)[0], model.model(idx)[0])
    model(idx, idx)[1].backward()
    assert model.counts.discounts.grad is None


def test_counts_beside_are_added_as_far_as_they_are_trusted():
    model, idx = perturbed(CONFIGS["counts"]), torch.randint(V, (2, T))
    theirs = model.counts(idx)[0]
    with torch.no_grad():
        model.trust.zero_()
        torch.testing.assert_close(model(idx)[0], model.model(idx)[0] + theirs)
        model.trust.normal_()
        trust = 1 + model.model.hidden(idx) @ model.trust
        expected = model.model(idx)[0] + trust[..., None] * theirs
    torch.testing.assert_close(model(idx)[0], expected)


def test_tables_are_added_to_the_embeddings():
    model, idx = perturbed(TABLES), torch.randint(V, (2, T))
    rows = model.tables(idx, torch.arange(T).expand(2, T))
    expected = model.model.lm_head(model.model.hidden(idx, extra=rows))
    assert torch.equal(model(idx)[0], expected)


def test_in_training_counts_are_those_of_the_other_parts():
    model = build_model(CONFIGS["counts"], TEXT)
    idx = TEXT[None, :T]
    with pytest.raises(ValueError, match="prepare"):
        model.train()(idx)
    model.prepare(TEXT)
    in_training = model(idx)[0]
    assert not torch.allclose(in_training, model.eval()(idx)[0])
    with pytest.raises(ValueError, match="another text"):
        model.prepare(TEXT.flip(0)[:200])


def test_what_does_not_fit_together_is_refused():
    counts = CountedNGrams.fit(TEXT, V, order=3)
    larger = ModernGPT(ModernConfig(**SHAPE | {"vocab_size": V + 1}))
    for kind in (WithCounts, Mixture):
        with pytest.raises(ValueError, match=f"knows {V + 1} tokens.* of {V}"):
            kind(larger, counts)
    with pytest.raises(ValueError, match="model='GPTConfig'"):
        WithTables(GPT(GPTConfig(**SHAPE)))
    with pytest.raises(ValueError, match="model='TablesConfig'"):
        TablesConfig(TABLES)
    with pytest.raises(ValueError, match="model='CountsConfig'"):
        CountsConfig(CONFIGS["counts"])
    with pytest.raises(ValueError, match="model='MixtureConfig'"):
        MixtureConfig(CONFIGS["mixture"])


@pytest.mark.usefixtures("unchecked")
def test_a_mixture_needs_a_model_with_a_configuration():
    counts = CountedNGrams.fit(TEXT, V, order=3)
    with pytest.raises(ValueError, match="model='dict'"):
        Mixture(Bigram(V), counts)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"class": "WithTables", "ngrams": [1]}, "ngrams=1"),
        ({"class": "WithTables", "ngrams": []}, "ngrams=0"),
        ({"class": "WithTables", "rows": 0}, "rows=0"),
        ({"class": "WithCounts", "order": 0}, "order=0"),
        ({"class": "WithCounts", "order": 2, "sizes": [3]}, "sizes="),
        ({"class": "WithCounts", "order": 1, "sizes": [-1]}, "sizes=-1"),
        ({"class": "Mixture", "weight": 1.0}, "weight=1.0"),
        ({"class": "Mixtures"}, "class='Mixtures'"),
        ({"class": "Mixture", "model": {"class": "Bigram"}}, "class='Bigram'"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(settings, match):
    inside = {"class": "ModernGPT"} | SHAPE
    with pytest.raises(ValueError, match=match):
        build_config({"model": inside} | settings)


@pytest.mark.parametrize(
    ("flat", "config"),
    [
        ({}, MODERN),
        ({"ngrams": [], "table_rows": 8192, "count": 0, "blend": 0.0}, MODERN),
        ({"ngrams": [2, 3], "table_rows": 50}, TABLES),
        ({"ngrams": [2, 3]}, TablesConfig(MODERN, (2, 3))),
        ({"count": 3}, CountsConfig(MODERN, 3)),
        ({"count": 2, "counted": [7, 9]}, CountsConfig(MODERN, 2, (7, 9))),
        ({"count": 3, "blend": 0.6}, MixtureConfig(MODERN, 3, weight=0.6)),
        (
            {"ngrams": [2, 3], "table_rows": 50, "count": 3},
            CountsConfig(TABLES, 3),
        ),
    ],
)
def test_flat_settings_are_understood(flat, config):
    assert build_config({"class": "ModernGPT"} | SHAPE | flat) == config


def test_flat_settings_that_cannot_be_are_refused():
    modern = {"class": "ModernGPT"} | SHAPE
    with pytest.raises(ValueError, match="order=0"):
        build_config(modern | {"blend": 0.5})
    with pytest.raises(ValueError, match="setting of GPT='count'"):
        build_config(SHAPE | {"count": 3})


@every_config
def test_weights_are_taken_and_counts_stay(config):
    theirs = perturbed(config)
    ours = build_model(config, TEXT.flip(0))
    take_weights(ours, theirs)
    for name, weight in ours.state_dict().items():
        counts = "counts." in name
        assert torch.equal(weight, theirs.state_dict()[name]) != counts or counts
    ours.counts = theirs.counts if hasattr(ours, "counts") else None
    if not isinstance(ours.model, WithCounts):
        idx = torch.randint(V, (2, T))
        assert torch.equal(ours.eval()(idx)[0], theirs(idx)[0])


def test_a_mixture_may_begin_with_a_transformer_and_the_other_way_round():
    mixed, alone = perturbed(CONFIGS["mixture"]), perturbed(MODERN)
    take_weights(mixed, alone)
    idx = torch.randint(V, (2, T))
    assert torch.equal(mixed.model(idx)[0], alone(idx)[0])
    mixed = perturbed(CONFIGS["mixture"])
    take_weights(alone, mixed)
    assert torch.equal(mixed.model(idx)[0], alone(idx)[0])
    with pytest.raises(ValueError, match=r"lacks \['trust'\]"):
        take_weights(build_model(CONFIGS["counts"], TEXT), alone)
    with pytest.raises(ValueError, match=r"'trust'.* have no place here"):
        take_weights(alone, perturbed(CONFIGS["counts"]))
    other = build_model(resize(CONFIGS["mixture"], n_embd=32), TEXT)
    with pytest.raises(ValueError, match="do not fit"):
        take_weights(other, alone)


@pytest.mark.parametrize("parts", [*ADDED, ADDED])
def test_added_parts_begin_without_effect_and_then_learn(parts):
    names = (parts,) if isinstance(parts, str) else parts
    alone = perturbed(MODERN)
    more = perturbed(replace(MODERN, **dict.fromkeys(names, True)))
    take_weights(more, alone)
    idx = torch.randint(V, (2, T))
    assert torch.equal(more(idx)[0], alone(idx)[0])
    more(idx, idx)[1].backward()
    new = [p for k, p in more.named_parameters() if k not in alone.state_dict()]
    assert new and all(p.grad.abs().sum() > 0 for p in new)
    with pytest.raises(ValueError, match="have no place here"):
        take_weights(alone, more)


def test_tables_have_a_rate_of_their_own():
    model = perturbed(CONFIGS["counts and tables"])
    config = TrainConfig(optimizer="muon", lr=1e-3, table_lr=3e-2)
    groups = build_optimizer(model, config).param_groups
    (tables,) = [g["params"] for g in groups if g["lr_factor"] == pytest.approx(30)]
    # Compared by identity: equality of tensors is a tensor.
    assert [id(p) for p in tables] == [id(model.model.tables.embedding.weight)]
    moved = [id(p) for group in groups for p in group["params"]]
    assert sorted(moved) == sorted(id(p) for p in model.parameters())


def test_a_copy_is_independent():
    model = perturbed(CONFIGS["mixture"])
    alone = copy.deepcopy(model.model)
    alone.wte.weight.data.zero_()
    assert model.model.wte.weight.any()
