"""What a model folder promises: one whole state at every instant, or a named error.

GPTLIB_KILLS=1000 kills so many times; by default a few.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from conftest import small_config
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from gptlib import GPT, ModelFileError, ModelHandler, TrainConfig, train
from gptlib.errors import FolderInUseError
from gptlib.handler.modelfile import digest_of

CONFIG = TrainConfig(steps=40, batch_size=4, lr=3e-3, eval_every=10)
KILLS = int(os.environ.get("GPTLIB_KILLS", "12"))
MODEL, TRAINER = "model.safetensors", "trainer.safetensors"

pytestmark = pytest.mark.filterwarnings("ignore:.*only a copy for people")


def half_run(folder: Path, tok, data) -> ModelHandler:
    """A folder with a model and its unfinished training, both of step 20."""
    handler = ModelHandler(folder).save(GPT(small_config(tok)), tok)
    handler.train(20, data=data, config=CONFIG, progress=False)
    return handler.save()


@pytest.fixture(scope="module")
def half(tmp_path_factory, tok, data) -> Path:
    folder = tmp_path_factory.mktemp("half") / "model"
    half_run(folder, tok, data)
    return folder


@pytest.fixture
def folder(tmp_path, half) -> Path:
    """A copy of it."""
    copy = tmp_path / "model"
    copy.mkdir()
    for name in (MODEL, TRAINER, "config.json", "tokenizer.json", "history.csv"):
        (copy / name).write_bytes((half / name).read_bytes())
    return copy


# Kills

# Each line on stdin starts one more process that steps and saves until it is killed.
# All weights are the number of the step, so that a mixture shows.
STEPPING = """
import os, sys, torch
from gptlib import Corpus, ModelHandler, TrainConfig, train

text = "".join(f"{i} plus {i + 1} is {2 * i + 1}.\\n" for i in range(400))
handler = ModelHandler(sys.argv[1]).load()
data = Corpus.from_text(text).encode(handler.tokenizer)

def step_forever():
    torch.set_num_threads(1)
    handler.load()
    training = train(handler.model, data, TrainConfig(steps=10**6, batch_size=1))
    print(os.getpid(), flush=True)
    for step in training:
        with torch.no_grad():
            for p in handler.model.parameters():
                p.fill_(step.step)
        handler.save(training=training)

for line in sys.stdin:
    process = os.fork() or step_forever()
    ended = os.waitpid(process, 0)[1]
    print("killed" if os.WIFSIGNALED(ended) else "ended by itself", flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="POSIX kills")
