import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file
from tqdm import tqdm

from gptlib import (
    BPETokenizer,
    CharTokenizer,
    GPTConfig,
    ModelHandler,
    TrainConfig,
    evaluate,
)
from gptlib.commands import bench
from gptlib.commands.evaluate import progress
from gptlib.commands.main import main, parse
from gptlib.commands.recipe import Recipe, read_recipe, write_recipe
from gptlib.hub.pretrained import load_pretrained


def test_data_says_what_it_holds(capsys):
    main(["data"])
    assert "1,115,394 characters" in capsys.readouterr().out


def test_errors_are_one_line(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["data", "nowhere.txt"])
    assert "gptlib: 'nowhere.txt' is neither" in str(caught.value)
    with pytest.raises(SystemExit) as caught:
        main(["sample", "nowhere"])
    assert "holds no model" in str(caught.value)


def test_train_sample_evaluate(tmp_path, small_corpus, capsys):
    text = tmp_path / "sums.txt"
    text.write_text(small_corpus.text)
    recipe = tmp_path / "recipe.json"
    shape = {"n_layer": 1, "n_head": 1, "n_embd": 8, "block_size": 8}
    training = {"steps": 30, "batch_size": 4, "lr": 0.01, "seed": 3}
    stored = {"corpus": str(text), "model": shape, "training": training}
    recipe.write_text(json.dumps(stored))
    folder = tmp_path / "model"
    main(["train", str(folder), "--recipe", str(recipe)])
    assert "whole validation split" in capsys.readouterr().out
    handler = ModelHandler(folder).load()
    assert len(handler.history) == 30
    assert handler.history[-1].val > 0
    assert len((folder / "sample.txt").read_text()) >= 2000
    main(["sample", str(folder), "--prompt", "1 plus", "--max-new-tokens", "9"])
    assert capsys.readouterr().out.startswith("1 plus")
    sample = ["sample", str(folder), "--prompt", "1 plus", "--seed", "1"]
    main(sample)
    new = capsys.readouterr().out.removeprefix("1 plus")
    stop = new[40:44]
    main([*sample, "--stop", "never there", stop])
    assert capsys.readouterr().out == f"1 plus{new[: new.index(stop)]}\n"
    for wrong, says in ((["--stop", ""], "stop="), (["--special"], "special=True")):
        with pytest.raises(SystemExit, match=says):
            main([*sample, *wrong])
    assert capsys.readouterr().out == ""
    main(["sample", str(folder), "--prompt", "1 plus", "--weights", "int8"])
    assert capsys.readouterr().out.startswith("1 plus")
    main(["evaluate", str(folder), "--corpus", str(text), "--split", "dev"])
    assert "bits per character" in capsys.readouterr().out


def test_train_goes_on_where_it_was(tmp_path, small_corpus, capsys):
    text = tmp_path / "sums.txt"
    text.write_text(small_corpus.text)
    folder = tmp_path / "model"
    options = ["--corpus", str(text), "--model.n-layer", "1", "--model.n-embd", "8"]
    options += ["--model.n-head", "1", "--model.block-size", "8"]
    options += ["--training.steps", "20", "--tokenizer.type", "bpe"]
    options += ["--tokenizer.vocab-size", "260"]
    main(["train", str(folder), *options])
    handler = ModelHandler(folder).load()
    handler.train(20, config=_longer(handler), progress=False)
    assert (folder / "trainer.safetensors").is_file()
    capsys.readouterr()
    before = (folder / "trainer.safetensors").read_bytes()
    with pytest.raises(SystemExit, match=r"training.steps=20 \(here 40\).*--start"):
        main(["train", str(folder), *options])
    options[options.index("20")] = "40"
    with pytest.raises(SystemExit, match=r"model.dropout=0.5 \(here 0.0\)"):
        main(["train", str(folder), *options, "--model.dropout", "0.5"])
    assert (folder / "trainer.safetensors").read_bytes() == before
    main(["train", str(folder), *options, "--training.accumulate", "4"])
    assert "resuming the training" in capsys.readouterr().out
    gone_on = ModelHandler(folder).load()
    assert len(gone_on.history) == 40
    assert gone_on.trained_on["config"]["accumulate"] == 4
    before = (folder / "model.safetensors").read_bytes()
    main(["train", str(folder), *options])
    assert "is finished" in capsys.readouterr().out
    assert (folder / "model.safetensors").read_bytes() == before
    text.write_text(small_corpus.text + "One more line.\n")
    with pytest.raises(SystemExit, match="choose another folder"):
        main(["train", str(folder), *options])


