"""Text into shards: every kind of file, cut anywhere, killed anywhen."""

import gzip
import json
import math
import random
import subprocess
import sys
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import huggingface_hub
import pyarrow
import pytest
import torch
import yaml
from pyarrow.parquet import ParquetWriter, write_table

from gptlib import CharTokenizer, DataError
from gptlib.commands.recipe import read_recipe
from gptlib.corpora import documents, webtext
from gptlib.corpora.shards import Shards, TokenCorpus
from gptlib.corpora.webtext import tokenize
from gptlib.handler.build import build_config


def run(source, folder, tok, **settings):
    return list(tokenize(source, folder, tok, **{"processes": 1} | settings))


MEMORY = """
import resource, sys
from gptlib import BPETokenizer
from gptlib.corpora.webtext import tokenize

tok = BPETokenizer.load(sys.argv[1])
tok.encode("one")


def peak():
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


before = peak()
list(tokenize(sys.argv[2], sys.argv[3], tok, processes=1))
print(peak() - before)
"""


@pytest.mark.parametrize("shard_bytes", [100, 3_001, 10**9])
@pytest.mark.parametrize("block", [64, 2**20])
def test_shards_hold_what_the_tokenizer_says(
    tmp_path, bpe, shard_bytes, block, monkeypatch
):
    """However the text is cut, blank lines, tabs and other scripts included."""
    monkeypatch.setattr(documents, "BLOCK", block)
    random.seed(0)
    words = [
        "one",
        " two",
        "\n",
        "\n\n",
        "\n \n",
        "Grüße",
        "😀\n",
        "\t",
        " ",
        "'s",
        "\r\n",
    ]
    text = "".join(random.choices(words, k=3000))
    source = tmp_path / "text.txt"
    source.write_bytes(text.encode())
    steps = run(source, tmp_path / "out", bpe, shard_bytes=shard_bytes)
    done = [done for done, _ in steps]
    assert (done[0], done[-1]) == (0, len(text.encode())) and done == sorted(done)
    shards = Shards(tmp_path / "out")
    unix = text.replace("\r\n", "\n")
    assert shards[:].tolist() == [bpe.vocab_size - 1, *bpe.encode(unix)]
    shards.verify()


def test_a_script_without_spaces_is_cut_between_characters(tmp_path, bpe, monkeypatch):
    monkeypatch.setattr(documents, "BLOCK", 64)
    text = "天地玄黃宇宙洪荒" * 100
    (tmp_path / "t.txt").write_text(text, encoding="utf-8")
    run(tmp_path / "t.txt", tmp_path / "out", bpe, shard_bytes=1_000)
    assert bpe.decode(Shards(tmp_path / "out")[1:]) == text


def test_the_plays_in_several_processes(tmp_path, shakespeare):
    tok = CharTokenizer(shakespeare.text)
    for name, text in (("a", shakespeare.train[:200_000]), ("b", shakespeare.val)):
        (tmp_path / f"{name}.txt").write_text(text)
    run(tmp_path, tmp_path / "out", tok, processes=2, shard_bytes=100_000)
    expected = tok.encode(shakespeare.train[:200_000] + shakespeare.val)
    shards = Shards(tmp_path / "out")
    assert len(shards.paths) == 4 and shards[:].tolist() == expected
    places = torch.randint(len(expected), (3, 5))
    assert torch.equal(shards[places], torch.tensor(expected)[places])


