import copy
import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from gptlib import GPT, Bigram, GPTConfig, TrainConfig, evaluate, train
from gptlib.composed import Mixture
from gptlib.evaluation import (
    evaluate_while_reading,
    fixed_windows,
    reading_losses,
    sliding_loss,
    surprises,
    token_losses,
    window_loss,
)
from gptlib.ngram import CountedNGrams


@settings(deadline=None, max_examples=40)
@given(
    N=st.integers(2, 60), window=st.integers(1, 8), at_once=st.sampled_from([8, 16, 99])
)
def test_every_token_is_predicted_once_from_its_own_window(N, window, at_once):
    from gptlib import evaluation

    torch.manual_seed(N)
    model = GPT(GPTConfig(7, 8, 1, 1, 8)).double()
    tokens = torch.randint(7, (N,))
    before, evaluation.EVALUATED_AT_ONCE = evaluation.EVALUATED_AT_ONCE, at_once
    try:
        losses = token_losses(model, tokens, window)
    finally:
        evaluation.EVALUATED_AT_ONCE = before
    assert losses.shape == (N - 1,)
    for place in range(1, N):
        start = (place - 1) // window * window
        logits = model(tokens[None, start:place])[0][0, -1]
        expected = F.cross_entropy(logits, tokens[place])
        assert losses[place - 1].item() == pytest.approx(expected.item(), abs=1e-9)


def test_uniform_model_scores_the_logarithm_of_the_vocabulary():
    model = Bigram(65)
    torch.nn.init.zeros_(model.table.weight)
    result = evaluate(model, torch.randint(65, (1000,)))
    assert result.loss == pytest.approx(math.log(65))
    assert result.stderr == pytest.approx(0, abs=1e-6)
    assert result.tokens == 999


def test_bits_and_nats_per_character(tok, data, gpt):
    result = evaluate(gpt, data.val, tokenizer=tok)
    assert result.nats_per_char == pytest.approx(result.loss)
    assert result.bits_per_char == pytest.approx(result.loss / math.log(2))
    assert "bits per character" in repr(result)


def test_standard_error_is_that_of_the_window_means(data, gpt):
    result = evaluate(gpt, data.val, window=8)
    per_window = torch.tensor(result.per_window, dtype=torch.double)
    assert len(per_window) == (len(data.val) - 1) // 8
    assert result.stderr == pytest.approx(
        (per_window.std() / len(per_window) ** 0.5).item()
    )


def test_evaluation_is_repeatable_and_leaves_the_mode(data, gpt):
    gpt.dropout = 0.5
    gpt.train()
    assert evaluate(gpt, data.val) == evaluate(gpt, data.val)
    assert gpt.training
    gpt.eval()
    evaluate(gpt, data.val)
    assert not gpt.training


def test_bad_tokens_are_refused(gpt, tok):
    with pytest.raises(ValueError, match="1 tokens; expected at least 2"):
        evaluate(gpt, torch.zeros(1, dtype=torch.long))
    with pytest.raises(ValueError, match=f"holds token {tok.vocab_size}"):
        evaluate(gpt, torch.tensor([0, tok.vocab_size]))
    with pytest.raises(ValueError, match="window=17"):
        evaluate(gpt, torch.zeros(50, dtype=torch.long), window=17)


@pytest.mark.usefixtures("unchecked")
def test_wrong_kind_of_tokens_is_refused(gpt):
    for wrong in (torch.zeros(9), torch.zeros(3, 3, dtype=torch.long)):
        with pytest.raises(ValueError, match="expected one dimension of int64"):
            evaluate(gpt, wrong)
    with pytest.raises(TypeError, match="tokens is 'ROMEO:': expected int64"):
        evaluate(gpt, "ROMEO:")


@pytest.mark.usefixtures("unchecked")
def test_a_text_is_no_data_to_train_on(gpt):
    with pytest.raises(TypeError, match=r"data='ROMEO:': .* corpus.encode"):
        train(gpt, "ROMEO:", TrainConfig(steps=1))