@pytest.fixture
def tiny(tmp_path, small_corpus):
    """The options of a small training on the corpus; its folder is to be put first."""
    (tmp_path / "sums.txt").write_text(small_corpus.text)
    shape = ("n-layer", "1"), ("n-head", "1"), ("n-embd", "8"), ("block-size", "8")
    options = [word for name, n in shape for word in (f"--model.{name}", n)]
    corpus = ["--corpus", str(tmp_path / "sums.txt")]
    return [*options, *corpus, "--training.steps", "4", "--training.eval-every", "2"]


def test_a_finished_folder_is_left_as_it_is_stored(tmp_path, tiny, capsys):
    folder, path = tmp_path / "model", tmp_path / "model/model.safetensors"
    main(["train", str(folder), *tiny, "--dtype", "float16"])
    before = path.read_bytes()
    (folder / "sample.txt").write_text("mine")
    capsys.readouterr()
    for options in ([], ["--dtype", "float16"]):
        main(["train", str(folder), *tiny, *options])
        assert "is finished" in (said := capsys.readouterr().out)
        assert "validation" not in said
    assert path.read_bytes() == before
    assert (folder / "sample.txt").read_text() == "mine"
    main(["train", str(folder), *tiny, "--more-steps", "4"])
    assert load_file(path)["wte.weight"].dtype == torch.float16
    (folder / "sample.txt").unlink()  # as if it was cut off before
    main(["train", str(folder), *tiny])
    assert (folder / "sample.txt").is_file()
    assert load_file(path)["wte.weight"].dtype == torch.float16
    main(["train", str(folder), *tiny, "--dtype", "float32"])
    assert load_file(path)["wte.weight"].dtype == torch.float32


def test_another_start_than_its_own_is_refused(tmp_path, tiny, capsys):
    for name in ("first", "other"):
        main(["train", str(tmp_path / name), *tiny])
    first = ["--start", str(tmp_path / "first")]
    folder = str(tmp_path / "model")
    main(["train", folder, *tiny, *first])
    main(["train", folder, *tiny, *first])  # the same command goes on
    main(["train", folder, *tiny, *first, "--more-steps", "1"])
    for start in (str(tmp_path / "other"), "nowhere"):
        with pytest.raises(SystemExit, match=rf"start={start} \(here .*first\)"):
            main(["train", folder, *tiny, "--start", start])
        with pytest.raises(SystemExit, match=rf"start={start} \(here none that"):
            main(["train", str(tmp_path / "first"), *tiny, "--start", start])
    recipe = tmp_path / "recipe.json"
    command = ["train", str(tmp_path / "first"), *tiny]
    main([*command, "--start", "elsewhere", "--write-recipe", str(recipe)])
    capsys.readouterr()
    main([*command[:2], "--recipe", str(recipe)])
    assert "is finished" in capsys.readouterr().out


def test_model_options_change_the_shape_of_the_start(tmp_path, tiny):
    shape = {"class": "ModernGPT", "n_layer": 1, "n_head": 1, "n_embd": 8}
    shape |= {"block_size": 8, "count": 2, "blend": 0.5}
    stored = {"corpus": "a", "model": shape, "training": {"steps": 1}}
    recipe, first = tmp_path / "recipe.json", tmp_path / "first"
    recipe.write_text(json.dumps(stored))
    main(["train", str(first), "--recipe", str(recipe), *tiny[8:]])
    command = ["train", str(tmp_path / "next"), "--start", str(first), *tiny[8:]]
    for options, says in [
        (["--model.n-layer", "2"], r"\['blocks.1[^']*'\] \(\d+ in all\)"),
        (["--model.n-layer", "2000"], "n_layer=2000: expected"),
    ]:
        with pytest.raises(SystemExit, match=says) as caught:
            main([*command, *options])
        assert len(caught.value.code) < 300
    changes = ["--model.dropout", "0.5", "--model.convolution"]
    main([*command, *changes])
    model = ModelHandler(tmp_path / "next").load().model
    assert type(model).__name__ == "Mixture" and model.config.weight == 0.5
    inner = model.model.config
    assert (inner.n_layer, inner.dropout, inner.convolution) == (1, 0.5, True)
    with pytest.raises(SystemExit, match=r"model.dropout=0.25 \(here 0.5\)"):
        main([*command, "--model.dropout", "0.25"])
    # The same in a recipe that is trained first, and without the counts.
    started = {"corpus": "a", "start": stored, "model": {"dropout": 0.5}}
    recipe.write_text(json.dumps(started | {"training": {}}))
    assert read_recipe(recipe).shape == shape | {"dropout": 0.5}
    recipe.write_text(json.dumps(stored))
    plain = ["--recipe", str(recipe), "--model.count", "0"]
    main(["train", str(tmp_path / "plain"), *plain, *tiny[8:]])
    assert type(ModelHandler(tmp_path / "plain").load().model).__name__ == "ModernGPT"


