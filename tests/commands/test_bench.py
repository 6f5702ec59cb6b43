"""The table's structure on tiny models; speeds are for the machine to say."""

import time
from dataclasses import replace
from importlib.util import find_spec

import pytest
import torch

from gptlib import GPT, GPTConfig, TrainConfig
from gptlib.commands.bench import (
    Figure,
    Plan,
    learning,
    machine,
    opening,
    table,
    writing,
)
from gptlib.commands.bench.clock import in_turns, median_seconds

TINY = GPTConfig(65, block_size=8, n_layer=1, n_head=2, n_embd=8)
PLAN = Plan(small=TINY, large=TINY, at_once=2, rounds=2, steps=2, matrix=32)


def test_actions_take_turns_and_slow_ones_run_once():
    order = []
    actions = {
        "slow": lambda: (order.append("s"), time.sleep(1.1)),
        "fast": lambda: order.append("f"),
    }
    times = in_turns(actions, 3, seconds=1.0)
    assert "".join(order) == "sffff"
    assert len(times["slow"]) == 1 and len(times["fast"]) == 3
    order.clear()
    actions["slow"] = lambda: order.append("s")
    in_turns(actions, 2)
    assert "".join(order) == "sfsfsf"
    assert median_seconds(lambda: time.sleep(0.01), 3) >= 0.01


def test_every_way_of_writing(capsys):
    rows = writing.figures(TINY, PLAN)
    by_name = {row.what: row for row in rows}
    ways = ["one text", "one text, int8", "2 texts at once"]
    ways += [writing.HUGGING_FACE] if find_spec("transformers") else []
    assert list(by_name) == ways
    assert all(row.unit == "tokens/s" and row.value > 0 for row in rows)
    assert "generation" in capsys.readouterr().err


def test_the_same_model_in_transformers():
    pytest.importorskip("transformers")
    torch.manual_seed(0)
    model = GPT(replace(TINY, n_layer=2)).eval()
    with torch.no_grad():
        for p in model.parameters():
            p += 0.1 * torch.randn_like(p)
    idx = torch.randint(65, (2, 8))
    theirs = writing.to_hugging_face(model)
    with torch.no_grad():
        torch.testing.assert_close(
            theirs(idx).logits, model(idx)[0], atol=1e-5, rtol=1e-5
        )


def test_a_step_of_training_and_its_share(data, monkeypatch):
    monkeypatch.setattr(learning, "shakespeare", lambda: data)
    rows = learning.figures(PLAN)
    assert [row.unit for row in rows] == ["GFLOP/s", *["ms", "%"] * len(learning.CASES)]
    peak, ms, fraction = (row.value for row in rows[:3])
    # Not a bound on the fraction itself: both are times, taken one after the other.
    flops = learning.step_flops(GPT(PLAN.small), 12 * 8)
    assert fraction == pytest.approx(100 * flops / (ms / 1e3) / (peak * 1e9))


def test_flops_of_a_step_are_counted_by_formula():
    config = GPTConfig(65, block_size=64, n_layer=4, n_head=4, n_embd=128)
    numbers = 4 * 12 * 128**2 + 65 * 128  # biases and norms are no products
    attention = 4 * 2 * 64 * 128
    expected = 6 * (numbers + attention) * 768
    assert learning.step_flops(GPT(config), 768) == expected


def test_long_runs_say_when_and_where(data, monkeypatch):
    monkeypatch.setattr(learning, "shakespeare", lambda: data)
    monkeypatch.setattr(learning, "TARGET", 4.0)
    config = TrainConfig(steps=20, batch_size=4, lr=0.01)
    cases = {"tiny": (lambda plan: GPT(plan.small), config)}
    monkeypatch.setattr(learning, "CASES", cases)
    passed, ended = learning.long_figures(PLAN)
    assert passed.unit == "s" and "to 4.0" in passed.what
    assert ended.unit == "nats" and 0 < ended.value < 4
    monkeypatch.setattr(learning, "TARGET", 0.1)
    assert len(learning.long_figures(PLAN)) == 1, "never there"


def test_opening_the_library():
    rows = opening.figures(replace(PLAN, openings=1))
    assert [row.unit for row in rows] == ["s", "s"]
    assert all(row.value > 0 for row in rows)


def test_the_table_groups_and_rounds():
    rows = [Figure("a", "one", 12345.6, "tokens/s"), Figure("b", "two", 0.1234, "s")]
    lines = table(rows).splitlines()
    assert lines[1] == "a" and lines[2].split() == ["12,346", "tokens/s", "one"]
    assert lines[5].split() == ["0.123", "s", "two"]
    here = machine()
    assert {"date", "processor", "threads", "torch", "numpy"} <= set(here)
