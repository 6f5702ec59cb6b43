"""A tokenizer as the Hugging Face libraries store it, in a tokenizer.json, both ways.

Theirs is a pipeline: cut the text, look pieces up, join them again. Characters are a
vocabulary of words one character long; ours of pieces is their byte-level BPE.
Read next: `pretrained.py` and `export.py`, which use it.
"""

import json
from pathlib import Path

from gptlib.bpe import LETTERS, BPETokenizer
from gptlib.errors import DataError, ModelFileError
from gptlib.tokenizer import CharTokenizer, Tokenizer

BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}


def to_hub(tokenizer: Tokenizer) -> dict:
    """The content of tokenizer.json for a tokenizer of ours.

    One difference stays: theirs always reads the text of a special token as that
    token. Raises TypeError for a tokenizer of another kind.
    """
    if isinstance(tokenizer, BPETokenizer):
        parts = _from_pieces(tokenizer)
    elif isinstance(tokenizer, CharTokenizer):
        parts = _from_characters(tokenizer)
    else:
        raise TypeError(
            f"{tokenizer!r:.60}: expected a CharTokenizer or a BPETokenizer"
        )
    nothing = {"truncation": None, "padding": None, "normalizer": None}
    return {"version": "1.0", **nothing, "post_processor": None, **parts}


def _from_characters(tokenizer: CharTokenizer) -> dict:
    one = {"Regex": r"[\s\S]"}
    cut = {"type": "Split", "pattern": one, "behavior": "Isolated", "invert": False}
    # No token stands for what is unknown: an unknown character is an error there, too.
    model = {"type": "WordLevel", "vocab": dict(tokenizer.ids), "unk_token": "<none>"}
    return {
        "added_tokens": [],
        "pre_tokenizer": cut,
        "decoder": {"type": "Fuse"},
        "model": model,
    }


def _from_pieces(tokenizer: BPETokenizer) -> dict:
    written = [spell(piece) for piece in tokenizer.pieces]
    first_special = len(written)
    model = {
        "type": "BPE",
        "dropout": None,
        "unk_token": None,
        "continuing_subword_prefix": None,
        "end_of_word_suffix": None,
        "fuse_unk": False,
        "byte_fallback": False,
        "ignore_merges": False,
        "vocab": {piece: i for i, piece in enumerate(written)},
        "merges": [[written[a], written[b]] for a, b in tokenizer.merges],
    }
    plain = ("single_word", "lstrip", "rstrip", "normalized")
    added = [
        {"id": first_special + i, "content": text, "special": True}
        | dict.fromkeys(plain, False)
        for i, text in enumerate(tokenizer.special_tokens)
    ]
    cut = BYTE_LEVEL | {"trim_offsets": True}
    return {"added_tokens": added, "pre_tokenizer": cut, "decoder": cut, "model": model}


def read_tokenizer(path: Path) -> Tokenizer:
    """The tokenizer of ours that a tokenizer.json describes.

    Raises DataError without that file, ModelFileError when it describes another kind:
    only single characters and GPT-2's byte-level BPE are known here.
    """
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror}); GPT.from_pretrained reads the "
            "weights alone"
        ) from None
    except ValueError as error:
        raise ModelFileError(f"{path} is damaged: it is no JSON ({error})") from None
    try:
        kind = stored["model"]["type"]
        if kind == "WordLevel":
            return _to_characters(stored)
        if kind == "BPE":
            return _to_pieces(stored)
        raise ValueError(f"its model is {kind!r}")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        said = f"{type(error).__name__}: {error}"
        raise ModelFileError(
            f"{path} is no tokenizer of single characters and none like GPT-2's "
            f"({said:.200})"
        ) from None


def _to_characters(stored: dict) -> CharTokenizer:
    vocabulary = stored["model"]["vocab"]
    tokenizer = CharTokenizer("".join(vocabulary))
    if tokenizer.ids != vocabulary:
        raise ValueError("its words are not single characters in order")
    return tokenizer


def _to_pieces(stored: dict) -> BPETokenizer:
    cut = stored["pre_tokenizer"]
    if {k: cut.get(k, True) for k in BYTE_LEVEL} != BYTE_LEVEL:
        raise ValueError(f"it cuts the text by {cut}")
    vocabulary = dict(stored["model"]["vocab"])
    added = {token["content"]: token["id"] for token in stored["added_tokens"]}
    special = sorted(added, key=added.get)
    merges = [
        pair.split(" ") if isinstance(pair, str) else pair
        for pair in stored["model"]["merges"]
    ]
    pairs = [(vocabulary[a], vocabulary[b]) for a, b in merges]
    tokenizer = BPETokenizer(pairs, special)
    expected = {spell(piece): i for i, piece in enumerate(tokenizer.pieces)}
    expected |= {text: len(expected) + i for i, text in enumerate(special)}
    if vocabulary | added != expected:
        raise ValueError("its ids are not 256 bytes, then merges, then special tokens")
    return tokenizer


def spell(piece: bytes) -> str:
    """A piece's bytes as visible characters."""
    return "".join(LETTERS[byte] for byte in piece)