def test_killed_at_any_instant_the_training_can_be_resumed(folder, tmp_path, data):
    rng, steps = random.Random(0), []
    (folder / TRAINER).unlink()
    ModelHandler(folder).load().save()
    command = [sys.executable, "-c", STEPPING, str(folder)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as starter:
        for _ in range(KILLS):
            print("start", file=starter.stdin, flush=True)
            stepping = int(starter.stdout.readline())
            time.sleep(rng.uniform(0.0, 0.2))
            os.kill(stepping, signal.SIGKILL)
            assert starter.stdout.readline() == "killed\n"
            loaded = ModelHandler(folder).load()
            step = loaded.trained_on["step"]
            assert len(loaded.history) == step
            if loaded.trained_on["config"]["steps"] == 10**6:  # at least one save
                parameters = loaded.model.parameters()
                assert {v for p in parameters for v in p.unique().tolist()} == {step}
                loaded.path = tmp_path / f"resumed {len(steps)}"
                assert len(loaded.train(1, data=data, progress=False)) == 1
                steps.append(step)
        starter.stdin.close()
    assert max(steps) > 1
    ModelHandler(folder).load().save()
    assert not list(folder.glob(".*-tmp"))


# Damage


def flipped(content: bytes, count: int):
    """Copies of content with one bit flipped, spread over all of it."""
    rng = random.Random(0)
    for part in range(count):
        place = rng.randrange(
            part * len(content) // count, (part + 1) * len(content) // count
        )
        damaged = bytearray(content)
        damaged[place] ^= 1 << rng.randrange(8)
        yield bytes(damaged)


@pytest.mark.parametrize("name", [MODEL, TRAINER])
def test_every_flipped_bit_is_found(folder, name):
    path = folder / name
    if name == MODEL:  # beside a checkpoint, only its digest counts
        (folder / TRAINER).unlink()
    for damaged in flipped(path.read_bytes(), 150):
        path.write_bytes(damaged)
        with pytest.raises(ModelFileError, match=name):
            ModelHandler(folder).load()


def test_a_checkpoint_that_names_its_model_wrongly_is_not_passed_over(folder):
    """It would count as one left behind, and an older model as the state."""
    content = bytearray((folder / TRAINER).read_bytes())
    start = content.index(b'\\"model\\": [\\"') + 14
    for place in range(start, start + 64):
        content[place] ^= 1
        (folder / TRAINER).write_bytes(content)
        with pytest.raises(ModelFileError, match=TRAINER):
            ModelHandler(folder).load()
        content[place] ^= 1


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("key", ["exp_avg", "exp_avg_sq", "step"])
def test_an_optimiser_that_lacks_or_misshapes_something_is_refused(folder, key):
    """By somebody who makes the digest right; fused kernels would read elsewhere."""
    tensors = load_file(folder / TRAINER)
    with safe_open(folder / TRAINER, framework="pt") as file:
        described = json.loads(file.metadata()["gptlib"])
    name = f"optimizer.0.{key}"
    good = tensors.pop(name)
    for bad in (None, good.reshape(-1)[:1], good[None], -1 - good.abs()):
        if key == "exp_avg" and bad is not None and bad.shape == good.shape:
            continue  # its numbers have either sign
        changed = tensors if bad is None else tensors | {name: bad.contiguous()}
        described["fingerprint"] = digest_of(described, changed)
        metadata = {"gptlib": json.dumps(described)}
        save_file(changed, folder / TRAINER, metadata)
        with pytest.raises(ModelFileError, match=r"belongs to no training|below zero"):
            ModelHandler(folder).load()


def test_what_a_writer_replaces_meanwhile_is_not_called_damaged(folder, monkeypatch):
    """Between the two looks into a file another may have come in its place."""
    import gptlib.handler.folder as it

    newer = ModelHandler(folder).load()
    read, waiting = it.read_trainer, [lambda: newer.save()]

    def late(*args):
        if waiting:
            waiting.pop()()
        return read(*args)

    monkeypatch.setattr(it, "read_trainer", late)
    torch.nn.init.ones_(newer.model.wte.weight)
    assert ModelHandler(folder).load().model.wte.weight.unique().tolist() == [1.0]
    assert not waiting


def test_exchanged_tensors_and_other_numbers_are_found(folder):
    (folder / TRAINER).unlink()
    path, tensors = folder / MODEL, load_file(folder / MODEL)
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    a, b = "blocks.0.attn.proj.weight", "blocks.1.attn.proj.weight"
    weight = tensors[a]
    changes = {
        "exchanged": {a: tensors[b], b: weight},
        "not a number": {a: torch.full_like(weight, torch.nan)},
        "whole": {a: weight.long()},
        "truth": {a: weight > 0},
        "complex": {a: weight.to(torch.complex64)},
    }
    for what, change in changes.items():
        save_file({k: v.clone() for k, v in (tensors | change).items()}, path, metadata)
        with pytest.raises(ModelFileError, match=MODEL):
            ModelHandler(folder).load()
            pytest.fail(what)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)
LARGE = st.sampled_from([2**62, -1, 0, 10**12, 2**31, 1e308, "9" * 30])


@pytest.mark.parametrize("name", [MODEL, TRAINER])
@pytest.mark.usefixtures("unchecked")
def test_any_value_in_any_field_is_refused_or_works(half, tmp_path, name):
    """Fields changed by somebody who knows how to make the digest right."""
    tensors = load_file(half / name)
    with safe_open(half / name, framework="pt") as file:
        described = json.loads(file.metadata()["gptlib"])
    places = list(_places(described))
    for other in (MODEL, TRAINER):
        (tmp_path / other).write_bytes((half / other).read_bytes())
    tried = {"refused": 0, "works": 0}

    @settings(max_examples=150, database=None)
    @given(st.sampled_from(places), LARGE | JSON)
    def change(place, value):
        changed = json.loads(json.dumps(described))
        *way, last = place
        inner = changed
        for key in way:
            inner = inner[key]
        inner[last] = value
        changed["fingerprint"] = digest_of(changed, tensors)
        content = json.dumps(changed)
        save_file(tensors, tmp_path / name, {"gptlib": content})
        try:
            loaded = ModelHandler(tmp_path).load()
            assert len(loaded.generate("1", 3)) == 4
            tried["works"] += 1
        except ModelFileError as error:
            assert str(tmp_path) in str(error) and "\n" not in str(error)
            tried["refused"] += 1

    change()
    assert min(tried.values()) > 5, tried


