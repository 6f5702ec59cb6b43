"""Folders that the version before wrote still load, generate, and train to their end.

Recorded by that version, on one thread of an AVX-512 machine, in `expected.json`.
"""

import json
import shutil
from pathlib import Path

import pytest

from gptlib import ModelHandler, count_parameters, evaluate

FOLDERS = Path(__file__).parents[1] / "fixtures" / "folders"
EXPECTED = json.loads((FOLDERS / "expected.json").read_text())

every_folder = pytest.mark.parametrize("name", EXPECTED)


@pytest.fixture
def handler(name, tmp_path):
    shutil.copytree(FOLDERS / name, tmp_path / name)
    return ModelHandler(tmp_path / name).load()


@every_folder
def test_it_is_the_model_it_was(name, handler, data):
    expected = EXPECTED[name]
    assert count_parameters(handler.model) == expected["parameters"]
    loss = evaluate(handler.model, data.val).loss
    assert loss == pytest.approx(expected["val"], abs=1e-5)
    assert handler.generate("1", 40, temperature=0.8, seed=1) == expected["text"]


@pytest.mark.parametrize("name", [n for n, e in EXPECTED.items() if e["rest"]])
def test_its_training_ends_as_it_would_have(name, handler, data):
    steps = handler.train(data=data, progress=False)
    losses = [step.loss for step in steps]
    assert losses == pytest.approx(EXPECTED[name]["rest"], abs=1e-4)
    loss = evaluate(handler.model, data.val).loss
    assert loss == pytest.approx(EXPECTED[name]["after"], abs=1e-4)


@every_folder
def test_stored_anew_it_stays_what_it_is(name, handler, data):
    again = ModelHandler(handler.save().path).load()
    assert evaluate(again.model, data.val).loss == pytest.approx(
        EXPECTED[name]["val"], abs=1e-5
    )
