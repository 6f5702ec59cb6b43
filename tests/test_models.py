"""The shipped models are what their notes say."""

import json
import re
from pathlib import Path

import pytest
from safetensors.torch import load_file

from gptlib import ModelHandler, count_parameters, evaluate, load_corpus

FOLDER = Path(__file__).parents[1] / "models"
NOTES = (FOLDER / "notes.md").read_text()
SHIPPED = ["model1", "model2", "model3", "plain", "plays"]
TAUGHT = "model2"  # its recipe is that of a model without teachers
LARGEST = 25_000_000  # bytes of a file


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_model_is_what_its_notes_say(name, shakespeare):
    handler = ModelHandler(FOLDER / name).load()
    notes = NOTES[NOTES.index(f"## {name}") :].partition("\n## ")[0]
    tokenizer = handler.tokenizer
    val = shakespeare.encode(tokenizer).val
    found = evaluate(handler.model, val, tokenizer=tokenizer)
    assert found.loss == pytest.approx(handler.history[-1].val, abs=0.002)
    assert f"{found.nats_per_char:.3f}" in notes
    parameters = re.search(r"([\d,]+) parameters", notes)[1]
    assert count_parameters(handler.model) == int(parameters.replace(",", ""))
    recipe = json.loads((FOLDER / name / "recipe.json").read_text())
    corpus = load_corpus(recipe["corpus"])
    assert corpus.val == shakespeare.val
    assert handler.trained_on["corpus"] == corpus.name
    assert handler.trained_on["sha256"] == corpus.sha256
    config = handler.trained_on["config"]
    assert name == TAUGHT or config | recipe["training"] == config
    assert config["steps"] == handler.history[-1].step
    assert all(file.stat().st_size < LARGEST for file in (FOLDER / name).iterdir())


@pytest.mark.parametrize("name", SHIPPED)
def test_its_sample_can_be_made_again(name):
    stored = (FOLDER / name / "sample.txt").read_text()
    assert len(stored) >= 2000
    handler = ModelHandler(FOLDER / name).load()
    again = handler.generate("\n", 220, temperature=0.8, seed=1).lstrip("\n")
    assert stored.startswith(again[:200])


def test_the_record_is_set_within_its_size():
    """Everything stored counts, n-grams and their counts too."""
    handler = ModelHandler(FOLDER / "model2").load()
    assert handler.trained_on["corpus"] == "tinyshakespeare"
    stored = load_file(FOLDER / "model2" / "model.safetensors")
    weights = handler.model.state_dict()
    kept = sum(stored[name].numel() for name in weights)
    assert kept == count_parameters(handler.model) <= 3_200_000
