import math
from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gptlib import Bigram, generate, stream
from gptlib.generation import sample, token_probabilities

SETTINGS = [
    {},
    {"temperature": 0},
    {"temperature": 0.7, "top_k": 3},
    {"top_p": 0.8},
    {"temperature": 1.5, "top_k": 4, "top_p": 0.9},
]


@pytest.mark.parametrize("settings", SETTINGS)
def test_same_seed_same_text(gpt, settings):
    prompt = torch.tensor([[1, 2, 3], [3, 2, 1]])
    one = generate(gpt, prompt, 40, seed=5, **settings)
    torch.manual_seed(99)
    two = generate(gpt, prompt, 40, seed=5, **settings)
    assert torch.equal(one, two)
    assert one.shape == (2, 43) and torch.equal(one[:, :3], prompt)


def test_generating_leaves_mode_and_random_state(gpt):
    gpt.train()
    state = torch.get_rng_state()
    generate(gpt, torch.tensor([[1]]), 5)
    assert gpt.training and torch.equal(torch.get_rng_state(), state)


def test_without_a_seed_texts_differ(gpt):
    texts = {
        tuple(generate(gpt, torch.tensor([[1]]), 30)[0].tolist()) for _ in range(4)
    }
    assert len(texts) > 1


def test_stream_gives_what_generate_gives(gpt):
    prompt = torch.tensor([[1, 2]])
    pieces = list(stream(gpt, prompt, 25, seed=3))
    assert all(piece.shape == (1,) for piece in pieces)
    whole = generate(gpt, prompt, 25, seed=3)
    assert torch.equal(torch.stack(pieces, dim=1), whole[:, 2:])


def test_greedy_takes_the_likeliest(gpt):
    idx = torch.tensor([[4, 2]])
    for _ in range(10):
        idx = torch.cat([idx, gpt(idx)[0][:, -1].argmax(-1, keepdim=True)], dim=1)
    assert torch.equal(generate(gpt, idx[:, :2], 10, temperature=0), idx)


def test_a_full_window_goes_on_with_its_newest_half(gpt):
    """The rule that a key-value cache can follow exactly."""
    idx = generate(gpt, torch.tensor([[1]]), 50, temperature=0)
    start = 0
    for place in range(1, idx.size(1)):
        if place - start > gpt.block_size:
            start = place - gpt.block_size // 2
        logits = gpt(idx[:, start:place])[0][0, -1]
        assert idx[0, place] == logits.argmax()


def test_long_prompts_are_read_from_their_last_window(gpt):
    prompt = torch.randint(5, (1, 60))
    first = generate(gpt, prompt, 1, temperature=0)[0, -1]
    assert first == gpt(prompt[:, -gpt.block_size :])[0][0, -1].argmax()


def test_context_of_one():
    model = Bigram(4, block_size=1)
    assert generate(model, torch.tensor([[0]]), 5, seed=0).shape == (1, 6)


def test_draws_follow_the_probabilities():
    logits = torch.log(torch.tensor([[0.5, 0.3, 0.2, 0.0]])).clamp(min=-1e9)
    generator = torch.Generator().manual_seed(0)
    drawn = sample(logits.expand(20_000, -1), generator=generator)
    counts = Counter(drawn.tolist())
    assert counts[3] == 0
    for token, p in enumerate((0.5, 0.3, 0.2)):
        assert counts[token] / 20_000 == pytest.approx(p, abs=0.012)


@given(
    st.lists(st.integers(-20, 20), min_size=2, max_size=9),
    st.integers(1, 12),
    st.floats(0.01, 1.0),
    st.sampled_from([1e-308, 0.1, 1.0, 3.0]),
)
@settings(deadline=None)
def test_kept_tokens(values, k, top_p, temperature):
    logits = torch.tensor(values, dtype=torch.double) / 4
    plain = ((logits - logits.max()) / temperature).softmax(-1)
    top = token_probabilities(logits, temperature, top_k=k)
    possible = int((plain > 0).sum())
    assert int((top > 0).sum()) == min(k, possible)
    assert top.sum().item() == pytest.approx(1)
    nucleus = token_probabilities(logits, temperature, top_p=top_p)
    kept = nucleus > 0
    assert plain[kept].sum() >= top_p - 1e-9
    assert plain[kept].sum() - plain[kept].min() < top_p + 1e-9
    assert plain[kept].min() >= plain[~kept].max() if (~kept).any() else True


def test_ties_keep_exactly_k_smaller_ids_first():
    p = token_probabilities(torch.zeros(6), top_k=2)
    assert p.tolist() == [0.5, 0.5, 0, 0, 0, 0]


def test_temperature_divides_the_logits():
    logits = torch.tensor([1.0, 2.0, 4.0])
    torch.testing.assert_close(
        token_probabilities(logits, 2.0), torch.softmax(logits / 2, -1)
    )


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"temperature": -0.1}, "temperature=-0.1"),
        ({"temperature": math.inf}, "temperature=inf"),
        ({"temperature": "hot"}, "temperature='hot'"),
        ({"top_k": 0}, "top_k=0"),
        ({"top_k": 2.5}, "top_k=2.5"),
        ({"top_p": 0.0}, "top_p=0"),
        ({"top_p": 1.1}, "top_p=1.1"),
        ({"max_new_tokens": -1}, "max_new_tokens=-1"),
        ({"seed": -1}, "seed=-1"),
        ({"seed": "one"}, "seed='one'"),
    ],
)
def test_invalid_settings_are_refused_by_name(gpt, wrong, says):
    with pytest.raises((TypeError, ValueError), match=says):
        generate(gpt, torch.tensor([[1]]), **wrong)
    with pytest.raises((TypeError, ValueError), match=says):
        stream(gpt, torch.tensor([[1]]), **wrong)  # at once, not at the first token


@pytest.mark.usefixtures("unchecked")
def test_a_prompt_without_a_batch_is_refused(gpt):
    for shape in ((3,), (1, 0)):
        with pytest.raises(ValueError, match=r"expected \(B, T\)"):
            generate(gpt, torch.zeros(shape, dtype=torch.long), 3)


def test_diverged_models_are_named(gpt):
    gpt.ln_f.weight.data.fill_(math.nan)
    with pytest.raises(ValueError, match="not finite"):
        generate(gpt, torch.tensor([[1]]), 3)
