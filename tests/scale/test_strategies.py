"""Two processes on the CPU must train what a single one trains."""

import json
from pathlib import Path

import pytest
import torch
from launching import CONFIG, DATA, TEXT, TOK, float64, saved, single, torchrun

from gptlib import ModelHandler, ModernConfig, ModernGPT, TrainConfig, train
from gptlib.corpora.shards import TokenCorpus
from gptlib.corpora.webtext import tokenize
from gptlib.data import epoch_windows

SCRIPT = Path(__file__).with_name("two_processes.py")
STRATEGIES = ("ddp", "sharded")
FOUR = {"accumulate": 4, "sampling": "epochs", "dropout": 0.5}
near = {"abs": 1e-9}

every_strategy = pytest.mark.parametrize("strategy", STRATEGIES)


@pytest.fixture(scope="module", autouse=True)
def _in_float64():
    with float64():
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    config = TrainConfig(**CONFIG, accumulate=2)
    for strategy in STRATEGIES:
        handler = saved(folder / f"single-{strategy}", dropout=0.5)
        handler.train(6, data=DATA, config=config, progress=False)
    (folder / "sums.txt").write_text(TEXT)
    list(tokenize(folder / "sums.txt", folder / "tokens", TOK, processes=1, unit=1_500))
    return folder


@pytest.fixture(scope="module")
def found(folder):
    """What each of two processes found."""
    torchrun(SCRIPT, folder)
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in range(2)]


def assert_equal(found, case, losses, vals):
    for each in found:
        assert each[case][0] == pytest.approx(losses, **near)
        assert each[case][1][9] == pytest.approx(vals[9], **near)
        assert each[case][1][3] is None
    assert found[0][case] == found[1][case], "the processes' weights drift apart"


@pytest.mark.parametrize(
    ("case", "changes"),
    [
        ("ddp", {}),
        ("sharded", {}),
        ("muon", {"sampling": "epochs", "optimizer": "muon"}),
        # Dropout depends on the part of the batch, not on the process.
        ("dropout", {"accumulate": 2, "dropout": 0.5}),
        ("ddp, four parts", FOUR),
        ("sharded, four parts", FOUR),
    ],
)
def test_two_processes_train_what_one_trains(found, case, changes):
    assert_equal(found, case, *single(**changes))


def test_a_modern_gpt_trains_in_two_processes(found):
    torch.manual_seed(0)
    model = ModernGPT(ModernConfig(TOK.vocab_size, 16, 2, 2, 16))
    steps = list(train(model, DATA, TrainConfig(**CONFIG)))
    assert_equal(found, "modern", [s.loss for s in steps], [s.val for s in steps])


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("case", "changes"),
    [
        ("shards", {"sampling": "epochs"}),
        ("shards, four parts", {"accumulate": 4}),
    ],
)
def test_two_processes_train_on_shards_what_one_trains(found, folder, case, changes):
    tokens = TokenCorpus(folder / "tokens")
    assert len(tokens.shards.paths) > 4
    assert_equal(found, case, *single(data=tokens.encode(TOK), **changes))


def test_each_process_reads_only_its_rows(found, folder):
    """No two windows overlap, and together they are what one process would read."""
    first, second = (each["read"] for each in found)
    assert [len(starts) for starts in first + second] == [2] * 24
    distances = torch.tensor(first + second).flatten().sort().values.diff()
    assert (distances >= 16).all()
    positions = torch.arange(len(TokenCorpus(folder / "tokens").train))
    for step, (of_rank_0, of_rank_1) in enumerate(zip(first, second, strict=True), 1):
        windows, _ = epoch_windows(positions, 4, 16, 0, step)
        assert of_rank_0 + of_rank_1 == windows[:, 0].tolist()


@every_strategy
def test_two_processes_finish_what_one_began(found, strategy):
    losses, _ = single(dropout=0.5, accumulate=2)
    for each in found:
        assert each["resumed"][strategy] == pytest.approx(losses[6:], **near)


@every_strategy
@pytest.mark.usefixtures("found")
def test_one_process_finishes_what_two_began(folder, strategy):
    losses, _ = single(dropout=0.5, accumulate=2)
    handler = ModelHandler(folder / strategy).load()
    assert [step.step for step in handler.history] == [1, 2, 3, 4, 5, 6]
    steps = handler.train(data=DATA, progress=False)
    assert [step.loss for step in steps] == pytest.approx(losses[6:], **near)


def test_a_sharded_model_has_its_weights_after_state_dict(found):
    for val, of_model in (each["state"] for each in found):
        assert of_model == pytest.approx(val, **near)


def test_both_strategies_train_in_16_bits(found):
    torch.set_default_dtype(torch.float32)
    losses, _ = single(precision="bfloat16")
    exact, _ = single()
    torch.set_default_dtype(torch.float64)
    assert losses != exact
    for each in found:
        for of_strategy in each["16 bits"]:  # rounding depends on who adds what
            assert of_strategy == pytest.approx(losses, abs=0.02)


def test_all_processes_begin_with_the_weights_of_rank_0(found):
    assert found[1]["other weights"] == found[0]["other weights"]
    assert found[0]["other weights"] == found[0]["ddp"]


def test_dropout_differs_between_processes(found):
    whole, _ = single(dropout=0.5)
    # The same batch with another mask: near, but not equal.
    assert 1e-5 < abs(whole[0] - found[0]["dropout"][0][0]) < 0.5


def test_what_cannot_be_is_refused(found):
    for refused in (each["refused"] for each in found):
        assert "batch_size=3, accumulate=1 in 2 processes" in refused["batch"]
        assert "batch_size=6, accumulate=3 in 2 processes" in refused["parts"]
        assert "train in one process" in refused["examples"]
        assert "strategy='sharded' trains a GPT, not a ModernGPT" in refused["model"]
        assert "Muon needs whole matrices" in refused["muon"]
        assert "'average': expected one of 'ddp', 'sharded'" in refused["strategy"]


def test_all_processes_stop_when_one_diverges(found):
    for each in found:
        for error, weights_are_finite in each["diverged"]:
            assert "step 2 is nan" in error and weights_are_finite


def test_processes_know_each_other(found):
    assert [each["rank"] for each in found] == [0, 1]
    for each in found:
        assert each["processes"] == 2
        assert each["flags"] == [True, False]
        assert each["handler"] == ["DistributedHandler", True]
