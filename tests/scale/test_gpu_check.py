"""Every part of the GPU check runs on a CPU at a tiny size."""

import json
import subprocess
import sys

import pytest
import torch

from gptlib.scale import gpu_check


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    output = tmp_path_factory.mktemp("gpu") / "gpu.json"
    command = [sys.executable, "-m", "gptlib.scale.gpu_check", output, "--tiny"]
    subprocess.run(command, check=True, capture_output=True)
    return json.loads(output.read_text())


def test_every_part_finds_something(found):
    parts = ["precisions", "speeds", "generation", "strategies", "memory", "recipes"]
    assert list(found) == ["machine", *parts]
    assert {part: found[part] for part in parts if isinstance(found[part], str)} == {}


def test_strategies_train_the_same(found):
    runs = found["strategies"]
    assert set(runs) == {"Training", "DDPTraining", "ShardedTraining"}
    alone = runs["Training"]["losses"]
    assert len(alone) == 3
    for run in runs.values():
        assert run["losses"] == pytest.approx(alone, abs=1e-4)


def test_both_recipes_are_followed_by_val(found):
    for curve in found["recipes"].values():
        steps = [step for step, _, _ in curve["(step, seconds, val)"]]
        assert steps and all(step % 2 == 0 for step in steps)


def test_a_failing_part_is_named_and_does_not_end_the_rest():
    def breaks(*_):
        raise RuntimeError("no such kernel")

    said = gpu_check.attempt(breaks, gpu_check.QUICK, torch.device("cpu"))
    assert said == "RuntimeError: no such kernel"
