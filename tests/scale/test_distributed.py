"""Two processes on the CPU must train what one trains; torchrun starts them."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from conftest import small_config

from gptlib import GPT, CharTokenizer, Corpus, ModelHandler, TrainConfig, train
from gptlib.commands.main import main
from gptlib.corpora.shards import TokenCorpus
from gptlib.corpora.webtext import tokenize
from gptlib.data import epoch_windows
from gptlib.scale import distributed as d

# Each case is played in the same two processes: starting them takes longest.
SCRIPT = """
import json, sys
from dataclasses import replace
import torch
from gptlib import (
    GPT, CharTokenizer, Corpus, DivergedError, GPTConfig, ModelHandler, ModernConfig,
    ModernGPT, TrainConfig, evaluate, train
)
from gptlib.scale.distributed import agree, joined, leave, rank, world_size
from gptlib.corpora.shards import Shards, TokenCorpus

text = "".join(f"{i} plus {i + 1} is {2 * i + 1}.\\n" for i in range(400))
tok = CharTokenizer(text)
data = Corpus.from_text(text, "sums").encode(tok)
config = TrainConfig(steps=12, batch_size=4, lr=3e-3, eval_every=5)
shape = GPTConfig(tok.vocab_size, 16, 2, 2, 16)


def run(config, shape=shape, seed=0, build=GPT, data=data):
    torch.manual_seed(seed)
    model = build(shape)
    steps = list(train(model, data, config))
    weights = torch.cat([p.detach().flatten() for p in model.parameters()])
    total = weights.double().sum().item()
    return [s.loss for s in steps], [s.val for s in steps], total


with joined():
    found = {"rank": rank(), "processes": world_size()}
    found["plain"] = run(config)
    found["epochs"] = run(replace(config, sampling="epochs", optimizer="muon"))
    found["other weights"] = run(config, seed=rank())
    tokens = TokenCorpus(f"{sys.argv[1]}/tokens").encode(tok)
    read, look_up = [], Shards.__getitem__

    def noting(shards, places):
        if torch.is_tensor(places):
            read.append(places[:, 0].tolist())
        return look_up(shards, places)

    Shards.__getitem__ = noting
    found["shards"] = run(replace(config, sampling="epochs"), data=tokens)
    found["read"] = read[::2]  # of each step the inputs; its targets are the others
    found["16 bits"] = [
        run(replace(config, precision="bfloat16", parallel=way))[0]
        for way in ("average", "overlapped", "sharded")
    ]
    overlapped = replace(config, accumulate=4, parallel="overlapped")
    found["shards, overlapped"] = run(overlapped, data=tokens)
    dropped = replace(shape, dropout=0.5)
    found["dropout"] = run(config, dropped)
    found["four parts"] = run(replace(config, accumulate=4), dropped)
    for way in ("overlapped", "sharded"):
        found[way] = run(replace(config, parallel=way))
        found[f"{way}, four parts"] = run(
            replace(config, parallel=way, accumulate=4, sampling="epochs"), dropped
        )
    found["refused"] = []
    for wrong in ({"accumulate": 3}, {"parallel": "sharded"}):
        try:
            modern = ModernConfig(tok.vocab_size, 16, 2, 2, 16)
            run(replace(config, **wrong), modern, build=ModernGPT)
        except ValueError as error:
            found["refused"].append(str(error))
    for way in ("average", "overlapped", "sharded"):  # half of it, to be gone on with
        torch.manual_seed(0)
        handler = ModelHandler(f"{sys.argv[1]}/{way}").save(GPT(dropped), tok)
        config_of_way = replace(config, accumulate=2, parallel=way)
        handler.train(6, data=data, config=config_of_way, progress=False)
    # The other way round: what one process began.
    handler = ModelHandler(f"{sys.argv[1]}/one").load()
    found["resumed"] = [
        step.loss for step in handler.train(data=data, progress=False)
    ]
    torch.manual_seed(0)
    model = GPT(shape)
    training = train(model, data, replace(config, parallel="sharded", eval_every=1))
    step = next(iter(training))
    training.state_dict()  # brings the weights
    found["commit"] = [step.val, evaluate(model, data.val).loss]
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
    found["flags"] = agree(rank() == 1, False)
with open(f"{sys.argv[1]}/{found['rank']}.json", "w") as file:
    json.dump(found, file)
