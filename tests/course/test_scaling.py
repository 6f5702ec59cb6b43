import math

import pytest

from gptcourse.experiments.scaling import (
    Law,
    Run,
    as_runs,
    fit_law,
    lowest_point,
    main,
    middle,
    resampled_laws,
    training_flops,
)
from gptlib import GPTConfig

WIDTHS = (-1.2, -0.5, 0.1, 0.7, 1.3)
NOISE = (0.004, -0.006, 0.003, 0.005, -0.002)


def runs(exponent=0.6, falls=0.1, noise=0.0, seeds=3):
    """Three budgets whose best sizes and losses lie on power laws, and noise."""
    made = []
    for budget in (1e11, 3e11, 1e12):
        best, loss = 2 * budget**exponent / 1e3, 20 * budget**-falls
        for seed in range(seeds):
            for i, away in enumerate(WIDTHS):
                more = 0.05 * away**2 + noise * NOISE[(i + seed) % 5]
                made.append(Run(budget, best * math.exp(away), loss + more))
    return made


def test_gpt2_takes_086_gflop_a_token():
    gpt2 = GPTConfig(50257, 1024, 12, 12, 768)
    assert training_flops(gpt2) == 6 * 124_439_808 + 12 * 12 * 768 * 1024


def test_the_lowest_point_of_an_exact_parabola():
    sizes = [1e3, 4e3, 9e3, 5e4]
    losses = [2 + 0.03 * (math.log(size) - 9) ** 2 for size in sizes]
    size, loss = lowest_point(sizes, losses)
    assert size == pytest.approx(math.exp(9)) and loss == pytest.approx(2)


@pytest.mark.parametrize(
    ("sizes", "losses", "message"),
    [
        ([10, 20, 20], [2, 1, 1], "at least 3"),
        ([10, 20, 40], [1, 2, 1], "do not rise on both sides"),
    ],
)
def test_no_lowest_point_is_said(sizes, losses, message):
    with pytest.raises(ValueError, match=message):
        lowest_point(sizes, losses)


def test_a_law_is_found_again():
    law = fit_law(runs()[::-1])
    assert law.budgets == (1e11, 3e11, 1e12)
    assert law.exponent == pytest.approx(0.6) and law.falls == pytest.approx(0.1)
    assert law.size_at(1e14) == pytest.approx(2 * 1e14**0.6 / 1e3)
    assert law.loss_at(1e14) == pytest.approx(20 * 1e14**-0.1)
    assert Law(law.budgets[:2], law.sizes[:2], law.losses[:2]).exponent == (
        pytest.approx(0.6)
    )


def test_a_row_of_a_sweep_is_a_run():
    row = {"recipe": "0.3 TFLOP", "parameters": 8656, "val": 1.9, "seed": 0}
    assert as_runs([row]) == [Run(3e11, 8656, 1.9)]


def test_one_budget_is_no_law():
    with pytest.raises(ValueError, match="1 budgets: a law needs at least 2"):
        fit_law([run for run in runs() if run.budget == 1e11])


def test_resampling_finds_the_noise_and_repeats_itself():
    exact = [law.exponent for law in resampled_laws(runs(), 20)]
    assert max(exact) - min(exact) < 1e-9
    noisy = [law.exponent for law in resampled_laws(runs(noise=1.0), 200)]
    low, high = middle(noisy)
    assert low < 0.6 < high and 0.001 < high - low < 0.2
    assert noisy == [law.exponent for law in resampled_laws(runs(noise=1.0), 200)]
    few = resampled_laws(runs(seeds=1, noise=1.0), 50)
    assert len(few) == 50, "three sizes are drawn again, not fitted"
    with pytest.raises(ValueError, match="3 sizes for a budget"):
        resampled_laws([run for i, run in enumerate(runs()) if i % 5 < 3])


def test_the_command_prints_the_law(capsys):
    main()
    assert "3.0e+11 operations: 33,779 parameters" in capsys.readouterr().out


def test_the_middle_of_values():
    assert middle(range(1001)) == pytest.approx((25, 975))