def test_what_only_a_modern_gpt_has_says_so(tmp_path, capsys):
    for option in (["--model.count", "5"], ["--model.convolution"]):
        with pytest.raises(SystemExit):
            main(["train", str(tmp_path / "model"), *option])
        said = " ".join(capsys.readouterr().err.replace("│", " ").split())
        assert 'those of a recipe with "class": "ModernGPT"' in said


def test_a_file_in_place_of_a_folder_is_refused(tmp_path, tiny):
    main(["train", str(tmp_path / "model"), *tiny])
    file = str(tmp_path / "sums.txt")
    for command in (
        ["export", str(tmp_path / "model"), file],
        ["export", str(tmp_path / "model"), file, "--format", "page"],
        ["train", file, *tiny],
    ):
        with pytest.raises(SystemExit, match="is a file: expected a folder"):
            main(command)
    page = tmp_path / "page.html"
    for _ in range(2):
        main(["export", str(tmp_path / "model"), str(page), "--format", "page"])


def test_a_training_cut_off_says_how_to_go_on(
    tmp_path, small_corpus, capsys, monkeypatch
):
    text = tmp_path / "sums.txt"
    text.write_text(small_corpus.text)
    shape = {"class": "ModernGPT", "block_size": 8, "n_layer": 1, "n_embd": 8}
    training = {"steps": 30, "batch_size": 4, "eval_every": 10}
    stored = {"corpus": str(text), "model": shape | {"count": 3}, "dtype": "float16"}
    recipe = tmp_path / "recipe.json"
    recipe.write_text(json.dumps(stored | {"training": training}))
    command = ["train", str(tmp_path / "model"), "--recipe", str(recipe)]

    whole = ModelHandler.train

    def cut_off(handler, **settings):
        whole(handler, 12, **settings)
        raise KeyboardInterrupt

    monkeypatch.setattr(ModelHandler, "train", cut_off)
    with pytest.raises(
        SystemExit, match="stopped at step 12; the same command continues"
    ):
        main(command)
    monkeypatch.setattr(ModelHandler, "train", whole)
    main(command)
    assert "resuming the training" in capsys.readouterr().out
    handler = ModelHandler(tmp_path / "model").load()
    assert [s.step for s in handler.history] == list(range(1, 31))
    assert handler.trained_on["config"]["steps"] == 30
    path = tmp_path / "model/model.safetensors"
    assert load_file(path)["model.wte.weight"].dtype == torch.float16


def test_a_recipe_names_its_tokenizer(tmp_path, small_corpus, capsys):
    text = tmp_path / "sums.txt"
    text.write_text(small_corpus.text)
    stored = {
        "corpus": str(text),
        "model": {"n_layer": 1, "n_head": 1, "n_embd": 8, "block_size": 8},
        "training": {"steps": 5, "batch_size": 4},
        "tokenizer": {"type": "bpe", "vocab_size": 270},
    }
    recipe = tmp_path / "recipe.json"
    recipe.write_text(json.dumps(stored))
    main(["train", str(tmp_path / "model"), "--recipe", str(recipe)])
    assert "bits per character" in capsys.readouterr().out
    main(["sample", str(tmp_path / "model"), "--prompt", "1 plus"])
    assert capsys.readouterr().out.startswith("1 plus")
    main(["evaluate", str(tmp_path / "model"), "--corpus", str(text)])
    assert "bits per character" in capsys.readouterr().out
    tokenizer = ModelHandler(tmp_path / "model").load().tokenizer
    assert tokenizer.vocab_size == 270
    recipe.write_text(json.dumps(stored | {"tokenizer": {"type": "word"}}))
    with pytest.raises(SystemExit, match="type='word'"):
        main(["train", str(tmp_path / "other"), "--recipe", str(recipe)])
    recipe.write_text(json.dumps({"model": {}, "training": {}}))
    with pytest.raises(SystemExit, match="lacks 'corpus'"):
        main(["train", str(tmp_path / "other"), "--recipe", str(recipe)])


