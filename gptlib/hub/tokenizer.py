"""Converts tokenizers to and from the tokenizer.json of the Hugging Face libraries.

A tokenizer.json is a pipeline: split the text, look the parts up, join them again. A
CharTokenizer becomes words of one character, a BPETokenizer their byte-level BPE.
Read next: `pretrained.py` and `export.py`, which use it.
"""

import json
from pathlib import Path

from gptlib.bpe import LETTERS, BPETokenizer
from gptlib.errors import DataError, ModelFileError, describe
from gptlib.files.merges import read_merges
from gptlib.tokenizer import CharTokenizer, Tokenizer

# What makes other tokens than those of the text as it is.
CHANGES = ("normalizer", "post_processor", "dropout")
CHANGES += ("continuing_subword_prefix", "end_of_word_suffix")
BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}


def to_hub(tokenizer: Tokenizer) -> dict:
    """The content of tokenizer.json for one of our tokenizers.

    One difference remains: theirs always encodes the text of a special token as that
    token. Raises TypeError for a tokenizer of another class.
    """
    if isinstance(tokenizer, BPETokenizer):
        parts = _from_bpe(tokenizer)
    elif isinstance(tokenizer, CharTokenizer):
        parts = _from_characters(tokenizer)
    else:
        raise TypeError(
            f"{tokenizer!r:.60}: expected a CharTokenizer or a BPETokenizer"
        )
    unused = ("truncation", "padding", "normalizer", "post_processor")
    return {"version": "1.0", **dict.fromkeys(unused), **parts}


def _from_characters(tokenizer: CharTokenizer) -> dict:
    one = {"Regex": r"[\s\S]"}
    split = {"type": "Split", "pattern": one, "behavior": "Isolated", "invert": False}
    # "<none>" has no id, so that an unknown character is an error there, too.
    model = {"type": "WordLevel", "vocab": dict(tokenizer.ids), "unk_token": "<none>"}
    return {
        "added_tokens": [],
        "pre_tokenizer": split,
        "decoder": {"type": "Fuse"},
        "model": model,
    }


def _from_bpe(tokenizer: BPETokenizer) -> dict:
    spelled = [spell(token) for token in tokenizer.token_bytes]
    none = ("dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix")
    off = ("fuse_unk", "byte_fallback", "ignore_merges")
    model = {
        "type": "BPE",
        **dict.fromkeys(none),
        **dict.fromkeys(off, False),
        "vocab": {token: i for i, token in enumerate(spelled)},
        "merges": [[spelled[a], spelled[b]] for a, b in tokenizer.merges],
    }
    plain = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    added = [
        {"id": i, "content": text, "special": True} | plain
        for text, i in tokenizer.special_ids.items()
    ]
    split = BYTE_LEVEL | {"trim_offsets": True}
    parts = {"pre_tokenizer": split, "decoder": split, "model": model}
    return {"added_tokens": added, **parts}


def read_tokenizer(path: Path) -> Tokenizer:
    """Read a tokenizer.json of single characters, or of byte-level BPE like GPT-2's.

    Where there is none, vocab.json and merges.txt beside it are read. Raises DataError
    without these files, ModelFileError for any other tokenizer.
    """
    try:
        older = (path.with_name("merges.txt")).is_file() and not path.is_file()
        stored = _from_two_files(path.parent) if older else read_json(path)
    except OSError as error:
        raise DataError(
            f"{error.filename} cannot be read ({error.strerror}); GPT.from_pretrained "
            "reads only the weights"
        ) from None
    try:
        kind = stored["model"]["type"]
        for token in stored["added_tokens"]:
            if not token["special"]:
                raise ValueError(f"it adds {token['content']!r}, an ordinary token")
        parts = stored["model"] | {"normalizer": stored.get("normalizer")}
        after = str(stored.get("post_processor"))  # "cls" is BERT's
        adds = "SpecialToken" in after or "'cls'" in after
        parts["post_processor"] = adds and after
        for name in filter(parts.get, CHANGES):
            raise ValueError(f"its {name}, {parts[name]!s:.60}, gives other tokens")
        if kind == "WordLevel":
            return _to_characters(stored)
        if kind == "BPE":
            return _to_bpe(stored)
        raise ValueError(f"its model is {kind!r}")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelFileError(
            f"{path if path.is_file() else path.parent} is neither a tokenizer of "
            f"single characters nor one like GPT-2's ({describe(error)})"
        ) from None


def read_json(path: Path) -> object:
    """Read a JSON file. Raises ModelFileError if it is no JSON, OSError."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{path} is damaged: it is no JSON ({error})") from None


def _from_two_files(folder: Path) -> dict:
    """What tokenizer.json would hold, of vocab.json and merges.txt."""
    vocabulary = read_json(folder / "vocab.json")
    lines = (folder / "merges.txt").read_text("utf-8", errors="replace").split("\n")
    merges = [line.split(" ") for line in lines if line and line[:8] != "#version"]
    made = {*LETTERS.values(), *map("".join, merges)}
    others = [{"content": t, "id": vocabulary[t]} for t in vocabulary if t not in made]
    if (folder / "added_tokens.json").is_file():
        others += [{"special": False, "content": "added_tokens.json"}]
    return {
        "pre_tokenizer": BYTE_LEVEL,
        "added_tokens": [{"special": True} | token for token in others],
        "model": {"type": "BPE", "vocab": vocabulary, "merges": merges},
    }


def _to_characters(stored: dict) -> CharTokenizer:
    vocabulary = stored["model"]["vocab"]
    tokenizer = CharTokenizer("".join(vocabulary))
    if tokenizer.ids != vocabulary:
        raise ValueError("its words are not single characters in order")
    return tokenizer


def _to_bpe(stored: dict) -> BPETokenizer:
    split = stored["pre_tokenizer"]
    if {k: split.get(k, True) for k in BYTE_LEVEL} != BYTE_LEVEL:
        raise ValueError(f"it splits the text by {split}")
    vocabulary = dict(stored["model"]["vocab"])
    added = {token["content"]: token["id"] for token in stored["added_tokens"]}
    special = sorted(added, key=added.get)
    merges = [
        pair.split(" ") if isinstance(pair, str) else pair
        for pair in stored["model"]["merges"]
    ]
    tokenizer = BPETokenizer(read_merges(merges, LETTERS.values()), special)
    expected = {spell(token): i for i, token in enumerate(tokenizer.token_bytes)}
    expected, given = expected | tokenizer.special_ids, vocabulary | added
    for token in given | expected:
        if given.get(token) != expected.get(token):
            raise ValueError(
                "its ids are not 256 bytes, then merges, then special tokens: "
                f"{token!r} has {given.get(token)}, expected {expected.get(token)}"
            )
    return tokenizer


def spell(token: bytes) -> str:
    """A token's bytes as visible characters."""
    return "".join(LETTERS[byte] for byte in token)