@pytest.mark.parametrize(("N", "stride"), [(17, 3), (30, 1), (61, 5), (80, 16)])
def test_sliding_windows_score_every_token_once(gpt, data, N, stride):
    tokens, width = data.val[:N], gpt.block_size
    gpt.eval()
    total, scored = 0.0, 0
    for start in [*range(0, N - 1 - width, stride), N - 1 - width]:
        window = tokens[start : start + width + 1]
        losses = F.cross_entropy(
            gpt(window[None, :-1])[0][0], window[1:], reduction="none"
        )
        total += losses[scored - start :].sum().item()
        scored = start + width
    assert scored == N - 1
    assert sliding_loss(gpt, tokens, stride) == pytest.approx(total / (N - 1), abs=1e-6)


def test_a_stride_beyond_the_window_is_refused(gpt, data):
    with pytest.raises(ValueError, match="stride"):
        sliding_loss(gpt, data.val, gpt.block_size + 1)


def test_surprises_give_each_token_the_whole_context(gpt, data):
    tokens = data.val[:100]
    found = surprises(gpt, tokens, 30, 50)
    for place in (30, 41, 49):
        logits = gpt(tokens[None, place - 16 : place])[0][0, -1]
        expected = F.cross_entropy(logits, tokens[place]).item()
        assert found[place - 30].item() == pytest.approx(expected, abs=1e-5)
    with pytest.raises(ValueError, match="whole context"):
        surprises(gpt, tokens, 15, 20)
    # In steps of 3, a window's last tokens see 14, 15 or all 16 tokens before them.
    for place, loss in enumerate(surprises(gpt, tokens, 30, 50, step=3).tolist(), 30):
        seen = 16 - (49 - place) % 3
        logits = gpt(tokens[None, place - seen : place])[0][0, -1]
        expected = F.cross_entropy(logits, tokens[place]).item()
        assert loss == pytest.approx(expected, abs=1e-5)


def test_batches_stay_small(gpt, data, monkeypatch):
    """However large the vocabulary, few logits are there at once."""
    from gptlib import evaluation

    monkeypatch.setattr(evaluation, "EVALUATED_AT_ONCE", 2 * gpt.block_size)
    wanted, seen = fixed_windows(data.val, gpt.block_size, 100), []
    whole = gpt.eval()(*wanted)[1].item()
    gpt.register_forward_pre_hook(lambda _, given: seen.append(given[0].numel()))
    assert window_loss(gpt, *wanted) == pytest.approx(whole, abs=1e-5)
    evaluate(gpt, data.val)
    sliding_loss(gpt, data.val, 4)
    surprises(gpt, data.val, 20, 30)
    assert max(seen) <= 2 * gpt.block_size


@pytest.mark.parametrize(("count", "windows"), [(40, 5), (8, 1), (10_000, 12), (1, 1)])
def test_fixed_windows_are_spread_over_the_split(count, windows):
    tokens = torch.arange(100)
    idx, targets = fixed_windows(tokens, 8, count)
    assert idx.shape == targets.shape == (windows, 8)
    assert torch.equal(targets, idx + 1)
    assert idx[0, 0] == 0 and (windows == 1 or targets[-1, -1] == 99)
    assert torch.equal(fixed_windows(tokens, 8, count)[0], idx)


def test_window_loss_is_the_mean_without_dropout(gpt, data):
    idx, targets = fixed_windows(data.val, gpt.block_size, 64)
    gpt.train().dropout = 0.5
    first = window_loss(gpt, idx, targets)
    assert first == window_loss(gpt, idx, targets) and gpt.training
    with torch.no_grad():
        assert first == gpt.eval()(idx, targets)[1].item()


# Learning while reading, by its four rules


@pytest.fixture
def reader(tok, data, monkeypatch):
    """A transformer beside n-gram counts, and a function that reads with a copy."""
    monkeypatch.setattr("gptlib.evaluation.COUNTED_EVERY", 16)
    torch.manual_seed(0)
    known, shape = data.train[:500], GPTConfig(tok.vocab_size, 8, 1, 1, 8)
    counts = CountedNGrams.fit(known, tok.vocab_size, 3, 8)
    model = Mixture(GPT(shape), counts, 0.6)

    def read(tokens, *, window=8, rate=0.5):
        return reading_losses(copy.deepcopy(model), tokens, window, rate, known)

    return model, known, read


