"""The command line never shows a traceback, and takes nothing without a bound."""

import re
import subprocess
import sys

import pytest

import gptlib.commands.main as commands
from gptlib import ModelHandler, evaluate
from gptlib.commands.main import main
from gptlib.commands.settings_file import read_settings

BOMB = "a: &a [x, x]\n" + "".join(
    f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefghij", "bcdefghijk", strict=True)
)


@pytest.mark.parametrize(
    "content",
    [
        BOMB,
        "a: [1, 2",
        "a: 1\na: 2",
        "? [1]\n: 2",
        "!!python/object:os.system {}",
        "a: " + "[" * 5000,
        "\x00",
        "- 1",
        "",
    ],
    ids=range(9),
)
@pytest.mark.parametrize("command", ["sweep FILE", "train X --recipe FILE"])
def test_a_strange_file_is_refused_in_one_line(tmp_path, content, command):
    file = tmp_path / "strange.yaml"
    file.write_text(content)
    with pytest.raises(SystemExit) as ended:
        main([word.replace("FILE", str(file)) for word in command.split()])
    says = str(ended.value)
    assert str(file) in says and "\n" not in says and len(says) < 400


def test_json_with_a_key_twice_is_refused(tmp_path):
    (tmp_path / "a.json").write_text('{"a": 1, "a": 2}')
    with pytest.raises(ValueError, match="'a' occurs twice"):
        read_settings(tmp_path / "a.json")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--model.n-layer 1000000000000", "n_layer=1000000000000"),
        ("--model.n-embd 4000000", "parameters: expected at most"),
        ("--model.block-size 9223372036854775807", "model"),
        ("--training.lr nan", "lr=nan"),
        ("--training.lr 0", "lr=0.0"),
        ("--training.steps 1000000000000000", "steps=1000000000000000"),
        ("--training.batch-size 99999999999", "batch_size=99999999999"),
    ],
)
def test_models_beyond_any_machine_are_refused_at_once(tmp_path, capsys, options, says):
    with pytest.raises(SystemExit) as ended:
        main(["train", str(tmp_path / "model"), *options.split()])
    shown = " ".join(f"{ended.value} {capsys.readouterr().err}".split())
    assert says in shown and "Traceback" not in shown
    assert not (tmp_path / "model").exists()


def test_a_finished_training_is_made_longer_and_resumed(
    tmp_path, small_corpus, capsys, monkeypatch
):
    (tmp_path / "sums.txt").write_text(small_corpus.text)
    folder = tmp_path / "model"
    shape = {"n-layer": "1", "n-head": "1", "n-embd": "8", "block-size": "8"}
    command = ["train", str(folder), "--corpus", str(tmp_path / "sums.txt")]
    command += [f"--model.{name}={value}" for name, value in shape.items()]
    command += ["--training.batch-size=4", "--training.steps=20", "--dtype=float16"]
    with pytest.raises(SystemExit, match=r"more_steps=5: .* holds no training"):
        main([*command, "--more-steps", "5"])
    main(command)
    first = ModelHandler(folder).load()
    longer = [*command, "--more-steps", "6", "--training.lr", "0.004"]

    whole = ModelHandler.train

    def cut_off(handler, **settings):
        whole(handler, 4, **settings)
        raise KeyboardInterrupt

    monkeypatch.setattr(ModelHandler, "train", cut_off)
    with pytest.raises(SystemExit, match="step 4; the same command continues"):
        main(longer)
    monkeypatch.setattr(ModelHandler, "train", whole)
    with pytest.raises(SystemExit, match=r"lr=0.005 \(here 0.004\).*--more-steps once"):
        main([*longer[:-1], "0.005"])
    main(longer)
    second = ModelHandler(folder).load()
    config = first.trained_on["config"] | {"steps": 6, "lr": 0.004}
    assert second.trained_on["config"] == config
    assert [step.step for step in second.history] == [1, 2, 3, 4, 5, 6]
    assert second.history[0].loss < first.history[0].loss  # of weights that had learned
    data = small_corpus.encode(second.tokenizer)
    assert second.history[-1].val == evaluate(second.model, data.val).loss
    capsys.readouterr()
    main([*command[:-2], "--training.steps=6", "--training.lr", "0.004"])
    assert "is finished; --more-steps adds to it" in capsys.readouterr().out


def tiny(tmp_path, text: str) -> list[str]:
    """The command that trains a tiny model on a text."""
    (tmp_path / "own.txt").write_text(text)
    shape = {"n-layer": "1", "n-head": "1", "n-embd": "8", "block-size": "8"}
    command = ["train", str(tmp_path / "model"), "--corpus", str(tmp_path / "own.txt")]
    command += [f"--model.{name}={value}" for name, value in shape.items()]
    return [*command, "--training.batch-size=4", "--training.steps=6"]