def _longer(handler):
    return TrainConfig(**(handler.trained_on["config"] | {"steps": 40}))


def test_a_recipe_may_begin_with_another(tmp_path, small_corpus, capsys):
    text = tmp_path / "sums.txt"
    text.write_text(small_corpus.text)
    short = {"class": "ModernGPT", "block_size": 8, "n_layer": 1, "n_embd": 8}
    short |= {"n_head": 1, "count": 2, "blend": 0.5}
    training = {"steps": 30, "batch_size": 4, "seed": 1}
    stored = {"corpus": str(text), "model": short | {"block_size": 16}}
    stored |= {"training": training | {"steps": 1, "lr": 1e-9}}
    stored["start"] = {"model": short, "training": training}
    recipe = tmp_path / "recipe.json"
    recipe.write_text(json.dumps(stored))
    main(["train", str(tmp_path / "long"), "--recipe", str(recipe)])
    first = ModelHandler(tmp_path / "long_start").load()
    second = ModelHandler(tmp_path / "long").load()
    assert (first.model.block_size, len(first.history)) == (8, 30)
    assert (second.model.block_size, len(second.history)) == (16, 1)
    for name, weight in first.model.named_parameters():
        other = second.model.get_parameter(name)
        torch.testing.assert_close(weight, other, atol=1e-5, rtol=0)
    main(["train", str(tmp_path / "long"), "--recipe", str(recipe)])
    assert "long is finished" in capsys.readouterr().out
    recipe.write_text(json.dumps(stored | {"start": {"model": short}}))
    with pytest.raises(SystemExit, match=r"recipe.json, start lacks 'training'"):
        main(["train", str(tmp_path / "other"), "--recipe", str(recipe)])
    wider = stored["model"] | {"n_embd": 16}
    recipe.write_text(json.dumps(stored | {"model": wider, "start": str(first.path)}))
    with pytest.raises(SystemExit, match="weights to begin with do not fit"):
        main(["train", str(tmp_path / "wider"), "--recipe", str(recipe)])
    deeper = stored["model"] | {"n_layer": 2}
    recipe.write_text(json.dumps(stored | {"model": deeper, "start": str(first.path)}))
    with pytest.raises(SystemExit, match="has other parts"):
        main(["train", str(tmp_path / "deeper"), "--recipe", str(recipe)])


def test_a_published_folder_is_tuned_on(tmp_path, small_corpus, capsys):
    text = tmp_path / "sums.txt"
    text.write_text(small_corpus.text)
    options = ["--corpus", str(text), "--model.n-layer", "1", "--model.n-embd", "8"]
    options += ["--model.n-head", "1", "--model.block-size", "8"]
    main(["train", str(tmp_path / "ours"), *options, "--training.steps", "3"])
    main(["export", str(tmp_path / "ours"), str(tmp_path / "hub")])
    assert "written to" in capsys.readouterr().out
    training = {"steps": 1, "batch_size": 4, "lr": 1e-9}
    stored = {"corpus": str(text), "start": str(tmp_path / "hub"), "training": training}
    recipe = tmp_path / "recipe.json"
    recipe.write_text(json.dumps(stored))
    main(["train", str(tmp_path / "tuned"), "--recipe", str(recipe)])
    first = ModelHandler(tmp_path / "ours").load()
    tuned = ModelHandler(tmp_path / "tuned").load()
    assert tuned.tokenizer.to_dict() == first.tokenizer.to_dict()
    for name, weight in first.model.named_parameters():
        torch.testing.assert_close(weight, tuned.model.get_parameter(name))
    # The recipe for GPT-2 itself, with another model, text and size.
    recipe = Path(__file__).parents[2] / "models" / "web" / "shakespeare.json"
    command = ["train", str(tmp_path / "again"), "--recipe", str(recipe)]
    command += ["--start", str(tmp_path / "hub"), "--corpus", str(text)]
    command += ["--training.batch-size", "8", "--training.accumulate", "4"]
    main([*command, *options[2:], "--training.steps", "40"])
    steps = ModelHandler(tmp_path / "again").load().history
    assert len(steps) == 40 and steps[39].val < steps[19].val
    assert {step.lr for step in steps} == {3e-5}


