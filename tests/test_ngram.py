import math
from collections import Counter

import pytest
import torch

from gptlib import CharTokenizer, CountedNGrams, evaluate
from gptlib.ngram import FOLDS, NGramTables

V = 5


def random_text(length=900):
    generator = torch.Generator().manual_seed(7)
    return torch.randint(V, (length,), generator=generator)


def positions_of(idx):
    return torch.arange(idx.size(1)).expand(idx.shape)


def by_the_book(text, order):
    """Kneser–Ney of a list of tokens, in dictionaries and loops."""
    tables, seen = (
        {},
        [tuple(text[i : i + order]) for i in range(len(text) - order + 1)],
    )
    for n in range(order, 0, -1):
        tables[n] = Counter(seen)
        seen = [gram[1:] for gram in tables[n]]

    def p(context, token):
        result = 1 / V
        for n in range(1, order + 1):
            if n - 1 > len(context):
                break
            start = tuple(context[len(context) - n + 1 :])
            times = Counter(tables[n].values())
            y = times[1] / (times[1] + 2 * times[2]) if times[1] else 1
            d = [0.0]
            for c in (1, 2, 3):
                value = c - (c + 1) * y * max(1, times[c + 1]) / max(1, times[c])
                d.append(min(max(value, 0.1), c - 0.05))
            counts = {g[-1]: c for g, c in tables[n].items() if g[:-1] == start}
            total = sum(counts.values())
            if not total:
                continue
            freed = sum(d[min(c, 3)] for c in counts.values())
            own = counts.get(token, 0)
            result = (own - d[min(own, 3)]) / total + freed / total * result
        return result

    return p


def test_it_is_kneser_ney():
    text = random_text(400)
    model, p = CountedNGrams.fit(text, V, order=3).eval(), by_the_book(text.tolist(), 3)
    idx = torch.randint(V, (2, 6))
    found = model.probabilities(idx, positions_of(idx))
    for b in range(2):
        for t in range(6):
            context = idx[b, : t + 1].tolist()
            for token in range(V):
                expected = p(context, token)
                assert found[b, t, token].item() == pytest.approx(expected, abs=1e-5)


def test_probabilities_sum_to_one_for_contexts_seen_or_not():
    model = CountedNGrams.fit(random_text(60), V, order=4).eval()
    idx = torch.randint(V, (3, 20))
    total = model.probabilities(idx, positions_of(idx)).sum(dim=-1)
    torch.testing.assert_close(total, torch.ones(3, 20))


def test_in_training_a_window_is_met_without_its_own_part():
    text = random_text()
    model = CountedNGrams.fit(text, V, order=4)
    model.prepare(text)
    part = len(text) // FOLDS
    idx = text[3 * part + 10 : 3 * part + 70][None]
    assert model.train().part_of(idx).item() == 3
    found = model.probabilities(idx, positions_of(idx))
    others = torch.cat([text[: 3 * part], text[4 * part :]])
    honest = CountedNGrams.fit(others, V, order=4).eval()
    expected = honest.probabilities(idx, positions_of(idx))
    # Equal but for a few n-grams at the borders, and the discounts of all the text.
    assert (found - expected).abs().mean() < 0.03
    full = model.eval().probabilities(idx, positions_of(idx))
    assert (full - expected).abs().mean() > 3 * (found - expected).abs().mean()


def test_training_without_preparation_or_on_another_text_is_refused():
    model = CountedNGrams.fit(random_text(), V, order=3)
    idx = random_text(8)[None]
    with pytest.raises(ValueError, match="prepare"):
        model.train().probabilities(idx, positions_of(idx))
    with pytest.raises(ValueError, match="another text"):
        model.prepare(random_text(300))


def test_orders_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="whole"):
        CountedNGrams(50_257, (1,) * 5)
    with pytest.raises(ValueError, match="too few"):
        CountedNGrams.fit(random_text(3), V, order=6)
    with pytest.raises(ValueError, match="8 tokens of 300 kinds do not fit"):
        CountedNGrams.fit(random_text(), 300, order=8)


def test_a_token_outside_the_vocabulary_is_not_counted():
    with pytest.raises(ValueError, match=f"token {V} is outside"):
        CountedNGrams.fit(torch.tensor([0, V, 1, 2]), V, order=2)


def test_counting_beats_guessing_on_real_text(shakespeare):
    chars = CharTokenizer(shakespeare.text)
    data = shakespeare.encode(chars)
    model = CountedNGrams.fit(data.train[:200_000], chars.vocab_size, order=5)
    assert evaluate(model, data.val[:20_000]).loss < 2.1 < math.log(65)


def test_tables_know_the_last_tokens_and_no_others():
    tables = NGramTables(ngrams=(3,), rows=10_000, n_embd=16)
    with torch.no_grad():
        tables.embedding.weight[:-1].normal_()
    idx = torch.tensor([[1, 2, 3, 4], [5, 2, 3, 4], [5, 1, 3, 4]])
    rows = tables(idx, torch.arange(4).expand(3, 4))
    assert (rows[:, :2] == 0).all()  # fewer than three tokens there
    assert torch.equal(rows[0, 3], rows[1, 3])
    assert not torch.equal(rows[1, 3], rows[2, 3])
