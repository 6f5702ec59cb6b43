"""A model as one HTML page, seen from Python; `test_page_browser.py` runs it."""

import gzip
import json
import re
from base64 import b64decode, b64encode
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch
from bs4 import BeautifulSoup
from conftest import small_config

from gptlib import GPT, Bigram, BPETokenizer, CharTokenizer, ModelHandler
from gptlib.commands.main import main
from gptlib.composed import Mixture, WithCounts, WithTables
from gptlib.hub.page import STATIC, page_of, write_page
from gptlib.model import GPTConfig
from gptlib.modern import ModernConfig, ModernGPT
from gptlib.ngram import CountedNGrams

MODELS = Path(__file__).parents[2] / "models"
CODE = 100_000  # bytes that a page may add to its weights
BAD = "</script><b>\"'&{{weights}}"


def parsed(html: str) -> tuple[BeautifulSoup, dict]:
    page = BeautifulSoup(html, "html.parser")
    return page, json.loads(page.find(id="about").string)


def weights_of(html: str) -> dict[str, torch.Tensor]:
    """The tensors in a page, read without our code."""
    page, about = parsed(html)
    planes = gzip.decompress(b64decode(page.find(id="weights").string))
    low, high = np.frombuffer(planes, np.uint8).reshape(2, -1).astype(np.uint16)
    numbers = (low | high << 8).view(np.float16)
    sizes = [int(np.prod(shape)) for _, shape in about["tensors"]]
    assert sum(sizes) == len(numbers)
    parts = np.split(numbers, np.cumsum(sizes)[:-1])
    pairs = zip(about["tensors"], parts, strict=True)
    return {name: torch.tensor(part.reshape(shape)) for (name, shape), part in pairs}


@pytest.mark.parametrize("name", ["plain", "answers", "model1", "model3"])
def test_the_weights_travel_in_half_precision_and_little_else(tmp_path, name):
    handler = ModelHandler(MODELS / name).load()
    file = handler.export(tmp_path / name, format="page")
    assert file == tmp_path / name / "index.html"
    inner = getattr(handler.model, "model", handler.model)
    state = inner.state_dict()
    numbers = sum(tensor.numel() for tensor in state.values())
    assert file.stat().st_size <= 4 / 3 * 2 * numbers + CODE
    found = weights_of(file.read_text())
    assert len(found) == len(state)
    for name, tensor in state.items():
        assert torch.equal(found[re.sub("ln_", "norm_", name)], tensor.half()), name


@pytest.mark.parametrize("width", [32, 64])
def test_gpt2s_tokenizer_fits_beside_the_weights(width):
    """Its 50,000 merges take half a megabyte, which zipping the weights saves."""
    tok = BPETokenizer.gpt2()
    model = GPT(GPTConfig(tok.vocab_size, 8, 1, 1, width))
    html = page_of("gpt2", model, tok, {})
    numbers = sum(p.numel() for p in model.parameters())
    assert len(html.encode()) <= 4 / 3 * 2 * numbers + CODE
    stored = parsed(html)[1]["tokenizer"]
    assert stored["merges"] == [list(pair) for pair in tok.merges]


def test_texts_are_escaped_and_only_our_code_may_run():
    tok = CharTokenizer(BAD + "\n<!--")
    html = page_of(BAD, GPT(small_config(tok)), tok, {"Trained on": BAD})
    page, about = parsed(html)
    assert page.title.string == page.h1.string == about["name"] == BAD
    assert about["tokenizer"]["chars"] == "".join(tok.chars)
    assert about["facts"] == {"Trained on": BAD} and not page.find("b", id=None)
    scripts = page.find_all("script")
    assert [s.get("type") for s in scripts] == ["application/json", None, "text/plain"]
    policy = page.find("meta", {"http-equiv": "Content-Security-Policy"})["content"]
    allowed = re.findall(r"(style|script)-src '(sha256-[^']+)'", policy)
    for (kind, given), node in zip(allowed, (page.style, scripts[1]), strict=True):
        digest = b64encode(sha256(node.string.encode()).digest()).decode()
        assert given == f"sha256-{digest}" and kind == node.name
    assert policy.startswith("default-src 'none'")