def test_bad_values_are_refused_with_what_is_expected(tmp_path, capsys):
    for option, expected in [
        ("--training.lr=-1", "lr=-1.0: expected a finite number in [1e-12, 1000]"),
        ("--training.schedule=step", "'step': expected one of 'cosine', 'linear'"),
        ("--training.steps=many", "invalid literal for int() with base 10: 'many'"),
        ("--model.n-head=3", "expected a multiple of n_head"),
        ("--traning.steps=3", "Perhaps you meant"),
        ("--tokenizer.type=word", "'word': expected one of 'char', 'bpe', 'gpt2'"),
    ]:
        with pytest.raises(SystemExit) as caught:
            main(["train", str(tmp_path / "m"), option])
        printed = " ".join(capsys.readouterr().err.replace("│", " ").split())
        assert caught.value.code == 2 and expected in printed, printed
        assert "dummy" not in printed
    with pytest.raises(SystemExit):
        main(["trian"])
    assert "data, train, sample, evaluate, export" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="processes=0: expected a whole number of at"):
        main(["data", "--dataset", str(tmp_path), "--processes", "0"])
    with pytest.raises(SystemExit, match="tokenizer='none': expected gpt2, or"):
        main(["data", "--dataset", str(tmp_path), "--tokenizer", "none"])


OPTION = r" (--[a-z][\w.-]+)(?:, --\S+)?(?: (?:\{\S+\}\S*|[A-Z]+))? ?([^(]*)\(default"


