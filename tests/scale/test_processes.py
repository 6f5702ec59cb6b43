"""How processes start and end: commands, killed workers, signals."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from launching import DATA, launch, saved, single, torchrun

from gptlib import ModelHandler
from gptlib.commands.main import main
from gptlib.scale import is_main_process, open_handler, process_group, rank, world_size
from gptlib.scale.processes import anywhere

every_strategy = pytest.mark.parametrize("strategy", ["ddp", "sharded"])
posix = pytest.mark.skipif(os.name == "nt", reason="Windows has other signals")


def test_the_command_line_under_torchrun(tmp_path, small_corpus):
    text = tmp_path / "sums.txt"
    text.write_text(small_corpus.text)
    shape = {"n_layer": 1, "n_head": 1, "n_embd": 8, "block_size": 8}
    training = {"steps": 5, "batch_size": 4, "lr": 0.01, "seed": 3}
    recipe = tmp_path / "recipe.json"
    stored = {"corpus": str(text), "model": shape, "training": training}
    recipe.write_text(json.dumps(stored))
    command = ["-m", "gptlib", "train", tmp_path / "two", "--recipe", recipe]
    printed = torchrun(*command)
    assert printed.count("whole validation split") == 1
    assert printed.count("parameters") == 1
    two = ModelHandler(tmp_path / "two").load()
    assert len(two.history) == 5
    main(["train", str(tmp_path / "one"), "--recipe", str(recipe)])
    one = ModelHandler(tmp_path / "one").load()
    losses = [step.loss for step in one.history]
    assert [step.loss for step in two.history] == pytest.approx(losses, abs=1e-4)


ENDED = """
import os, signal, sys
import gptlib.handler
from gptlib import Corpus, TrainConfig
from gptlib.scale import open_handler, process_group, rank
from gptlib.training import Training

folder, strategy, steps, dies_at = *sys.argv[1:3], *map(int, sys.argv[3:])
gptlib.handler.SAVE_EVERY_SECONDS = 0.0  # after every step
gptlib.handler.SAVING_FRACTION = 1e9
advance = Training.advance


def advance_or_die(training):
    if training.step == dies_at and rank() == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return advance(training)


Training.advance = advance_or_die
text = "".join(f"{i} plus {i + 1} is {2 * i + 1}.\\n" for i in range(400))
with process_group():
    handler = open_handler(folder, strategy).load()
    data = Corpus.from_text(text, "sums").encode(handler.tokenizer)
    config = TrainConfig(steps=steps, batch_size=4, lr=3e-3)
    handler.train(data=data, config=config, progress=False)
"""


@posix
@every_strategy
def test_a_killed_worker_ends_the_job_and_its_checkpoint_resumes(tmp_path, strategy):
    saved(tmp_path / "killed")
    script = tmp_path / "script.py"
    script.write_text(ENDED)
    process = launch(script, tmp_path / "killed", strategy, 5, 3)
    try:
        _, errors = process.communicate(timeout=120)  # it must end, not hang
    finally:
        process.kill()
    assert process.returncode != 0 and "Signal 9" in errors
    handler = ModelHandler(tmp_path / "killed").load()
    assert 2 <= len(handler.history) <= 3
    handler.train(data=DATA, progress=False)
    losses, _ = single(steps=5, eval_every=0)
    assert [s.loss for s in handler.history] == pytest.approx(losses, abs=1e-4)


@posix
@every_strategy
@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_torchrun_finishes_the_step_and_saves(tmp_path, strategy, kind):
    saved(tmp_path / "ended")
    script = tmp_path / "script.py"
    script.write_text(ENDED)
    process = launch(script, tmp_path / "ended", strategy, 1_000_000, -1)
    try:
        until = time.monotonic() + 100
        while not (tmp_path / "ended" / "trainer.safetensors").is_file():
            assert time.monotonic() < until and process.poll() is None
            time.sleep(0.05)
        process.send_signal(kind)
        process.communicate(timeout=100)
    finally:
        process.kill()
    assert process.returncode != 0
    handler = ModelHandler(tmp_path / "ended").load()
    assert len(handler.history) == handler.trained_on["step"] > 0
    assert not list((tmp_path / "ended").glob(".*.tmp"))


def test_a_worker_that_leaves_has_ended_well():
    code = "from gptlib.scale import leave; print('done', end=''); leave()"
    command = [sys.executable, "-c", f"{code}; raise SystemExit(3)"]
    for processes, status in (("2", 0), ("1", 3)):
        environment = os.environ | {"WORLD_SIZE": processes}
        ended = subprocess.run(command, env=environment, capture_output=True)
        assert (ended.returncode, ended.stdout) == (status, b"done")


def test_a_single_process_needs_nothing(tmp_path):
    assert (rank(), world_size(), is_main_process()) == (0, 1, True)
    assert anywhere(True, False) == [True, False]
    with process_group():
        assert world_size() == 1
        assert type(open_handler(tmp_path, "sharded")) is ModelHandler
    with pytest.raises(ValueError, match="strategy='fsdp': expected one of 'ddp'"):
        open_handler(tmp_path, "fsdp")


def test_more_processes_than_gpus_are_refused(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "3")
    monkeypatch.setenv("LOCAL_RANK", "2")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with (
        pytest.raises(ValueError, match=r"process 3 .* no GPU, there are 2"),
        process_group(),
    ):
        pass