leave()
"""


TEXT = "".join(f"{i} plus {i + 1} is {2 * i + 1}.\n" for i in range(400))
TOK = CharTokenizer(TEXT)
DATA = Corpus.from_text(TEXT, "sums").encode(TOK)
CONFIG = {"steps": 12, "batch_size": 4, "lr": 3e-3, "eval_every": 5}


def launch(*command, processes=2):
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    start += ["--nproc-per-node", str(processes), *map(str, command)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    pipe = subprocess.PIPE
    return subprocess.Popen(start, stdout=pipe, stderr=pipe, text=True, env=environment)


def torchrun(*command, processes=2):
    process = launch(*command, processes=processes)
    try:
        printed, errors = process.communicate(timeout=240)
    finally:
        process.kill()
    assert process.returncode == 0, errors[-9000:]
    return printed


def one(folder, **changes):
    """A folder with the same untrained model every time."""
    torch.manual_seed(0)
    return ModelHandler(folder).save(GPT(small_config(TOK, **changes)), TOK)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    script = folder / "script.py"
    script.write_text(SCRIPT)
    one(folder / "one", dropout=0.5).train(
        6, data=DATA, config=TrainConfig(**CONFIG, accumulate=2), progress=False
    )
    (folder / "sums.txt").write_text(TEXT)
    list(
        tokenize(
            folder / "sums.txt", folder / "tokens", TOK, processes=1, shard_bytes=1_500
        )
    )
    torchrun(script, folder)
    found = [json.loads((folder / f"{i}.json").read_text()) for i in range(2)]
    return [each | {"folder": folder} for each in found]


def alone(dropout=0.0, data=DATA, **changes):
    """The losses of the same training in this one process."""
    torch.manual_seed(0)
    model = GPT(small_config(TOK, dropout=dropout))
    steps = list(train(model, data, TrainConfig(**CONFIG | changes)))
    return [s.loss for s in steps], [s.val for s in steps]


def test_two_processes_find_each_other(found):
    assert [f["rank"] for f in found] == [0, 1]
    assert {f["processes"] for f in found} == {2}


FOUR = {"accumulate": 4, "sampling": "epochs", "dropout": 0.5}


@pytest.mark.parametrize(
    ("case", "changes"),
    [
        ("plain", {}),
        ("epochs", {"sampling": "epochs", "optimizer": "muon"}),
        ("overlapped", {}),
        ("sharded", {}),
        # Dropout belongs to the part of the batch, not to who works on it.
        ("dropout", {"accumulate": 2, "dropout": 0.5}),
        ("four parts", {"accumulate": 4, "dropout": 0.5}),
        ("overlapped, four parts", FOUR),
        ("sharded, four parts", FOUR),
    ],
)
def test_two_processes_train_what_one_trains(found, case, changes):
    losses, vals = alone(**changes)
    for each in found:
        assert each[case][0] == pytest.approx(losses, abs=1e-5)
        assert each[case][1][4] == pytest.approx(vals[4], abs=1e-5)
        assert each[case][1][3] is None
    assert found[0][case] == found[1][case], "weights drift apart"


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("case", "changes"),
    [
        ("shards", {"sampling": "epochs"}),
        ("shards, overlapped", {"accumulate": 4}),
    ],
)
def test_two_processes_train_on_shards_what_one_trains(found, case, changes):
    tokens = TokenCorpus(found[0]["folder"] / "tokens")
    assert len(tokens.shards.paths) > 4
    losses, vals = alone(data=tokens.encode(TOK), **changes)
    for each in found:
        assert each[case][0] == pytest.approx(losses, abs=1e-5)
        assert each[case][1][9] == pytest.approx(vals[9], abs=1e-5)
    assert found[0][case] == found[1][case], "weights drift apart"


def test_each_process_reads_its_own_part_of_the_text(found):
    """No two windows overlap, and together they are what one process would read."""
    first, second = (each["read"] for each in found)
    assert [len(starts) for starts in first + second] == [2] * 24
    apart = torch.tensor(first + second).flatten().sort().values.diff()
    assert (apart >= 16).all()
    numbered = torch.arange(len(TokenCorpus(found[0]["folder"] / "tokens").train))
    for step, (mine, others) in enumerate(zip(first, second, strict=True), 1):
        windows, _ = epoch_windows(numbered, 4, 16, 0, step)
        assert mine + others == windows[:, 0].tolist()


def test_what_one_began_two_finish(found):
    losses, _ = alone(dropout=0.5, accumulate=2)
    for each in found:
        assert each["resumed"] == pytest.approx(losses[6:], abs=1e-5)


@pytest.mark.parametrize("way", ["average", "overlapped", "sharded"])
def test_what_two_began_one_finishes(found, way):
    losses, _ = alone(dropout=0.5, accumulate=2)
    handler = ModelHandler(found[0]["folder"] / way).load()
    assert [step.step for step in handler.history] == [1, 2, 3, 4, 5, 6]
    steps = handler.train(data=DATA, progress=False)
    assert [step.loss for step in steps] == pytest.approx(losses[6:], abs=1e-5)


def test_a_sharded_model_has_its_weights_when_its_state_is_asked_for(found):
    for val, of_the_model in (each["commit"] for each in found):
        assert of_the_model == pytest.approx(val, abs=1e-5)


def test_every_way_learns_in_16_bits(found):
    losses, _ = alone(precision="bfloat16")
    for each in found:
        for of_one_way in each["16 bits"]:  # where they round depends on who sums what
            assert of_one_way == pytest.approx(losses, abs=0.01)


def test_all_begin_with_the_weights_of_the_first(found):
    assert found[1]["other weights"] == found[0]["other weights"]
    assert found[0]["other weights"] == found[0]["plain"]


def test_dropout_differs_between_processes(found):
    whole, _ = alone(dropout=0.5)
    # Same batch, another mask: near, but not the same.
    assert 1e-5 < abs(whole[0] - found[0]["dropout"][0][0]) < 0.3


def test_a_batch_that_cannot_be_shared_is_refused(found):
    for each in found:
        assert "batch_size=3 cannot be shared by 2 processes" in each["shared"]
        parts, kind = each["refused"]
        assert "accumulate=3 parts cannot be shared by 2 processes" in parts
        assert "parallel='sharded' is for a GPT, not for a ModernGPT" in kind


def test_no_process_waits_for_one_that_stopped(found):
    for each in found:
        assert "step 2 is nan" in each["diverged"]
        assert each["flags"] == [True, False]


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


ENDED = """
import os, signal, sys, time
import gptlib.handler
from gptlib import Corpus, ModelHandler, TrainConfig
from gptlib.scale.distributed import joined, rank
from gptlib.training import Training