def test_every_option_is_explained(capsys):
    for command in ("train", "sample", "evaluate", "sweep", "bench", "data"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        text = " ".join(capsys.readouterr().out.replace("│", " ").split())
        found = re.findall(OPTION, text)
        assert found and [name for name, said in found if not said] == [], command


def test_options_are_stored_as_a_recipe_and_count_more_than_one(tmp_path, capsys):
    options = ["--model.n-layer", "1", "--model.n-embd", "8", "--training.lr", "0.01"]
    for name in ("mine.yaml", "mine.json"):
        path = tmp_path / name
        main(["train", "unused", *options, "--write-recipe", str(path)])
        assert f"--recipe {path}" in capsys.readouterr().out
        assert not Path("unused").exists()
        stored = read_recipe(path)
        assert (stored.model["n_layer"], stored.training.lr) == (1, 0.01)
        again = tmp_path / f"again_{name}"
        longer = ["--training.steps", "7", "--write-recipe", str(again)]
        main(["train", "unused", "--recipe", str(path), *longer])
        training = replace(stored.training, steps=7)
        assert read_recipe(again) == replace(stored, training=training)
    with pytest.raises(SystemExit, match=r"suffix='.toml': expected one of '.json'"):
        main(["train", "unused", "--write-recipe", str(tmp_path / "mine.toml")])


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("suffix", [".json", ".yaml"])
def test_numbers_of_numpy_are_written_as_numbers(tmp_path, suffix):
    model = {"n_layer": np.int64(2), "dropout": np.float64(0.25)}
    write_recipe(tmp_path / f"recipe{suffix}", Recipe(model=model))
    assert read_recipe(tmp_path / f"recipe{suffix}") == Recipe(model=model)


def test_only_given_options_change_the_model(tmp_path):
    """Also a default that is given, and the transformer inside another model."""
    path, again = tmp_path / "a.json", tmp_path / "b.json"
    inner = {"class": "ModernGPT", "n_layer": 2, "dropout": 0.1}
    for model, expected in [
        (inner, inner | {"n_layer": 4}),
        (
            {"class": "Mixture", "order": 2, "model": inner},
            {"class": "Mixture", "order": 2, "model": inner | {"n_layer": 4}},
        ),
    ]:
        stored = {"corpus": "a", "model": model, "training": {}}
        path.write_text(json.dumps(stored))
        command = ["train", "unused", "--recipe", str(path), "--write-recipe"]
        main([*command, str(again), "--model.n-layer", "4"])
        assert read_recipe(again).model == expected
    assert read_recipe(path).vocab_size is None
    main([*command, str(again), "--model.vocab-size", "65"])
    assert read_recipe(again).vocab_size == 65


def test_a_recipe_keeps_class_and_beginning(tmp_path):
    model = {"class": "ModernGPT", "n_layer": 2, "count": 3}
    first = {"model": model, "training": {"steps": 5}}
    stored = {"corpus": "tinyshakespeare", "start": first, "model": model}
    path, again = tmp_path / "a.json", tmp_path / "b.yml"
    path.write_text(json.dumps(stored | {"training": {"steps": 9}}))
    main(["train", "unused", "--recipe", str(path), "--write-recipe", str(again)])
    result = read_recipe(again)
    assert result == read_recipe(path)
    assert (result.start.model, result.start.training.steps) == (model, 5)
    assert result.start.corpus == "tinyshakespeare"
    options = ["--training.steps", "3", "--start", "gpt2"]
    main(["train", "unused", *options, "--write-recipe", str(again)])
    assert read_recipe(again).start == "gpt2"
    assert "model" not in yaml.safe_load(again.read_text())


def test_the_strategy_of_an_old_recipe_is_the_default(tmp_path):
    path = tmp_path / "old.json"
    for old, expected in [("average", "ddp"), ("sharded", "sharded")]:
        stored = {"corpus": "a", "model": {}, "training": {"parallel": old}}
        path.write_text(json.dumps(stored))
        command = ["train", "unused", "--recipe", str(path)]
        assert parse(command).strategy == expected
        assert parse([*command, "--strategy", "ddp"]).strategy == "ddp"


START = """corpus: a
model: {}
training: {}
start: """


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("corpus: [", "bad.yaml, line 1: expected the node content"),
        ("corpus: a\nmodel: {}\ncorpus: b", "line 3: the key 'corpus' occurs twice"),
        ("- 1", "bad.yaml: expected an object"),
        ("corpus: a\nmodel: {}", "bad.yaml lacks 'training'"),
        ("corpus: a\ntraining: {}", "bad.yaml lacks 'model'"),
        (
            "corpus: a\nmodel: {}\ntraining: {}\ntraning: {}",
            "bad.yaml: key='traning': expected one of 'corpus', 'model'",
        ),
        ("corpus: a\nmodel: 3\ntraining: {}", "bad.yaml: model=3: expected dict"),
        ("corpus: 3\nmodel: {}\ntraining: {}", "bad.yaml: corpus=3: expected str"),
        ("corpus: a\nmodel: {}\ntraining: 3", "bad.yaml, training=3: expected an"),
        (
            "corpus: a\nmodel: {}\ntraining: {lr: 1e9}",
            r"bad.yaml, training: lr=1000000000.0: .*\[1e-12, 1000",
        ),
        ("corpus: a\nmodel: {}\ntraining: {stps: 1}", "training: key='stps'"),
        ("corpus: a\nmodel: {}\ntraining: {lr: fast}", "training: lr='fast'"),
        ("corpus: a\nmodel: {n_layers: 1}\ntraining: {}", "'n_layers': expected one"),
        ("corpus: a\nmodel: {n_layer: '4'}\ntraining: {}", "n_layer='4': expected a"),
        ("corpus: a\nmodel: {class: RNN}\ntraining: {}", "class='RNN': expected one"),
        (
            "corpus: a\nmodel: {}\ntraining: {}\ndtype: int4",
            "bad.yaml: dtype='int4': expected one of 'float32', 'float16'",
        ),
        (
            "corpus: a\nmodel: {}\ntraining: {}\ntokenizer: {vocab_size: 65}",
            "bad.yaml, tokenizer: vocab_size=65: only type 'bpe'",
        ),
        (START + "7", "bad.yaml: start=7: expected str"),
        (START + "{model: {}}", "bad.yaml, start lacks 'training'"),
        (START + "{model: {}, training: {}, dtype: x}", "bad.yaml, start: dtype='x'"),
        (START + "{model: {n_layer: 0}, training: {}}", "start: model: n_layer=0"),
        (
            "corpus: a\nmodel: {n_layer: 5}\ntraining: {}\n"
            "start: {model: {n_layer: 4}, training: {}}",
            "bad.yaml: the model to begin with has other parts",
        ),
        (
            "corpus: a\nmodel: {n_embd: 64}\ntraining: {}\n"
            "start: {model: {n_embd: 32}, training: {}}",
            "bad.yaml: the weights to begin with do not fit: size mismatch for wte",
        ),
    ],
)
def test_what_is_no_recipe_is_refused_when_it_is_read(tmp_path, text, message):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(SystemExit, match=message) as caught:
        main(["train", str(tmp_path / "model"), "--recipe", str(path)])
    assert "\n" not in caught.value.code
    assert not (tmp_path / "model").exists()


