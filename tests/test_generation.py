import copy
import math
from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gptlib import Bigram, generate, stream
from gptlib.generation import sample, token_probabilities, whole_characters

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


BYTES = st.sampled_from([b"a", b" b", "é".encode(), "€".encode(), "🙂".encode()])


@given(
    st.lists(BYTES | st.binary(min_size=1, max_size=3), max_size=30),
    st.lists(st.integers(1, 3), min_size=1),
)
def test_whole_characters_are_the_text(pieces, cuts):
    """However bytes are cut into tokens, right or wrong ones."""
    raw, tokens = b"".join(pieces), []
    while raw:
        n = cuts[len(tokens) % len(cuts)]
        tokens.append(raw[:n])
        raw = raw[n:]

    def decode(ids):
        return b"".join(tokens[i] for i in ids).decode(errors="replace")

    came = list(whole_characters(iter(range(len(tokens))), decode))
    assert "".join(came) == decode(range(len(tokens))).removesuffix("\ufffd")
    assert "" not in came


def test_characters_come_as_soon_as_they_are_whole():
    raw = "a€b".encode()
    came = []

    def spoken():
        for byte in raw:
            yield byte
            came.append("|")

    for text in whole_characters(
        spoken(), lambda ids: bytes(ids).decode("utf-8", "replace")
    ):
        came.append(text)
    assert "".join(came) == "a||||€|b|".replace("||||€", "|||€")