def _places(value: dict, way=()):
    for key, inner in value.items():
        yield (*way, key)
        if isinstance(inner, dict):
            yield from _places(inner, (*way, key))


# Two writers, and what is not ours


def test_a_second_writer_is_refused_until_the_first_is_gone(folder, tmp_path, data):
    code = """
import sys, time
from pathlib import Path
from gptlib.files.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""
    command = [sys.executable, "-c", code, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        loaded = ModelHandler(folder).load()
        before = {p: p.read_bytes() for p in folder.iterdir()}
        for write in (loaded.save, lambda: loaded.train(1, data=data)):
            with pytest.raises(FolderInUseError, match=f"{folder} is being written to"):
                write()
        assert {p: p.read_bytes() for p in folder.iterdir()} == before
        other.kill()
    assert len(loaded.train(1, data=data, progress=False)) == 1


def test_a_second_handler_of_this_process_is_refused_while_one_trains(folder, data):
    other, refused = ModelHandler(folder).load(), []
    handler = ModelHandler(folder).load()

    def decide(stop, save):
        with pytest.raises(FolderInUseError):
            other.save()
        refused.append(True)
        return stop, save

    handler.decide = decide
    handler.train(2, data=data, progress=False)
    assert len(refused) == 2
    other.load().save()


def test_an_older_state_does_not_replace_what_another_has_finished(folder, tok, data):
    """One after the other: no lock is held when the second begins to write."""
    older = ModelHandler(folder).load()
    ModelHandler(folder).load().train(data=data, progress=False)
    finished = {p.name: p.read_bytes() for p in folder.iterdir()}
    for write in (older.save, lambda: older.train(1, data=data, progress=False)):
        with pytest.raises(ValueError, match="was written to since it was loaded"):
            write()
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == finished
    older.load().save()
    other = GPT(small_config(tok))
    assert ModelHandler(folder).save(other, tok).load().history == []  # as it was told


@pytest.mark.parametrize(
    "files",
    [
        {"config.json": b'{"architectures": ["GPT2LMHeadModel"]}'},
        {"model.safetensors": None, "config.json": b"{}"},
        {"tokenizer.json": b"{}"},
        {"history.csv": b"mine"},
        {"model.safetensors": b"not one"},
    ],
)
def test_files_that_are_not_ours_are_not_replaced(tmp_path, tok, files):
    model = GPT(small_config(tok))
    for name, content in files.items():
        (tmp_path / name).write_bytes(content or b"")
        if content is None:
            save_file(model.state_dict(), tmp_path / name)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    with pytest.raises(ValueError, match="choose another folder, or delete them"):
        ModelHandler(tmp_path).save(model, tok)
    after = {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.name != ".lock"}
    assert after == before


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_temporary_files_and_links_of_others_stay(folder, tmp_path, tok, data):
    (folder / ".notes.tmp").write_text("mine")
    outside = tmp_path / "outside"
    outside.write_text("mine")
    (folder / "history.csv").unlink()
    (folder / "history.csv").symlink_to(outside)
    ModelHandler(folder).load().save()
    assert (folder / ".notes.tmp").read_text() == "mine"
    assert outside.read_text() == "mine" and not (folder / "history.csv").is_symlink()


def test_a_full_disk_at_any_write_leaves_old_or_new(folder, tok, data, monkeypatch):
    """Weights, history and checkpoint are of one step, whichever."""
    import gptlib.files.atomic as atomic

    handler = ModelHandler(folder).load()
    training = train(handler.model, data, CONFIG)
    for _ in range(3):
        next(iter(training))
    old = (20, 20, True)
    for left in range(40):
        half = {name: (folder / name).read_bytes() for name in (MODEL, TRAINER)}
        calls = iter(range(left))

        def full(*args, real=os.replace, calls=calls):
            if next(calls, None) is None:
                raise OSError(28, "No space left on device")
            return real(*args)

        monkeypatch.setattr(atomic.os, "replace", full)
        failed = False
        try:
            ModelHandler(folder).save(handler.model, tok, training=training)
        except OSError:
            failed = True
        monkeypatch.undo()
        loaded = ModelHandler(folder).load()
        state = (loaded.trained_on["step"], len(loaded.history), bool(loaded._resume))
        assert state in (old, (3, 3, True))
        if not failed:
            break
        for name, content in half.items():
            (folder / name).write_bytes(content)
    assert left >= 4 and state == (3, 3, True)