def test_json_is_read_as_strictly_and_yaml_knows_numbers(tmp_path):
    path = tmp_path / "bad.json"
    for text, message in [
        ('{"corpus": "a", "corpus": "b"}', "bad.json: the key 'corpus' occurs twice"),
        ('{"corpus": "a"', "bad.json: Expecting"),
        ("[" * 100_000, "bad.json: maximum recursion depth"),
        ("\udcff", "bad.json: 'utf-8' codec"),
    ]:
        path.write_bytes(text.encode(errors="surrogateescape"))
        with pytest.raises(ValueError, match=message):
            read_recipe(path)
    path = tmp_path / "good.yaml"
    path.write_text("corpus: a\nmodel: {}\ntraining: {lr: 1e-3}")
    assert read_recipe(path).training.lr == 0.001  # YAML 1.1 calls this text


@pytest.mark.usefixtures("unchecked")
def test_from_a_folder_of_text_to_a_model(tmp_path, small_corpus, capsys):
    texts, tokens, model = tmp_path / "texts", tmp_path / "tokens", tmp_path / "model"
    texts.mkdir()
    half = len(small_corpus.text) // 2
    for name, text in (
        ("a", small_corpus.text[:half]),
        ("b", small_corpus.text[half:]),
    ):
        (texts / f"{name}.txt").write_text(text)
    CharTokenizer(small_corpus.text).save(tmp_path / "tokenizer.json")
    made = ["data", "--dataset", str(texts), "--to", str(tokens), "--tokenizer"]
    main([*made, str(tmp_path)])
    printed = capsys.readouterr()
    assert f"--corpus {tokens}" in printed.out and "100%" in printed.err
    main(["data", str(tokens)])
    assert "tokens in 1 shards" in capsys.readouterr().out
    shape = {"n_layer": 1, "n_head": 1, "n_embd": 8, "block_size": 8}
    training = {"steps": 6, "batch_size": 4, "eval_every": 3, "sampling": "epochs"}
    stored = {"corpus": str(tokens), "model": shape, "training": training}
    recipe = tmp_path / "recipe.json"
    recipe.write_text(json.dumps(stored))
    main(["train", str(model), "--recipe", str(recipe)])
    assert "bits per character" in capsys.readouterr().out
    ModelHandler(model).load().train(2, config=TrainConfig(steps=2), progress=False)
    main(["evaluate", str(model), "--corpus", str(tokens), "--split", "dev"])
    assert "bits per character" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="train is too much to measure"):
        main(["evaluate", str(model), "--corpus", str(tokens), "--split", "train"])
    counted = ["--recipe", str(tmp_path / "counted.json")]
    modern = {"model": shape | {"class": "ModernGPT", "n_embd": 16, "count": 2}}
    (tmp_path / "counted.json").write_text(json.dumps(stored | modern))
    with pytest.raises(SystemExit, match="order=2: tokens on a disk"):
        main(["train", str(tmp_path / "other"), *counted])
    shard = tokens / "000000.tokens"
    content = shard.read_bytes()
    shard.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(SystemExit, match="is damaged"):
        main(["data", str(tokens)])