def test_a_model_that_says_nothing_of_a_training_is_not_replaced(
    tmp_path, gpt, tok, small_corpus
):
    command = tiny(tmp_path, small_corpus.text)
    path = tmp_path / "model" / "model.safetensors"
    ModelHandler(tmp_path / "model").save(gpt, tok)
    before = path.read_bytes()
    with pytest.raises(SystemExit, match=r"an unknown text.*--start .*its weights"):
        main(command)
    assert path.read_bytes() == before


def test_a_training_killed_before_its_first_checkpoint_is_begun_anew(
    tmp_path, small_corpus, monkeypatch
):
    def killed(handler, **settings):
        raise KeyboardInterrupt

    command = tiny(tmp_path, small_corpus.text)
    with monkeypatch.context() as patched:
        patched.setattr(ModelHandler, "train", killed)
        with pytest.raises(SystemExit, match="stopped at step 0; the same command"):
            main(command)
    main(command)
    assert len(ModelHandler(tmp_path / "model").load().history) == 6


def test_options_that_would_be_ignored_are_named_even_if_they_are_the_default(
    tmp_path, small_corpus
):
    command = tiny(tmp_path, small_corpus.text)
    main([*command, "--training.lr=0.004", "--training.seed=3"])
    strange = {
        "--training.lr=0.001": r"training.lr=0.001 \(here 0.004\)",
        "--training.steps=1000": r"training.steps=1000 \(here 6\)",
        "--training.seed=0": r"training.seed=0 \(here 3\)",
        "--tokenizer.type=gpt2": "type='gpt2'.* would be ignored: here it is CharTok",
    }
    for option, says in strange.items():
        with pytest.raises(SystemExit, match=says):
            main([*command[:4], option])
    (tmp_path / "recipe.json").write_text(
        '{"corpus": "tinyshakespeare", "model": {}, "training": {"lr": 0.001}}'
    )
    with pytest.raises(SystemExit, match=r"training.lr=0.001 \(here 0.004\)"):
        main([*command[:4], "--recipe", str(tmp_path / "recipe.json")])
    start = ["--start", str(tmp_path / "model"), "--tokenizer.type", "gpt2"]
    with pytest.raises(SystemExit, match=r"type='gpt2'.* would be ignored"):
        main(["train", str(tmp_path / "new"), *command[2:4], *start])
    main(command[:4])  # what is not named is as it was


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["own.txt", "--to", "x", "--files", "a*"], "files, to: .*without --dataset"),
        (["own.txt", "--dataset", "x"], "corpus: would be ignored with --dataset"),
    ],
)
def test_options_that_belong_to_another_use_are_named(capsys, options, says):
    with pytest.raises(SystemExit) as ended:
        main(["data", *options])
    shown = " ".join(f"{ended.value} {capsys.readouterr().err}".split())
    assert re.search(says, shown), shown


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_a_sample_goes_through_no_link_and_over_no_file_of_others(
    tmp_path, small_corpus
):
    command, outside = tiny(tmp_path, small_corpus.text), tmp_path / "outside"
    outside.write_text("mine")
    sample = tmp_path / "model" / "sample.txt"
    sample.parent.mkdir()
    sample.symlink_to(outside)
    with pytest.raises(SystemExit, match=r"holds sample\.txt, which saving"):
        main(command)
    sample.unlink()
    main(command)
    sample.unlink()
    sample.symlink_to(outside)
    main(command)
    assert outside.read_text() == "mine" and not sample.is_symlink()


@pytest.mark.parametrize(
    "error",
    [RecursionError, OverflowError, MemoryError, EOFError, KeyError, RuntimeError],
)
def test_any_error_is_one_line(monkeypatch, error):
    class Broken:
        def run(self):
            raise error("first\nsecond")

    monkeypatch.setattr(commands, "parse", lambda arguments: Broken())
    with pytest.raises(SystemExit, match=r"^gptlib: .*first") as ended:
        main([])
    assert "\n" not in str(ended.value)
    monkeypatch.setenv("GPTLIB_TRACEBACK", "1")
    with pytest.raises(error):
        main([])


@pytest.mark.skipif(sys.platform == "win32", reason="no head there")
def test_a_reader_that_has_seen_enough_ends_it_quietly():
    code = (
        "from gptlib.commands import main\n"
        "class Long:\n"
        "    def run(self):\n"
        "        for i in range(100000):\n"
        "            print('line', i)\n"
        "main.parse = lambda arguments: Long()\n"
        "main.main([])\n"
    )
    run = f'{sys.executable} -c "{code}" | head -n 1'
    done = subprocess.run(run, shell=True, capture_output=True, text=True)
    assert done.stdout == "line 0\n" and done.stderr == ""


def test_a_code_page_without_a_letter_is_no_end(tmp_path):
    code = (
        "from gptlib.commands import main\n"
        "class Greek:\n"
        "    def run(self):\n"
        "        print('1.5 \\u00b1 0.1 \\u03b1')\n"
        "main.parse = lambda arguments: Greek()\n"
        "main.main([])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONIOENCODING": "ascii", "PATH": ""},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "1.5 ? 0.1 ?\n", done.stderr
