import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import small_config
from safetensors import safe_open
from safetensors.torch import load_file, save_file

import gptlib.files.atomic
import gptlib.handler
from gptlib import (
    GPT,
    Bigram,
    CharTokenizer,
    Corpus,
    GPTConfig,
    Head,
    LanguageModel,
    ModelFileError,
    ModelHandler,
    TrainConfig,
    evaluate,
    train,
)
from gptlib.handler.history import read_history
from gptlib.handler.modelfile import digest_of
from gptlib.training import Training

CONFIG = TrainConfig(steps=40, batch_size=4, lr=3e-3, eval_every=10)
HERE = Path(__file__).parent


def weights(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "models" / "mine"


@pytest.fixture
def saved(folder, gpt, tok) -> ModelHandler:
    return ModelHandler(folder).save(gpt, tok)


def model_with(tok, value: float):
    model = GPT(small_config(tok))
    with torch.no_grad():
        for p in model.parameters():
            p.fill_(value)
    return model


def test_save_and_load(folder, saved, gpt, tok):
    loaded = ModelHandler(folder).load()
    assert torch.equal(weights(loaded.model), weights(gpt))
    assert loaded.model.config == gpt.config and not loaded.model.training
    assert loaded.tokenizer.chars == tok.chars and loaded.history == []
    assert sorted(p.name for p in folder.iterdir()) == [
        ".lock",
        "config.json",
        "history.csv",
        "model.safetensors",
        "tokenizer.json",
    ]
    readable = json.loads((folder / "config.json").read_text())
    assert readable["class"] == "GPT" and readable["config"]["n_layer"] == 2


def test_bigram_too(folder, tok):
    model = Bigram(tok.vocab_size, block_size=5)
    ModelHandler(folder).save(model, tok)
    loaded = ModelHandler(folder).load().model
    assert loaded.block_size == 5 and torch.equal(weights(loaded), weights(model))


def test_saving_the_same_model_twice_gives_the_same_bytes(folder, saved):
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    ModelHandler(folder).load().save()
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


def test_half_precision_halves_the_file_and_is_upcast(folder, gpt, tok, data):
    full = ModelHandler(folder / "full").save(gpt, tok)
    half = ModelHandler(folder / "half").save(gpt, tok, dtype="float16")
    sizes = [(h.path / "model.safetensors").stat().st_size for h in (full, half)]
    assert sizes[1] < 0.7 * sizes[0]
    loaded = ModelHandler(half.path).load().model
    assert loaded.wte.weight.dtype == torch.float32
    losses = [evaluate(m, data.val).loss for m in (gpt, loaded)]
    assert losses[1] == pytest.approx(losses[0], abs=1e-3)


def test_saving_a_finished_training_keeps_its_history(folder, saved, data):
    saved.train(data=data, config=CONFIG, progress=False)
    saved.save(dtype="float16")
    assert len(ModelHandler(folder).load().history) == CONFIG.steps
    assert saved.trained_on["step"] == CONFIG.steps


def test_generate_and_stream(saved):
    text = saved.generate("12 plus", 20, seed=1, temperature=0.8, top_p=0.95)
    assert text.startswith("12 plus") and len(text) == 27
    pieces = saved.stream("12 plus", 20, seed=1, temperature=0.8, top_p=0.95)
    assert "12 plus" + "".join(pieces) == text
    with pytest.raises(ValueError, match="prompt is empty"):
        saved.generate("")
    with pytest.raises(ValueError, match="'Q' at position 1"):
        saved.generate("1Q")


def test_unknown_characters_are_refused_or_mapped(saved):
    for text in ("1—2", ["1", "1—2"]):
        with pytest.raises(ValueError, match="'—' at position 1"):
            saved.generate(text, 5)
        with pytest.raises(ValueError, match="'Q' at position 0"):
            saved.generate(text, 5, unknown="Q")
    settings = {"max_new_tokens": 20, "seed": 1}
    plain = saved.generate("1 2", **settings)
    assert saved.generate("1—2", unknown=" ", **settings) == plain
    dropped = saved.generate(["12"], **settings)
    assert saved.generate(["1—2"], unknown="", **settings) == dropped
    assert "".join(saved.stream("1—2", unknown=" ", **settings)) == plain[3:]
    with pytest.raises(ValueError, match="prompt is empty"):
        saved.generate("—", unknown="")


def test_generate_several_prompts(saved):
    prompts = ["12 plus", "1", "200 plus 201 is 401.\n"]
    texts = saved.generate(prompts, 20, temperature=0)
    assert texts == [saved.generate(prompt, 20, temperature=0) for prompt in prompts]
    settings = {"seed": 1, "temperature": 0.8}
    plain = saved.generate("1", 20, **settings)
    assert plain == saved.generate("1", 20, cache=False, **settings)
    assert len(saved.generate("1", 20, weights="int8", **settings)) == 21
    assert len("".join(saved.stream("1", 20, weights="int8"))) == 20
    with pytest.raises(ValueError, match="weights='int8'"):
        saved.generate(["1", "2"], 20, weights="int8")


@pytest.mark.usefixtures("unchecked")
def test_what_is_no_prompt_and_no_data_is_refused(saved):
    for prompt in (5, [], b"x", ["1", 5], {"1": 2}):
        with pytest.raises(TypeError, match=r"prompt=.*: expected a text, or .* list"):
            saved.generate(prompt)
    for prompt in (["1 plus"], 5):
        with pytest.raises(TypeError, match=r"prompt=.*: expected a text"):
            saved.stream(prompt)
    with pytest.raises(TypeError, match=r"data='own.txt': expected TokenSplits, from"):
        saved.train(1, data="own.txt", progress=False)


def test_generate_stops(saved):
    settings = {"temperature": 0.9, "seed": 1}
    prompts = ["12 plus", "1"]
    whole = saved.generate(prompts, 40, **settings)
    stop = [text[-20:-18] for text in whole]
    texts = saved.generate(prompts, 40, stop=stop, **settings)
    for prompt, text in zip(prompts, texts, strict=True):
        assert len(text) < len(prompt) + 40 and text.startswith(prompt)
    text = saved.generate("1", 40, stop=stop[0], **settings)
    assert text == "1" + "".join(saved.stream("1", 40, stop=stop[0], **settings))
    with pytest.raises(ValueError, match="stop=''"):
        saved.generate("1", stop="")


class Bytes(CharTokenizer):
    """Two bytes make an "é"; each token is one."""

    def encode(self, text):
        return list(text.encode())

    def decode(self, ids):
        return bytes(int(i) for i in ids).decode(errors="replace")


def test_streams_whole_characters():
    handler = ModelHandler("nowhere")
    handler.model = Bigram(256)
    handler.tokenizer = Bytes("".join(map(chr, range(256))))
    with torch.no_grad():  # é after é after é
        handler.model.table.weight[0xA9, 0xC3] = 99
        handler.model.table.weight[0xC3, 0xA9] = 99
    assert list(handler.stream("é", 5, temperature=0)) == ["é", "é"]
    assert handler.generate("é", 4, temperature=0) == "ééé"
    assert handler.generate("é", 5, temperature=0) == "ééé"


def test_nothing_works_before_load(folder):
    for use in (lambda h: h.generate("1"), lambda h: h.train(steps=1)):
        with pytest.raises(ValueError, match=r"call .load\(\)"):
            use(ModelHandler(folder))
    with pytest.raises(ValueError, match="nothing to save"):
        ModelHandler(folder).save()
    assert not folder.exists()


def test_what_does_not_fit_together_is_not_saved(folder, gpt, tok, data):
    handler = ModelHandler(folder)
    with pytest.raises(ValueError, match="do not belong together"):
        handler.save(gpt, CharTokenizer("ab"))
    by_hand = LanguageModel(
        Head(8, 8, 4), vocab_size=tok.vocab_size, block_size=4, n_embd=8
    )
    with pytest.raises(TypeError, match="LanguageModel: a folder can hold a"):
        handler.save(by_hand, tok)
    with pytest.raises(ValueError, match="another model"):
        handler.save(gpt, tok, training=train(Bigram(tok.vocab_size), data, CONFIG))
    gpt.wte.weight.data[0, 0] = 1e9
    with pytest.raises(ValueError, match="float16 cannot store"):
        handler.save(gpt, tok, dtype="float16")
    assert not folder.exists()


# Training on


def test_train_runs_a_schedule_and_a_finished_one_starts_anew(folder, saved, data):
    steps = saved.train(data=data, config=CONFIG, progress=False)
    assert [s.step for s in steps] == list(range(1, 41))
    assert not (folder / "trainer.safetensors").exists()
    loaded = ModelHandler(folder).load()
    assert len(loaded.history) == 40 and loaded.history[9].val is not None
    assert torch.equal(weights(loaded.model), weights(saved.model))
    again = loaded.train(steps=5, data=data, progress=False)
    assert [s.step for s in again] == [1, 2, 3, 4, 5]
    assert loaded.trained_on["config"]["lr"] == CONFIG.lr


def test_steps_beyond_the_schedule_are_refused(saved, data):
    saved.train(steps=30, data=data, config=CONFIG, progress=False)
    with pytest.raises(ValueError, match="only 10 of the schedule's 40 steps are left"):
        saved.train(steps=11)
    assert len(saved.train(progress=False)) == 10


RESUME = """
import sys, torch
from gptlib import ModelHandler, load_corpus
handler = ModelHandler(sys.argv[1]).load()
assert len(handler.history) == 20, len(handler.history)
handler.train(progress=False)
assert len(handler.history) == 40
"""


def test_interrupted_and_resumed_equals_uninterrupted_bit_for_bit(folder, tmp_path):
    """20 steps here, 20 in a fresh process, against 40 straight; dropout on."""
    text = "".join(f"{i} plus {i + 1} is {2 * i + 1}.\n" for i in range(400))
    source = tmp_path / "sums.txt"
    source.write_text(text)
    from gptlib import load_corpus

    corpus = load_corpus(str(source))
    tok = CharTokenizer(corpus.text)
    handlers = []
    for name in ("straight", "broken"):
        torch.manual_seed(0)
        model = GPT(small_config(tok, dropout=0.2))
        handlers.append(ModelHandler(folder / name).save(model, tok))
    straight, broken = handlers
    straight.train(data=corpus, config=CONFIG, progress=False)
    broken.train(20, data=corpus, config=CONFIG, progress=False)
    assert (broken.path / "trainer.safetensors").is_file()
    threads = {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    subprocess.run(
        [sys.executable, "-c", RESUME, str(broken.path)],
        check=True,
        env=os.environ | threads,
    )
    resumed = ModelHandler(broken.path).load()
    assert torch.equal(weights(straight.model), weights(resumed.model))
    for a, b in zip(straight.history, resumed.history, strict=True):
        assert (a.step, a.tokens) == (b.step, b.tokens)
        assert a.loss == pytest.approx(b.loss, rel=1e-5)


def test_training_goes_on_from_save_with_training(folder, tok, data):
    torch.manual_seed(0)
    straight, broken = (GPT(small_config(tok)) for _ in range(2))
    broken.load_state_dict(straight.state_dict())
    for _ in train(straight, data, CONFIG):
        pass
    training = train(broken, data, CONFIG)
    for step in training:
        if step.step == 15:
            break
    ModelHandler(folder).save(broken, tok, training=training)
    loaded = ModelHandler(folder).load()
    assert [s.step for s in loaded.history] == list(range(1, 16))
    loaded.train(data=data, progress=False)
    assert torch.equal(weights(loaded.model), weights(straight))


def test_the_history_is_that_of_the_weights_whatever_its_copy_says(folder, saved, data):
    saved.train(20, data=data, config=CONFIG, progress=False)
    for rest in (20, 0):
        (folder / "history.csv").write_text("step,loss\n1,2\n")
        assert ModelHandler(folder).load().history == saved.history
        saved.train(progress=False) if rest else None
    assert len(saved.history) == 40


def test_saving_a_loaded_half_run_training_keeps_it(folder, saved, data):
    saved.train(20, data=data, config=CONFIG, progress=False)
    loaded = ModelHandler(folder).load().save().save()
    loaded.train(data=data, progress=False)
    saved.path = folder.with_name("straight")  # it knows nothing of these saves
    saved.train(progress=False)
    assert torch.equal(weights(loaded.model), weights(saved.model))
    assert [s.step for s in loaded.history] == list(range(1, 41))


def test_a_training_goes_on_with_other_data(saved, data):
    saved.train(20, data=data, config=CONFIG, progress=False)
    assert [s.step for s in saved.train(5, data=data)] == [21, 22, 23, 24, 25]


def test_a_training_without_its_checkpoint_is_not_started_anew(folder, saved, data):
    saved.train(20, data=data, config=CONFIG, progress=False)
    saved.save()
    (folder / "trainer.safetensors").unlink()
    loaded = ModelHandler(folder).load()
    with pytest.raises(ValueError, match="stopped at step 20 of 40, and its checkpoi"):
        loaded.train(data=data)
    assert len(loaded.train(data=data, config=CONFIG, progress=False)) == 40


def test_a_checkpoint_is_complete_without_a_model(folder, saved, data):
    saved.train(20, data=data, config=CONFIG, progress=False)
    (folder / "model.safetensors").unlink()
    loaded = ModelHandler(folder).load()
    assert torch.equal(weights(loaded.model), weights(saved.model))
    assert len(loaded.train(data=data, progress=False)) == 20


def test_dropout_that_was_set_survives(folder, saved):
    saved.model.dropout = 0.4
    saved.save()
    assert ModelHandler(folder).load().model.dropout == 0.4


def test_a_text_in_memory_has_to_be_passed_again(saved, small_corpus):
    saved.train(2, data=small_corpus, config=CONFIG, progress=False)
    with pytest.raises(OSError, match=r"neither a corpus .*: pass data= if you have"):
        ModelHandler(saved.path).load().train(2)


def test_a_relative_path_is_found_from_anywhere(
    saved, small_corpus, tmp_path, monkeypatch
):
    (tmp_path / "sums.txt").write_text(small_corpus.text)
    monkeypatch.chdir(tmp_path)
    from gptlib import load_corpus

    saved.train(2, data=load_corpus("sums.txt"), config=CONFIG, progress=False)
    monkeypatch.chdir(tmp_path.parent)
    assert len(ModelHandler(saved.path).load().train(2, progress=False)) == 2


def test_the_prompt_of_a_text_without_line_ends(folder):
    tok = CharTokenizer("abc")
    handler = ModelHandler(folder).save(Bigram(3), tok)
    assert len(handler.generate(max_new_tokens=5)) == 6
    assert len("".join(handler.stream(max_new_tokens=5))) == 5
    with pytest.raises(ValueError, match="not in the"):
        handler.generate("\n")


def test_weights_that_are_no_numbers_are_not_trained(saved, data):
    saved.model.wpe.weight.data[0, 0] = torch.nan
    with pytest.raises(ValueError, match=r"wpe.weight holds numbers that are not fi"):
        saved.train(2, data=data, config=CONFIG)


@pytest.mark.usefixtures("unchecked")
def test_numbers_of_numpy_are_stored(folder, tok, data):
    sizes = dict.fromkeys(("n_layer", "n_head"), np.int64(1)) | {"n_embd": np.int32(8)}
    model = GPT(GPTConfig(np.int64(tok.vocab_size), np.int16(8), **sizes))
    config = TrainConfig(np.int64(4), np.uint8(2), lr=np.float32(0.01))
    assert type(config.steps) is int and type(config.lr) is float
    handler = ModelHandler(folder).save(model, tok)
    handler.train(2, data=data, config=config, progress=False)
    for form in ("huggingface", "page"):
        handler.export(folder.with_name(form), form)
    assert len(ModelHandler(folder).load().train(data=data, progress=False)) == 2


def test_a_trainer_of_another_model_is_ignored(folder, saved, tok, data):
    saved.train(20, data=data, config=CONFIG, progress=False)
    trainer = (folder / "trainer.safetensors").read_bytes()
    other = model_with(tok, 0.5)
    ModelHandler(folder).save(other, tok)
    assert not (folder / "trainer.safetensors").exists()
    (folder / "trainer.safetensors").write_bytes(trainer)  # as a crash would leave it
    assert torch.equal(weights(ModelHandler(folder).load().model), weights(other))


def test_corpus_is_found_by_name_and_verified(tmp_path, saved, small_corpus):
    with pytest.raises(ValueError, match="does not say what the model was trained on"):
        saved.train(steps=2)
    novel = tmp_path / "novel.txt"
    novel.write_text(small_corpus.text)
    from gptlib import load_corpus

    saved.train(2, data=load_corpus(str(novel)), config=CONFIG, progress=False)
    assert len(ModelHandler(saved.path).load().train(2, progress=False)) == 2
    novel.write_text(small_corpus.text.replace("plus", "sulp"))
    with pytest.raises(ValueError, match="not the text the model was trained on"):
        ModelHandler(saved.path).load().train(2)
    given = Corpus.from_text(novel.read_text())
    steps = ModelHandler(saved.path).load().train(2, data=given, progress=False)
    assert [s.step for s in steps] == [5, 6]


@pytest.mark.parametrize(
    ("seconds", "saved_at"),
    [(0.1, [7, 14, 21, 28, 35, 40]), (6.0, [7, 20, 33, 40])],
)
def test_saving_takes_a_twentieth_of_the_time_at_most(
    saved, data, monkeypatch, seconds, saved_at
):
    """Steps of ten seconds: every minute, or less often where saving takes long."""
    clock, found = [0.0], []
    step, save = Training.advance, ModelHandler._checkpoint

    def slow_step(training):
        clock[0] += 10
        return step(training)

    def slow_save(handler, training):
        clock[0] += seconds
        found.append(training.step)
        save(handler, training)

    monkeypatch.setattr(gptlib.handler.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(Training, "advance", slow_step)
    monkeypatch.setattr(ModelHandler, "_checkpoint", slow_save)
    saved.train(data=data, config=CONFIG, progress=False)
    assert found == saved_at


INTERRUPTED = """
import sys
from gptlib import Corpus, ModelHandler, TrainConfig
text = "".join(f"{i} plus {i + 1} is {2 * i + 1}.\\n" for i in range(400))
handler = ModelHandler(sys.argv[1]).load()
batches = iter(range(3))


def ready_at_the_third(*_):
    if next(batches, None) == 2:
        print("ready", flush=True)


handler.model.register_forward_hook(ready_at_the_third)
config = TrainConfig(steps=1_000_000, batch_size=4)
handler.train(data=Corpus.from_text(text), config=config, progress=False)
"""


@pytest.mark.skipif(os.name == "nt", reason="signals work otherwise on Windows")
def test_an_interrupt_finishes_the_step_and_saves(folder, saved):
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=300)  # an end, no hang
    assert process.returncode != 0 and "KeyboardInterrupt" in errors
    loaded = ModelHandler(folder).load()
    assert len(loaded.history) == loaded.trained_on["step"] > 0
    with safe_open(folder / "trainer.safetensors", framework="pt") as file:
        kept = json.loads(file.metadata()["gptlib"])
    assert kept["step"] == len(loaded.history)


def test_divergence_leaves_the_saved_model(folder, saved, data):
    before = weights(saved.model).clone()
    config = TrainConfig(steps=5)
    saved.model.blocks[0].attn.qkv.weight.data.fill_(1e30)
    with pytest.raises(ValueError, match=r"step 1 is .* learning rate"):
        saved.train(data=data, config=config, progress=False)
    assert torch.equal(weights(ModelHandler(folder).load().model), before)


# Crashes


PRIMITIVES = ["open", "replace", "fsync"]


class Fault:
    """Lets `left` calls of the disk's primitives pass, then fails every one."""

    def __init__(self, left: int):
        self.left, self.failed = left, False

    def wrap(self, call):
        def checked(*args, **kwargs):
            if self.left == 0:
                self.failed = True
                raise OSError(28, "No space left on device")
            self.left -= 1
            return call(*args, **kwargs)

        return checked


def fail_after(monkeypatch, left: int) -> Fault:
    fault = Fault(left)
    monkeypatch.setattr(gptlib.files.atomic, "open", fault.wrap(open), raising=False)
    monkeypatch.setattr(gptlib.files.atomic.os, "replace", fault.wrap(os.replace))
    monkeypatch.setattr(gptlib.files.atomic.os, "fsync", fault.wrap(os.fsync))
    return fault


@pytest.mark.parametrize("trained", [False, True])
def test_a_fault_at_any_write_leaves_a_whole_model(folder, tok, data, trained):
    """Saves a new model over an old one, failing at the 1st, 2nd, … write."""
    old, new = model_with(tok, 0.25), model_with(tok, 0.75)
    training = train(new, data, CONFIG)
    if trained:
        next(iter(training))
    faults = 0
    for left in range(100):
        ModelHandler(folder).save(old, tok)
        with pytest.MonkeyPatch.context() as monkeypatch:
            fault = fail_after(monkeypatch, left)
            try:
                handler = ModelHandler(folder)
                handler.save(new, tok, training=training if trained else None)
            except OSError:
                assert fault.failed
        found = weights(ModelHandler(folder).load().model)
        assert torch.equal(found, weights(old)) or torch.equal(found, weights(new))
        assert not list(folder.glob(".*-tmp"))
        if not fault.failed:
            break
        faults += 1
    assert not fault.failed and torch.equal(found, weights(new))
    assert faults >= 16, "expected at least 4 files of 4 writes each"


def test_a_fault_in_a_checkpoint_leaves_the_one_before(folder, saved, data):
    saved.train(10, data=data, config=CONFIG, progress=False)
    for left in range(20):
        loaded = ModelHandler(folder).load()
        before, weights_before = len(loaded.history), weights(loaded.model).clone()
        with pytest.MonkeyPatch.context() as monkeypatch:
            fault = fail_after(monkeypatch, left)
            try:
                loaded.train(1, data=data, progress=False)
            except OSError:
                assert fault.failed
        after = ModelHandler(folder).load()
        if len(after.history) == before:
            assert torch.equal(weights(after.model), weights_before)
        else:
            assert len(after.history) == before + 1
        if not fault.failed:
            break
    assert not fault.failed


# Each line on stdin starts one more process that saves until it is killed. The first
# load imports most of torch, so it happens once, here.
SAVING = """
import os, sys, torch
from gptlib import ModelHandler

handler = ModelHandler(sys.argv[1]).load()

def save_forever(value=0.0):
    print(os.getpid(), flush=True)
    while True:
        value += 1.0
        with torch.no_grad():
            for p in handler.model.parameters():
                p.fill_(value)
        handler.save()

for line in sys.stdin:
    process = os.fork() or save_forever()
    os.waitpid(process, 0)
    print("killed", flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="POSIX kills")
def test_killed_while_saving_the_folder_always_loads(folder, saved):
    rng = random.Random(0)
    first = weights(saved.model).clone()
    command = [sys.executable, "-c", SAVING, str(folder)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as starter:
        for _ in range(10):
            print("start", file=starter.stdin, flush=True)
            saving = int(starter.stdout.readline())
            time.sleep(rng.uniform(0.02, 0.25))
            os.kill(saving, signal.SIGKILL)
            assert starter.stdout.readline() == "killed\n"
            found = weights(ModelHandler(folder).load().model)
            assert torch.equal(found, first) or len(found.unique()) == 1
        starter.stdin.close()
    ModelHandler(folder).load().save()
    assert not list(folder.glob(".*-tmp"))


# Files that are not ours


def rewrite(folder, change):
    """Change the description in the model file's metadata and write it back."""
    path = folder / "model.safetensors"
    tensors = load_file(path)
    with safe_open(path, framework="pt") as file:
        described = json.loads(file.metadata()["gptlib"])
    change(described)
    described["fingerprint"] = digest_of(described, tensors)
    save_file(tensors, path, {"gptlib": json.dumps(described)})


def assert_refused(folder, says):
    with pytest.raises(ModelFileError, match=says) as caught:
        ModelHandler(folder).load()
    assert str(folder) in str(caught.value)


def test_missing_folder_and_file(folder):
    assert_refused(folder, "holds no model")
    folder.mkdir(parents=True)
    assert_refused(folder, "holds no model")


@pytest.mark.parametrize("keep", [0, 5, 500, -1])
def test_truncated_files(folder, saved, keep):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    assert_refused(folder, "is damaged or no safetensors file")


def test_a_pickle_is_never_opened(folder, saved):
    marker = folder / "executed"

    class Evil:
        def __reduce__(self):
            return Path.touch, (marker,)

    for name in ("model.safetensors", "trainer.safetensors"):
        ModelHandler(folder).save(*(saved.model, saved.tokenizer))
        torch.save(Evil(), folder / name)
        assert_refused(folder, "is damaged or no safetensors file")
        (folder / name).unlink()
        for copy in folder.glob("*.json"):
            copy.unlink()
        (folder / "history.csv").unlink()
    assert not marker.exists()


def test_no_module_of_ours_can_unpickle():
    for source in (HERE.parent / "gptlib").glob("*.py"):
        for word in ("pickle", "torch.load", "torch.save", "joblib"):
            assert word not in source.read_text(), source


def test_foreign_safetensors(folder, saved, gpt):
    save_file(gpt.state_dict(), folder / "model.safetensors")
    assert_refused(folder, "was not written by ModelHandler")


def test_trainer_in_place_of_a_model(folder, saved, data):
    saved.train(5, data=data, config=CONFIG, progress=False)
    trainer = (folder / "trainer.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(trainer)
    assert_refused(folder, "was not written by ModelHandler as a model")


def test_an_oversized_trainer_is_refused_before_it_is_read(folder, saved, data):
    saved.train(5, data=data, config=CONFIG, progress=False)
    trainer = folder / "trainer.safetensors"
    save_file({"model.wte.weight": torch.zeros(10**6)}, trainer)
    assert_refused(folder, "was not written by ModelHandler as a trainer")


def test_another_version(folder, saved):
    rewrite(folder, lambda described: described.update(version="99"))
    assert_refused(folder, "format version 99, this gptlib reads version 1 and 2")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"n_embd": 10**7}, r"needs \[10000000\]"),
        ({"n_layer": 10**9}, "n_layer=1000000000: expected a whole number from 1 to"),
        ({"n_layer": 1}, "needs None"),
        ({"n_head": 3}, "n_embd=16 cannot be shared by n_head=3"),
        ({"colour": "red"}, "colour"),
        ({"vocab_size": 3}, r"needs \[3, 16\]"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_configurations_that_do_not_fit_the_file(folder, saved, change, says):
    rewrite(folder, lambda described: described["config"].update(change))
    assert_refused(folder, says)  # before the memory is taken


def test_unknown_class(folder, saved):
    rewrite(folder, lambda described: described.update({"class": "Rnn"}))
    assert_refused(folder, "'Rnn': expected one of 'Bigram', 'GPT'")


def test_what_came_before_is_a_list(folder, saved):
    rewrite(folder, lambda described: described["trained_on"].update(before=5))
    assert_refused(folder, "lacks 'before'")


HEAD = '{"format": "gptlib-model", "version": "1", "part": "model"'


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "no JSON"),
        ("[1]", "no JSON"),
        ("{}", "not written by ModelHandler"),
        (HEAD + "}", "lacks 'class'"),
        (HEAD + ', "class": "GPT", "config": 3}', "lacks 'config'"),
    ],
)
def test_metadata_that_is_no_description(folder, saved, content, says):
    path = folder / "model.safetensors"
    save_file(load_file(path), path, {"gptlib": content})
    assert_refused(folder, says)