folder, way, steps, dies_at = *sys.argv[1:3], int(sys.argv[3]), int(sys.argv[4])
gptlib.handler.SAVE_EVERY_SECONDS, gptlib.handler.SAVING_SHARE = 0.0, 1e9  # always
advance = Training._advance


def advance_or_die(training):
    if training.step == dies_at and rank() == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return advance(training)


Training._advance = advance_or_die
text = "".join(f"{i} plus {i + 1} is {2 * i + 1}.\\n" for i in range(400))
with joined():
    handler = ModelHandler(folder).load()
    data = Corpus.from_text(text, "sums").encode(handler.tokenizer)
    config = TrainConfig(steps=steps, batch_size=4, lr=3e-3, parallel=way)
    handler.train(data=data, config=config, progress=False)
"""
posix = pytest.mark.skipif(os.name == "nt", reason="signals work otherwise on Windows")


@posix
@pytest.mark.parametrize("way", ["average", "overlapped", "sharded"])
def test_a_killed_worker_ends_the_job_and_the_last_checkpoint_resumes(tmp_path, way):
    one(tmp_path / "killed")
    script = tmp_path / "script.py"
    script.write_text(ENDED)
    process = launch(script, tmp_path / "killed", way, 12, 7)
    try:
        _, errors = process.communicate(timeout=120)  # an end, no hang
    finally:
        process.kill()
    assert process.returncode != 0 and "Signal 9" in errors
    handler = ModelHandler(tmp_path / "killed").load()
    assert 6 <= len(handler.history) <= 7
    handler.train(data=DATA, progress=False)
    losses, _ = alone(eval_every=0)
    found = [step.loss for step in handler.history]
    assert found == pytest.approx(losses, abs=1e-5)


@posix
@pytest.mark.parametrize("way", ["average", "overlapped", "sharded"])
def test_a_signal_to_torchrun_ends_the_step_and_saves(tmp_path, way):
    one(tmp_path / "ended")
    script = tmp_path / "script.py"
    script.write_text(ENDED)
    process = launch(script, tmp_path / "ended", way, 1_000_000, -1)
    try:
        until = time.monotonic() + 100
        while not (tmp_path / "ended" / "trainer.safetensors").is_file():
            assert time.monotonic() < until and process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=100)
    finally:
        process.kill()
    assert process.returncode != 0
    handler = ModelHandler(tmp_path / "ended").load()
    assert len(handler.history) == handler.trained_on["step"] > 0
    assert not list((tmp_path / "ended").glob(".*.tmp"))


def test_a_worker_that_leaves_has_ended_well():
    code = "from gptlib.scale.distributed import leave; print('done', end=''); leave()"
    command = [sys.executable, "-c", f"{code}; raise SystemExit(3)"]
    for processes, status in (("2", 0), ("1", 3)):
        environment = os.environ | {"WORLD_SIZE": processes}
        ended = subprocess.run(command, env=environment, capture_output=True)
        assert (ended.returncode, ended.stdout) == (status, b"done")


def test_alone_nothing_changes(gpt):
    assert (d.rank(), d.world_size()) == (0, 1)
    batch = torch.arange(6).view(3, 2)
    assert torch.equal(d.my_share(batch), batch)
    assert d.agree(True, False) == [True, False]
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
