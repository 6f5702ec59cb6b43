"""Two processes on the CPU must train what one trains; torchrun starts them."""

import json
import os
import subprocess
import sys

import pytest
import torch
from conftest import small_config

from gptlib import GPT, ModelHandler, TrainConfig, train
from gptlib import distributed as d
from gptlib.cli import main

# Each case is played in the same two processes: starting them takes longest.
SCRIPT = """
import json, sys
from dataclasses import replace
import torch
from gptlib import (
    GPT, CharTokenizer, Corpus, DivergedError, GPTConfig, TrainConfig, train
)
from gptlib.distributed import any_process, joined, rank, world_size

text = "".join(f"{i} plus {i + 1} is {2 * i + 1}.\\n" for i in range(400))
tok = CharTokenizer(text)
data = Corpus.from_text(text, "sums").encode(tok)
config = TrainConfig(steps=12, batch_size=4, lr=3e-3, eval_every=5)
shape = GPTConfig(tok.vocab_size, 16, 2, 2, 16)


def run(config, shape=shape, seed=0):
    torch.manual_seed(seed)
    model = GPT(shape)
    steps = list(train(model, data, config))
    weights = torch.cat([p.detach().flatten() for p in model.parameters()])
    total = weights.double().sum().item()
    return [s.loss for s in steps], [s.val for s in steps], total


with joined():
    found = {"rank": rank(), "processes": world_size()}
    found["plain"] = run(config)
    found["epochs"] = run(replace(config, sampling="epochs", optimizer="muon"))
    found["other weights"] = run(config, seed=rank())
    found["dropout"] = run(config, replace(shape, dropout=0.5))
    try:
        run(replace(config, batch_size=3))
    except ValueError as error:
        found["shared"] = str(error)
    model = GPT(shape)
    training = train(model, data, config)
    steps = iter(training)
    next(steps)
    if rank() == 1:  # what breaks in one process must stop both
        with torch.no_grad():
            model.wte.weight.fill_(torch.nan)
    try:
        list(steps)
    except DivergedError as error:
        found["diverged"] = str(error)
    found["flags"] = [any_process(rank() == 1), any_process(False)]
with open(f"{sys.argv[1]}/{found['rank']}.json", "w") as file:
    json.dump(found, file)
"""


def torchrun(*command, processes=2):
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    launch += ["--nproc-per-node", str(processes), *map(str, command)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        launch, capture_output=True, text=True, timeout=120, env=environment
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    script = folder / "script.py"
    script.write_text(SCRIPT)
    torchrun(script, folder)
    return [json.loads((folder / f"{i}.json").read_text()) for i in range(2)]


@pytest.fixture
def alone(tok, data):
    def run(**changes):
        config = {"steps": 12, "batch_size": 4, "lr": 3e-3, "eval_every": 5} | changes
        torch.manual_seed(0)
        model = GPT(small_config(tok))
        steps = list(train(model, data, TrainConfig(**config)))
        return [s.loss for s in steps], [s.val for s in steps]

    return run


def test_two_processes_find_each_other(found):
    assert [f["rank"] for f in found] == [0, 1]
    assert {f["processes"] for f in found} == {2}


@pytest.mark.parametrize(
    ("case", "changes"),
    [("plain", {}), ("epochs", {"sampling": "epochs", "optimizer": "muon"})],
)
def test_two_processes_train_what_one_trains(found, alone, case, changes):
    losses, vals = alone(**changes)
    for one in found:
        assert one[case][0] == pytest.approx(losses, abs=1e-5)
        assert one[case][1][4] == pytest.approx(vals[4], abs=1e-5)
    assert found[0][case] == found[1][case], "weights drift apart"


def test_all_begin_with_the_weights_of_the_first(found):
    assert found[1]["other weights"] == found[0]["other weights"]
    assert found[0]["other weights"] == found[0]["plain"]


def test_dropout_differs_between_processes(found, alone, tok, data):
    assert found[0]["dropout"] == found[1]["dropout"]
    torch.manual_seed(0)
    model = GPT(small_config(tok, dropout=0.5))
    first = next(iter(train(model, data, TrainConfig(batch_size=4, lr=3e-3))))
    # Same batch, another mask: near, but not the same.
    assert 1e-5 < abs(first.loss - found[0]["dropout"][0][0]) < 0.3


def test_a_batch_that_cannot_be_shared_is_refused(found):
    for one in found:
        assert "batch_size=3 cannot be shared by 2 processes" in one["shared"]


def test_no_process_waits_for_one_that_stopped(found):
    for one in found:
        assert "step 2 is nan" in one["diverged"]
        assert one["flags"] == [True, False]


def test_the_command_line_under_torchrun(tmp_path, small_corpus):
    text = tmp_path / "sums.txt"
    text.write_text(small_corpus.text)
    shape = {"n_layer": 1, "n_head": 1, "n_embd": 8, "block_size": 8}
    training = {"steps": 20, "batch_size": 4, "lr": 0.01, "seed": 3}
    recipe = tmp_path / "recipe.json"
    stored = {"corpus": str(text), "model": shape, "training": training}
    recipe.write_text(json.dumps(stored))
    command = ["-m", "gptlib", "train", tmp_path / "two", "--recipe", recipe]
    printed = torchrun(*command)
    assert printed.count("whole validation split") == 1
    assert printed.count("parameters") == 1
    two = ModelHandler(tmp_path / "two").load()
    assert len(two.history) == 20
    main(["train", str(tmp_path / "one"), "--recipe", str(recipe)])
    one = ModelHandler(tmp_path / "one").load()
    losses = [step.loss for step in one.history]
    assert [step.loss for step in two.history] == pytest.approx(losses, abs=1e-5)


def test_alone_nothing_changes(gpt):
    assert (d.rank(), d.world_size()) == (0, 1)
    batch = torch.arange(6).view(3, 2)
    assert torch.equal(d.my_share(batch), batch)
    assert d.any_process(True) and not d.any_process(False)
    before = [p.clone() for p in gpt.parameters()]
    d.copy_from_first(gpt.parameters())
    loss = d.average(torch.tensor(2.0, requires_grad=True), gpt.parameters())
    assert loss.item() == 2.0 and not loss.requires_grad
    assert all(map(torch.equal, before, gpt.parameters()))
    with d.joined():
        assert d.world_size() == 1


def test_more_processes_than_gpus_are_refused(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "3")
    monkeypatch.setenv("LOCAL_RANK", "2")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with (
        pytest.raises(ValueError, match=r"process 3 .* no GPU, there are 2"),
        d.joined(),
    ):
        pass