def test_a_history_of_before_train_was_measured_is_read(folder, saved, data):
    saved.train(5, data=data, config=CONFIG, progress=False)
    path = folder / "history.csv"
    rows = [line.split(",") for line in path.read_text().splitlines()]
    at = rows[0].index("train")
    older = [",".join(row[:at] + row[at + 1 :]) for row in rows]
    path.write_text("\n".join(older) + "\n")
    history = read_history(path)
    assert len(history) == 5 and {step.train for step in history} == {None}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"step,loss\n1,2\n", "expected the columns step, loss, train, val"),
        (b"\xff\xfe", "is damaged"),
        (b"step,loss,train,val,lr,tokens,seconds\n1,x,,,1,1,1\n", "line 2: not a step"),
    ],
)
def test_damaged_histories(tmp_path, content, says):
    (tmp_path / "history.csv").write_bytes(content)
    with pytest.raises(ModelFileError, match=f"history.csv.*{says}"):
        read_history(tmp_path / "history.csv")


def test_damaged_tokenizer(folder, saved):
    rewrite(folder, lambda described: described["tokenizer"].update(chars="ba"))
    assert_refused(folder, "its tokenizer: .*'chars'")


def test_readable_copies_may_be_lost_or_edited(folder, saved, gpt):
    (folder / "config.json").unlink()
    (folder / "history.csv").unlink()
    for damage in ("damaged", "", "[]", "{}", '{"type": "char", "chars": "ab"}'):
        (folder / "tokenizer.json").write_text(damage)
        with pytest.warns(UserWarning, match="tokenizer.json is only a copy for peop"):
            loaded = ModelHandler(folder).load()
        assert torch.equal(weights(loaded.model), weights(gpt))
    loaded.save()
    ModelHandler(folder).load()  # warnings would be errors
