import copy
import math
from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gptlib import Bigram, generate, stream
from gptlib.generation import draw, token_probabilities

SETTINGS = [
    {},
    {"temperature": 0},
    {"temperature": 0.7, "top_k": 3},
    {"top_p": 0.8},
    {"temperature": 1.5, "top_k": 4, "top_p": 0.9},
    {"min_p": 0.5, "top_k": 10},
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
    uniform = torch.linspace(0, 1 - 2**-53, 20_000, dtype=torch.double)[:, None]
    drawn = draw(logits.expand(20_000, -1), uniform)
    counts = Counter(drawn.tolist())
    assert counts[3] == 0
    for token, p in enumerate((0.5, 0.3, 0.2)):
        assert counts[token] / 20_000 == pytest.approx(p, abs=1e-4)


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
    likely = token_probabilities(logits, temperature, min_p=top_p) > 0
    assert torch.equal(likely, (plain > 0) & (plain >= top_p * plain.max()))


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
        ({"min_p": -0.1}, "min_p=-0.1"),
        ({"max_new_tokens": -1}, "max_new_tokens=-1"),
        ({"seed": -1}, "seed=-1"),
        ({"seed": "one"}, "seed='one'"),
        ({"stop_tokens": -1}, "stop_tokens=-1: expected a whole number"),
        ({"stop_tokens": ["a"]}, "stop_tokens='a'"),
        ({"stop_tokens": None}, "stop_tokens=None"),
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


@pytest.mark.parametrize("settings", SETTINGS)
def test_in_numpy_the_same_text(gpt, settings):
    """One text goes another way than two; the same seed, the same first row."""
    prompt = torch.tensor([[1, 2, 3]])
    one = generate(gpt, prompt, 60, seed=5, **settings)
    slow = generate(gpt, prompt, 60, seed=5, cache=False, **settings)
    assert torch.equal(one, slow)


def test_prompts_of_different_lengths(gpt):
    prompts = [torch.tensor([1, 2, 3]), torch.tensor([4]), torch.arange(20) % 9]
    texts = generate(gpt, prompts, 30, temperature=0)
    assert [len(text) for text in texts] == [33, 31, 50]
    for prompt, text in zip(prompts, texts, strict=True):
        assert torch.equal(text, generate(gpt, prompt[None], 30, temperature=0)[0])
    assert all(a is b for a, b in zip(generate(gpt, prompts, 0), prompts, strict=True))


def test_random_numbers_are_the_same_in_pieces(gpt, monkeypatch):
    prompt = torch.tensor([[1], [2]])
    whole = generate(gpt, prompt, 20, seed=3), generate(gpt, prompt[:1], 20, seed=3)
    monkeypatch.setattr("gptlib.generation.DRAWN_AT_ONCE", 7)
    assert torch.equal(generate(gpt, prompt, 20, seed=3), whole[0])
    assert torch.equal(generate(gpt, prompt[:1], 20, seed=3), whole[1])


def test_eight_bits_write(gpt):
    text = generate(gpt, torch.tensor([[1]]), 40, seed=1, weights="int8")
    assert text.shape == (1, 41)


@pytest.mark.usefixtures("unchecked")
def test_what_eight_bits_cannot(gpt):
    one, two = torch.tensor([[1]]), torch.tensor([[1], [2]])
    for model, idx, more in (
        (gpt, two, {}),
        (gpt, one, {"cache": False}),
        (Bigram(4), one, {}),
        (copy.deepcopy(gpt).double(), one, {}),
    ):
        with pytest.raises(ValueError, match="weights='int8': expected one prompt"):
            stream(model, idx, 3, weights="int8", **more)
    with pytest.raises(ValueError, match="weights='int4'"):
        stream(gpt, one, 3, weights="int4")


@pytest.mark.usefixtures("unchecked")
def test_what_is_no_prompt(gpt):
    for wrong in ([], [torch.tensor([[1]])], [torch.tensor([], dtype=torch.long)]):
        with pytest.raises(ValueError, match="at least one, each"):
            stream(gpt, wrong, 3)
    for wrong in ("text", [[1, 2]], torch.tensor([[1.0]])):
        with pytest.raises(TypeError, match="idx"):
            stream(gpt, wrong, 3)


def cut(row, start, ends):
    """The row up to the first of ends from position start on."""
    at = [i for i in range(start, len(row)) if row[i].item() in ends]
    return row[: at[0]] if at else row


@pytest.mark.parametrize("settings", [{"cache": False}, *SETTINGS])
def test_every_row_ends_before_its_first_stop_token(gpt, settings):
    prompts = [torch.tensor([1, 2, 3]), torch.tensor([4]), torch.arange(20) % 9]
    whole = generate(gpt, prompts, 30, seed=2, **settings)
    ends = [whole[0][10].item(), whole[1][20].item()]
    expected = [cut(w, len(p), ends) for w, p in zip(whole, prompts, strict=True)]
    assert len({len(row) for row in expected}) > 1
    rows = generate(gpt, prompts, 30, seed=2, stop_tokens=ends, **settings)
    for row, right in zip(rows, expected, strict=True):
        assert torch.equal(row, right)
    # One prompt alone goes through NumPy; its stream ends instead of yielding the stop.
    idx = prompts[0][None]
    alone = generate(gpt, idx, 30, seed=2, **settings)[0]
    end = alone[15].item()
    came = list(stream(gpt, idx, 30, seed=2, stop_tokens=end, **settings))
    assert torch.equal(torch.cat([prompts[0], *came]), cut(alone, 3, [end]))


def test_a_complete_row_repeats_its_stop_token(gpt):
    idx = torch.tensor([[1], [2]])
    whole = generate(gpt, idx, 40, seed=0)[:, 1:]  # (2, 40)
    end = next(t for t in whole[0].tolist() if t not in whole[1])
    first = whole[0].tolist().index(end)
    came = torch.stack(list(stream(gpt, idx, 40, seed=0, stop_tokens=end)), dim=1)
    assert torch.equal(came[0, :first], whole[0, :first])
    assert came[0, first:].unique().tolist() == [end]
    assert torch.equal(came[1], whole[1]), "the other row is drawn as before"


def test_rows_that_stop_at_once_are_the_prompts(gpt):
    for idx in (torch.tensor([[1], [2]]), [torch.tensor([1]), torch.tensor([2, 3])]):
        for count in (0, 5):
            rows = generate(gpt, idx, count, stop_tokens=range(gpt.config.vocab_size))
            assert all(torch.equal(*pair) for pair in zip(rows, idx, strict=True))
