"""The shipped models are what their notes say."""

import re
from pathlib import Path

import pytest

from gptlib import ModelHandler, count_parameters, evaluate

FOLDER = Path(__file__).parents[1] / "models"
NOTES = (FOLDER / "notes.md").read_text()
SHIPPED = sorted(p.parent.name for p in FOLDER.glob("model?/model.safetensors"))


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_model_is_what_its_notes_say(name, shakespeare):
    handler = ModelHandler(FOLDER / name).load()
    notes = NOTES[NOTES.index(f"## {name}") :]
    loss = evaluate(handler.model, shakespeare.encode(handler.tokenizer).val).loss
    assert loss == pytest.approx(handler.history[-1].val, abs=0.002)
    assert f"{loss:.3f}" in notes
    parameters = re.search(r"([\d,]+) parameters", notes)[1]
    assert count_parameters(handler.model) == int(parameters.replace(",", ""))
    assert handler.trained_on["corpus"] == shakespeare.name
    assert handler.trained_on["sha256"] == shakespeare.sha256


@pytest.mark.parametrize("name", SHIPPED)
def test_its_sample_can_be_made_again(name):
    stored = (FOLDER / name / "sample.txt").read_text()
    assert len(stored) >= 2000
    handler = ModelHandler(FOLDER / name).load()
    again = handler.generate("\n", 220, temperature=0.8, seed=1).lstrip("\n")
    assert stored.startswith(again[:200])


def test_a_model_is_shipped():
    assert "model1" in SHIPPED
