"""Shapes are checked in every test: the hook must come before gptlib's first import."""

import warnings

import jaxtyping
from jaxtyping import install_import_hook

install_import_hook("gptlib", "typecheck.checked")

import pytest  # noqa: E402
import torch  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402

from gptlib import (  # noqa: E402
    GPT,
    Bigram,
    BPETokenizer,
    CharTokenizer,
    Corpus,
    GPTConfig,
    load_corpus,
)

warnings.filterwarnings("error", category=DeprecationWarning, module="gptlib")
# No test fails because a machine is slow or busy.
slow = [HealthCheck.too_slow]
settings.register_profile("any machine", deadline=None, suppress_health_check=slow)
settings.load_profile("any machine")


@pytest.fixture
def unchecked():
    """Without run-time type checks: what a reader who passes nonsense sees."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture
def without_a_thread(monkeypatch):
    """Checks ask here, not in a thread that can be stopped: half the time."""
    from gptcourse.checks import core
    from gptcourse.checks.running import undisturbed

    def here(work, *_):
        with undisturbed():
            return work(), ""

    monkeypatch.setattr(core, "in_thread", here)


@pytest.fixture(scope="session")
def shakespeare() -> Corpus:
    return load_corpus("tinyshakespeare")


@pytest.fixture(scope="session")
def small_corpus() -> Corpus:
    """A few hundred distinct lines that a small model learns quickly."""
    lines = [f"{i} plus {i + 1} is {2 * i + 1}.\n" for i in range(400)]
    return Corpus.from_text("".join(lines), "sums")


@pytest.fixture(scope="session")
def tok(small_corpus) -> CharTokenizer:
    return CharTokenizer(small_corpus.text)


@pytest.fixture(scope="session")
def data(small_corpus, tok):
    return small_corpus.encode(tok)


@pytest.fixture(scope="session")
def bpe(small_corpus) -> BPETokenizer:
    return BPETokenizer.train(small_corpus.text, 300, ["<|endoftext|>"])


@pytest.fixture
def gpt(tok):
    torch.manual_seed(0)
    return GPT(small_config(tok))


@pytest.fixture
def uniform():
    model = Bigram(65)
    torch.nn.init.zeros_(model.table.weight)
    return model


@pytest.fixture(scope="session")
def letters(shakespeare):
    return CharTokenizer(shakespeare.text)


@pytest.fixture(scope="session")
def split(shakespeare, letters):
    return shakespeare.encode(letters)


def small_config(tok, **changes) -> GPTConfig:
    shape = {"block_size": 16, "n_layer": 2, "n_head": 2, "n_embd": 16}
    return GPTConfig(**({"vocab_size": tok.vocab_size} | shape | changes))