def test_shards_are_small_enough_to_share_and_to_show_progress(
    tmp_path, tok, small_corpus, monkeypatch
):
    (tmp_path / "t.txt").write_text(small_corpus.text)
    size = len(small_corpus.text)
    for least, most, unit in (
        (1_000, 10**6, 1_000),
        (10, 10**6, 1 << (size // 64).bit_length()),
        (9, 90, 90),
    ):
        monkeypatch.setattr(webtext, "MIN_SHARD", least)
        monkeypatch.setattr(webtext, "MAX_SHARD", most)
        steps = run(tmp_path / "t.txt", tmp_path / "out", tok)
        assert len(steps) - 1 == math.ceil(size / unit)
        assert tok.decode(Shards(tmp_path / "out")[:]) == small_corpus.text


def test_started_again_it_does_what_is_missing(tmp_path, tok, small_corpus):
    source, folder = tmp_path / "t.txt", tmp_path / "out"
    source.write_text(small_corpus.text)
    first = run(source, folder, tok, shard_bytes=2_000)
    times = {path: path.stat().st_mtime_ns for path in folder.glob("*.tokens")}
    assert run(source, folder, tok, shard_bytes=2_000) == [first[-1]]
    missing = sorted(times)[2]
    missing.unlink()
    assert first[-1][0] - run(source, folder, tok, shard_bytes=2_000)[0][0] == 2_000
    now = {path: path.stat().st_mtime_ns for path in folder.glob("*.tokens")}
    assert [path for path in now if now[path] != times[path]] == [missing]
    source.write_text(small_corpus.text.replace("plus", "sulp"))
    assert run(source, folder, tok, shard_bytes=2_000)[0][0] == 0
    assert tok.decode(Shards(folder)[:]) == source.read_text()


def test_what_cannot_be_is_refused(tmp_path, tok, bpe, small_corpus):
    with pytest.raises(DataError, match="has no files"):
        run(tmp_path, tmp_path / "out", tok)
    (tmp_path / "bad.txt").write_bytes(b"plus \xff plus")
    with pytest.raises(DataError, match=r"b'\\xff pl' is not UTF-8"):
        run(tmp_path, tmp_path / "out", tok)
    assert not list((tmp_path / "out").glob("*.tokens"))
    (tmp_path / "bad.txt").write_text("Q")
    with pytest.raises(ValueError, match="'Q' at position 0"):
        run(tmp_path, tmp_path / "out", tok)
    with pytest.raises(DataError, match="holds no shards"):
        Shards(tmp_path / "out")
    (tmp_path / "bad.txt").write_text(small_corpus.text)
    run(tmp_path, tmp_path / "out", tok)
    run(tmp_path, tmp_path / "other", bpe)
    (tmp_path / "other/000000.tokens").rename(tmp_path / "out/000001.tokens")
    with pytest.raises(DataError, match="not of one tokenizer"):
        Shards(tmp_path / "out")


@pytest.mark.skipif(sys.platform != "linux", reason="other units of memory elsewhere")
def test_memory_does_not_grow_with_the_text(tmp_path, bpe, small_corpus):
    bpe.save(tmp_path / "tokenizer.json")
    (tmp_path / "t.txt").write_text(small_corpus.text * 2_000)  # 20 MB
    book = {"text": small_corpus.text * 1_000}  # a document is in memory, not its ids
    (tmp_path / "t.jsonl").write_text(json.dumps(book))
    for name in ("t.txt", "t.jsonl"):
        assert (tmp_path / name).stat().st_size > 7_500_000
        command = [sys.executable, "-c", MEMORY, "tokenizer.json", name, f"{name}.out"]
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=tmp_path, check=True
        )
        # A block's ids as Python numbers are what it takes; all would take 500 MB.
        assert int(done.stdout) < 150_000_000, name


def test_shards_of_a_text_that_is_gone_go_too(tmp_path, bpe):
    for name in ("a", "b"):
        (tmp_path / f"{name}.txt").write_text(f"{name} is here.\n")
    run(tmp_path, tmp_path / "out", bpe)
    (tmp_path / "b.txt").unlink()
    run(tmp_path, tmp_path / "out", bpe)
    left = Shards(tmp_path / "out")[:].tolist()
    assert left == [bpe.vocab_size - 1, *bpe.encode("a is here.\n")]


STORIES = [f"Story {i}: {'so ' * (i % 7)}it went.\nEnd é." for i in range(300)]


def expected(bpe, texts):
    return [i for text in texts for i in [bpe.vocab_size - 1, *bpe.encode(text)]]


@pytest.mark.parametrize("shard_bytes", [50, 777, 10**6])
def test_a_line_of_json_is_a_document(tmp_path, bpe, shard_bytes):
    lines = [json.dumps({"id": i, "text": text}) for i, text in enumerate(STORIES)]
    lines[7:7] = ["", json.dumps({"text": ""})]
    (tmp_path / "a.jsonl").write_text("\n".join(lines[:200]))
    with gzip.open(tmp_path / "b.jsonl.gz", "wt") as file:
        file.write("\n".join(lines[200:]) + "\n")
    run(tmp_path, tmp_path / "out", bpe, shard_bytes=shard_bytes)
    assert Shards(tmp_path / "out")[:].tolist() == expected(bpe, STORIES)


def test_a_long_document_stays_one(tmp_path, bpe, monkeypatch):
    monkeypatch.setattr(documents, "BLOCK", 64)
    texts = ["".join(STORIES[:40]), "short", "".join(STORIES[40:])]
    lines = [json.dumps({"text": text}) for text in texts]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    run(tmp_path, tmp_path / "out", bpe)
    assert Shards(tmp_path / "out")[:].tolist() == expected(bpe, texts)


def test_lines_that_cannot_be_read_are_named(tmp_path, bpe):
    path = tmp_path / "a.jsonl"
    for bad in ('{"body": "x"}', "no JSON", "[1]"):
        path.write_text(bad)
        with pytest.raises(DataError, match=r"a.jsonl: the line .* with 'text'"):
            run(tmp_path, tmp_path / "out", bpe)
    path.write_text('{"body": "half \\ud800 one"}')
    run(tmp_path, tmp_path / "out", bpe, column="body")
    assert bpe.decode(Shards(tmp_path / "out")[1:]) == "half ? one"


def test_a_pattern_chooses_files(tmp_path, bpe):
    (tmp_path / "b").mkdir()
    (tmp_path / "a.txt").write_text("one\n")
    (tmp_path / "b" / "c.txt").write_text("two\n")
    run(tmp_path, tmp_path / "out", bpe, files="b/*")
    assert Shards(tmp_path / "out")[:].tolist() == expected(bpe, ["two\n"])


def write_parquet(path, texts):
    table = pyarrow.table({"id": list(range(len(texts))), "text": texts})
    write_table(table, path, row_group_size=30)


def test_rows_of_parquet_are_documents(tmp_path, bpe):
    write_parquet(tmp_path / "a.parquet", STORIES)
    nothing = pyarrow.schema([("text", pyarrow.string())])
    ParquetWriter(tmp_path / "empty.parquet", nothing).close()
    run(tmp_path, tmp_path / "out", bpe, shard_bytes=2_000)
    shards = Shards(tmp_path / "out")
    assert len(shards.paths) > 3 and shards[:].tolist() == expected(bpe, STORIES)
    with pytest.raises(DataError, match=r"no column 'body', but \['id', 'text'\]"):
        run(tmp_path, tmp_path / "out", bpe, column="body")
    (tmp_path / "empty.parquet").unlink()
    with pytest.raises(DataError, match=r"'id' holds 1, expected text"):
        run(tmp_path, tmp_path / "ids", bpe, column="id")


def test_a_text_without_a_token_is_no_corpus(tmp_path, bpe):
    (tmp_path / "a.jsonl").write_text('{"text": ""}\n')
    run(tmp_path, tmp_path / "out", bpe)
    with pytest.raises(DataError, match="holds no tokens"):
        TokenCorpus(tmp_path / "out")


def test_without_its_reader_parquet_is_refused_in_a_line(tmp_path, bpe, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    with pytest.raises(
        DataError, match=r"a.parquet is a Parquet .* pip install pyarrow"
    ):
        run(tmp_path, tmp_path / "out", bpe)


class FakeHub:
    """What the library asks of Hugging Face, answered from a folder."""

    def __init__(self, folder):
        self.folder, self.opened = folder, []

    def dataset_info(self, name, revision):
        if name != "some/texts" or not (self.folder / revision).is_dir():
            raise OSError(f"404: {name} at {revision}")
        return type("Info", (), {"sha": revision})

    def list_repo_tree(self, name, recursive, revision, repo_type):
        assert repo_type == "dataset" and recursive
        for path in (self.folder / revision).rglob("*"):
            if path.is_file():
                name = str(path.relative_to(self.folder / revision))
                size = path.stat().st_size
                yield huggingface_hub.RepoFile(path=name, size=size, oid="7")

    def open(self, path, mode):
        self.opened.append(path)
        name = path.removeprefix("hf://datasets/some/texts@")
        return open(self.folder / name, mode)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    hub = FakeHub(tmp_path / "hub")
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: hub)
    monkeypatch.setattr(huggingface_hub, "HfFileSystem", lambda: hub)
    return hub


def test_a_dataset_is_read_where_it_is(tmp_path, bpe, hub):
    for branch, story in (("main", STORIES[0]), ("refs/convert/parquet", STORIES[1])):
        (hub.folder / branch / "en").mkdir(parents=True)
        (hub.folder / branch / "en" / "1.jsonl").write_text(json.dumps({"text": story}))
    (hub.folder / "main" / "README.md").write_text("A dataset.")
    run("some/texts", tmp_path / "out", bpe, files="en/*")
    assert hub.opened == ["hf://datasets/some/texts@main/en/1.jsonl"]
    assert Shards(tmp_path / "out")[:].tolist() == expected(bpe, STORIES[:1])
    assert run("some/texts", tmp_path / "out", bpe)[0][0] > 0  # done already
    (hub.folder / "main" / "en" / "1.jsonl").unlink()
    run("some/texts", tmp_path / "out", bpe)  # the Hub's own conversion
    assert Shards(tmp_path / "out")[:].tolist() == expected(bpe, STORIES[1:2])
    with pytest.raises(DataError, match=r"some/texts has no files 'de/\*'"):
        run("some/texts", tmp_path / "out", bpe, files="de/*")
    with pytest.raises(DataError, match="other/texts: no such folder, and no"):
        run("other/texts", tmp_path / "out", bpe)
    with pytest.raises(DataError, match="named like"):
        run("nowhere", tmp_path / "out", bpe)


def test_a_broken_line_to_the_hub_is_said(tmp_path, bpe, hub, monkeypatch):
    (hub.folder / "main").mkdir(parents=True)
    (hub.folder / "main" / "1.txt").write_text("one")
    monkeypatch.setattr(hub, "open", lambda path, mode: 1 / 0)
    with pytest.raises(DataError, match=r"1.txt could not be read to its end \(Zero"):
        run("some/texts", tmp_path / "out", bpe)


WEB = Path(__file__).parents[2] / "models" / "web"


def test_the_recipes_for_web_text_are_what_their_page_says():
    page, cloud = (WEB / "README.md").read_text(), (WEB / "sky.yaml").read_text()
    for name, tokens in (("fineweb", "10.0 billion"), ("openwebtext", "295 billion")):
        recipe = read_recipe(WEB / f"{name}.json")
        config, shape = recipe.training, build_config(recipe.model)
        seen = config.steps * config.batch_size * shape.block_size
        assert seen / 1e9 == pytest.approx(float(tokens.split()[0]), rel=5e-3)
        assert f"{tokens} |" in page and f"{name}) DATASET=" in cloud
        assert config.batch_size % config.accumulate == config.accumulate % 8 == 0
        assert f"6 × {shape.n_params:,}" in page and shape.vocab_size == 50304
    assert yaml.safe_load(cloud)["envs"] == {"RECIPE": "fineweb"}
    tuned = read_recipe(WEB / "shakespeare.json")
    assert (tuned.start, tuned.corpus) == ("gpt2", "tinyshakespeare")


KILLED = """
import sys
from gptlib import CharTokenizer
from gptlib.corpora.webtext import tokenize

for done, everything in tokenize("in", "out", CharTokenizer("abc "), processes=2,
                                 shard_bytes=200_000):
    print(done, flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other signals elsewhere")
def test_killed_it_leaves_nothing_running_and_goes_on(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("abc cab " * 400_000)
    code = [sys.executable, "-c", KILLED]
    process = subprocess.Popen(code, cwd=tmp_path, stdout=-1, stderr=-1, text=True)
    while process.stdout.readline().strip() in ("0", "200000"):
        pass
    process.kill()
    process.communicate()  # ends when the last worker has closed its output
    kept = sum(header["tokens"] for header in Shards(tmp_path / "out").headers)
    tok = CharTokenizer("abc ")
    steps = run(tmp_path / "in", tmp_path / "out", tok, shard_bytes=200_000)
    assert 0 < steps[0][0] <= 3_200_000 and kept > 0
    corpus = TokenCorpus(tmp_path / "out")
    corpus.shards.verify()
    assert tok.decode(corpus.shards[:]) == "abc cab " * 400_000
    assert not list((tmp_path / "out").glob(".*-tmp"))


def test_a_worker_that_is_killed_ends_the_job(tmp_path, bpe, monkeypatch):
    def broken(_):
        raise BrokenProcessPool

    monkeypatch.setattr(webtext, "as_completed", broken)
    for name in "ab":
        (tmp_path / f"{name}.txt").write_text("one")
    with pytest.raises(DataError, match="a process was killed"):
        run(tmp_path, tmp_path / "out", bpe, processes=2, shard_bytes=1)