@pytest.mark.usefixtures("unchecked")
def test_a_vocabulary_may_be_filled_up(tmp_path, small_corpus, capsys):
    """On shards of 300 tokens a model of 320; it is measured, resumed and exported."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    bpe = BPETokenizer.train(small_corpus.text, 300, ["<|endoftext|>"])
    bpe.save(tmp_path / "tokenizer.json")
    (tmp_path / "sums.txt").write_text(small_corpus.text)
    tokens, folder = tmp_path / "tokens", tmp_path / "model"
    made = ["data", "--dataset", str(tmp_path / "sums.txt"), "--to", str(tokens)]
    main([*made, "--tokenizer", str(tmp_path)])
    shape = {"vocab_size": 320, "n_layer": 1, "n_head": 1, "n_embd": 8}
    stored = {"corpus": str(tokens), "model": shape | {"block_size": 8}}
    stored["training"] = {"steps": 8, "batch_size": 4}
    recipe = tmp_path / "recipe.json"
    recipe.write_text(json.dumps(stored))
    again = tmp_path / "again.json"
    command = ["train", str(folder), "--recipe", str(recipe)]
    main([*command, "--write-recipe", str(again)])
    assert read_recipe(again).vocab_size == 320
    main(command)
    handler = ModelHandler(folder).load()
    assert handler.tokenizer.vocab_size == handler.model.config.vocab_size == 320
    text = small_corpus.text[:200]
    assert handler.tokenizer.encode(text) == bpe.encode(text)
    assert handler.tokenizer.decode([319]) == "<|unused_319|>"
    handler.train(6, config=TrainConfig(steps=8, batch_size=4), progress=False)
    main(command)  # the other two, on the same shards
    main(["evaluate", str(folder), "--corpus", str(tokens)])
    main(["export", str(folder), str(tmp_path / "hub")])
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path / "hub")
    words = AutoTokenizer.from_pretrained(tmp_path / "hub")
    assert len(words) == theirs.config.vocab_size == 320
    assert words(text)["input_ids"] == bpe.encode(text)
    back = load_pretrained(tmp_path / "hub")
    assert back[1].to_dict() == handler.tokenizer.to_dict()
    for options, says in [
        (["--model.vocab-size", "299"], "vocab_size=299: the tokenizer has 300"),
        (
            ["--model.vocab-size", "66", "--corpus", str(tmp_path / "sums.txt")],
            "vocab_size=66: the tokenizer has 18",
        ),
    ]:
        with pytest.raises(SystemExit, match=says):
            main(["train", str(tmp_path / "other"), *command[2:], *options])


def test_ctrl_c_says_how_to_go_on(tmp_path, monkeypatch):
    def pressed(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("gptlib.commands.data.tokenize", pressed)
    with pytest.raises(SystemExit, match="the same command does the rest"):
        main(["data", "--dataset", str(tmp_path)])
    monkeypatch.setattr("gptlib.commands.sweep.sweep", pressed)
    with pytest.raises(SystemExit, match="the same command does the rest"):
        main(["sweep", "spec.yaml"])


def test_module_runs_from_the_shell():
    done = subprocess.run(
        [sys.executable, "-m", "gptlib", "--help"], capture_output=True, text=True
    )
    assert done.returncode == 0
    for command in ("data", "train", "sample", "evaluate"):
        assert command in done.stdout


def test_a_bar_leaves_the_measured_model_alone(gpt, data, monkeypatch, capsys):
    """Also where it is drawn: `update` says so by what it returns."""

    def at_once(*args, delay, **settings):
        return tqdm(*args, mininterval=0, miniters=1, **settings)

    monkeypatch.setattr("gptlib.commands.evaluate.tqdm", at_once)
    plain = evaluate(gpt, data.val)
    with progress(gpt, len(data.val) - 1):
        assert evaluate(gpt, data.val) == plain
    assert "100%" in capsys.readouterr().err
    assert not gpt._forward_pre_hooks


def test_bench_prints_a_table_or_json(capsys, monkeypatch):
    tiny = GPTConfig(65, block_size=8, n_layer=1, n_head=1, n_embd=8)
    plan = bench.Plan(
        small=tiny, large=tiny, at_once=2, rounds=2, steps=1, matrix=16, openings=1
    )
    monkeypatch.setattr(bench, "PLAN", plan)
    main(["bench"])
    printed = capsys.readouterr()
    assert "torch 2.13.0" in printed.out and "import gptlib" in printed.out
    assert "measuring" in printed.err and "measuring" not in printed.out
    main(["bench", "--json"])
    measured = json.loads(capsys.readouterr().out)
    assert set(measured) == {"machine", "figures"}
    assert all(figure["value"] > 0 for figure in measured["figures"])
    fields = {"group", "what", "value", "unit", "runs"}
    assert all(set(figure) == fields for figure in measured["figures"])