def test_reading_is_causal(reader, data, tok):
    """What comes later changes no loss."""
    read, tokens = reader[-1], data.val[:60]
    losses = read(tokens)
    for place in (7, 8, 9, 33):
        other = tokens.clone()
        other[place + 1 :] = (other[place + 1 :] + 5) % tok.vocab_size
        changed = read(other)
        assert torch.equal(changed[:place], losses[:place])
        assert not torch.equal(changed[place:], losses[place:])


def test_reading_is_normalised(reader, data, tok):
    """The probabilities of all characters that may follow add up to one."""
    read = reader[-1]
    for place in (1, 8, 9, 34):
        begun, all_tokens = data.val[:place], torch.arange(tok.vocab_size)
        ends = [torch.cat([begun, last[None]]) for last in all_tokens]
        losses = torch.stack([read(tokens)[-1] for tokens in ends])  # (V,)
        assert losses.neg().exp().sum().item() == pytest.approx(1, abs=1e-5)


def test_each_window_is_scored_before_it_is_learned(reader, data):
    model, known, read = reader
    tokens, by_hand, expected = data.val[:43], copy.deepcopy(model), []
    for start in range(0, 42, 8):
        piece = tokens[start : start + 9]
        expected.append(token_losses(by_hand, piece, 8))
        loss = by_hand.eval()(piece[None, :-1], piece[None, 1:])[1]
        weights = [p for p in by_hand.parameters() if p.requires_grad]
        slopes = torch.autograd.grad(loss, weights)
        norm = torch.cat([slope.flatten() for slope in slopes]).norm()
        for weight, slope in zip(weights, slopes, strict=True):
            weight.data -= 0.5 * slope / max(1.0, norm.item())
        if start in (8, 24):
            text = torch.cat([known, tokens[: start + 9]])
            by_hand.counts = CountedNGrams.fit(text, model.config.vocab_size, 3, 8)
            by_hand.counts.eval()
    assert torch.allclose(read(tokens), torch.cat(expected), atol=1e-5)


def test_reading_goes_through_the_text_once(reader, data):
    model, known, _ = reader
    seen, tokens = [], data.val[:45]
    model.register_forward_pre_hook(lambda _, given: seen.append(given[0].flatten()))
    assert len(reading_losses(model, tokens, 8, 0.5, known)) == 44
    assert torch.equal(torch.cat(seen), tokens[:-1])


def test_learning_before_scoring_breaks_the_sum(reader, data, tok):
    """So the test above can fail."""
    model, total = reader[0], 0.0
    for v in range(tok.vocab_size):
        cheat = copy.deepcopy(model)
        tokens = torch.cat([data.val[:8], torch.tensor([v])])
        reading_losses(cheat, tokens, 8, 0.5)
        total += math.exp(-token_losses(cheat, tokens, 8)[-1].item())
    assert total > 1.01


def test_the_model_itself_stays_and_counts_what_was_read(reader, data):
    model, known, read = reader
    before, tokens = copy.deepcopy(model.state_dict()), data.val[:40]
    result = evaluate_while_reading(model, tokens, rate=0.5, known=known)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name
    losses = read(tokens)
    assert result.loss == pytest.approx(losses.mean().item())
    assert result.per_window == pytest.approx(losses[:32].view(4, 8).mean(1).tolist())
    spread = torch.tensor(result.per_window).std().item() / 2
    assert result.stderr == pytest.approx(spread, rel=1e-4)
    reading_losses(model, tokens, 8, 0.0, known)
    counted = CountedNGrams.fit(
        torch.cat([known, tokens[:33]]), model.config.vocab_size, 3, 8
    )
    assert torch.equal(model.counts.keys_3, counted.keys_3)
    assert model.config.sizes == counted.sizes and model.training


def test_reading_without_learning_is_plain_evaluation(reader, gpt, data):
    expected = token_losses(gpt, data.val[:60], 16)
    assert torch.allclose(reading_losses(gpt, data.val[:60], 16, 0.0), expected)
    twice = data.val[:64].repeat(4)
    learned = evaluate_while_reading(gpt, twice, rate=0.3)
    assert learned.loss < evaluate(gpt, twice).loss - 0.1
    with pytest.raises(ValueError, match="GPT has no n-gram counts"):
        evaluate_while_reading(gpt, data.val[:60], known=data.train)