def test_the_page_asks_for_nothing_and_builds_no_html():
    for path in STATIC.iterdir():
        text = path.read_text("utf-8")
        for word in ("http:", "https:", "//cdn", "fetch(", "import ", "innerHTML"):
            assert word not in text, (path.name, word)
        assert not re.search(r"insertAdjacent|document\.write|\beval\b|src=", text)


def test_of_a_model_around_another_the_transformer_travels(tok, data):
    inner = ModernGPT(ModernConfig(tok.vocab_size, 8, 1, 1, 8))
    counts = CountedNGrams.fit(data.train, tok.vocab_size, 2, 8)
    around = [WithTables(inner, (2,), 50), WithCounts(inner, counts)]
    around += [Mixture(inner, counts), Mixture(around[0], counts)]
    for model in around:
        html = page_of("all", model, tok, {"Loss on validation": "1"})
        assert "stayed behind" in parsed(html)[1]["left_behind"]
        assert parsed(html)[1]["facts"] == {"Loss on validation, with its counts": "1"}
        assert weights_of(html).keys() == inner.state_dict().keys()
    assert parsed(page_of("one", inner, tok, {}))[1]["left_behind"] == ""


def test_a_file_is_no_folder_to_export_to(tmp_path, gpt, tok):
    file = tmp_path / "notes.md"
    file.write_text("mine")
    handler = ModelHandler(tmp_path / "m").save(gpt, tok)
    for form in ("page", "huggingface"):
        with pytest.raises(OSError, match=r"notes.md is a file: expected a folder"):
            handler.export(file, format=form)
    with pytest.raises(OSError, match=r"notes.md is a file: expected a folder"):
        ModelHandler(file).save(gpt, tok)
    assert file.read_text() == "mine"


def test_what_cannot_be_a_page(tmp_path, gpt, tok):
    for model in (Bigram(tok.vocab_size), CountedNGrams(tok.vocab_size, (1,), 4)):
        with pytest.raises(TypeError, match="is no transformer"):
            write_page(tmp_path / "x", model, tok, {})
    with torch.no_grad():
        gpt.wpe.weight[0, 0] = 70_000
    with pytest.raises(ValueError, match=r"wpe\.weight holds numbers that half"):
        write_page(tmp_path / "x", gpt, tok, {})
    assert not (tmp_path / "x").exists()


def test_a_page_is_named_as_its_folder_or_file(tmp_path, gpt, tok, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for to, name in ("v1.5", "v1.5"), ("my.page.html", "my.page"), (".", tmp_path.name):
        file = write_page(Path(to), gpt, tok, {})
        assert parsed(file.read_text())[1]["name"] == name


def test_only_an_earlier_page_is_overwritten(tmp_path, gpt, tok):
    handler = ModelHandler(tmp_path / "ours").save(gpt, tok)
    (tmp_path / "notes.txt").write_text("mine")
    file = handler.export(tmp_path / "page.html", format="page")
    assert file == handler.export(file, format="page") == tmp_path / "page.html"
    file.write_text("<!DOCTYPE html>mine")
    with pytest.raises(ValueError, match="is another page"):
        handler.export(file, format="page")
    assert file.read_text() == "<!DOCTYPE html>mine"


def test_the_command_tells_what_it_was_trained_on_but_no_folder(tmp_path, capsys):
    text = tmp_path / "sums.txt"
    text.write_text("".join(f"{i} plus {i}.\n" for i in range(200)))
    shape = ["--model.n-layer", "1", "--model.n-embd", "8", "--model.n-head", "1"]
    options = ["--corpus", str(text), *shape, "--model.block-size", "8"]
    main(["train", str(tmp_path / "ours"), *options, "--training.steps", "3"])
    file = tmp_path / "ours.html"
    main(["export", str(tmp_path / "ours"), str(file), "--format", "page"])
    assert f"written to {file}" in capsys.readouterr().out
    about = parsed(file.read_text())[1]
    assert about["name"] == "ours" and about["trained_on"] == "sums.txt"
    assert str(tmp_path) not in file.read_text()
