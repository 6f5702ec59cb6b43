import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from gptlib import GPT, Bigram, GPTConfig, evaluate
from gptlib.evaluation import (
    fixed_windows,
    sliding_loss,
    surprises,
    token_losses,
    window_loss,
)


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
