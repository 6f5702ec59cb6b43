"""Writes a model as one HTML page that runs it in a browser, without a network.

The weights travel in half precision, with a forward pass in plain JavaScript; the parts
of the page are in `static/`. Read next: `static/model.js`.
"""

import gzip
import re
from base64 import b64encode
from hashlib import sha256
from html import escape
from pathlib import Path

import numpy as np
import torch
from torch import nn

from gptlib.bpe import END_OF_TEXT, PATTERN
from gptlib.files.atomic import to_json, write_atomically
from gptlib.model import GPT
from gptlib.modern import ModernGPT
from gptlib.tokenizer import Tokenizer

STATIC = Path(__file__).parent / "static"
SCRIPTS = ("model.js", "tokenizer.js", "page.js")
MARK = b'<meta name="generator" content="gptlib">'
# What stays behind: n-grams take more memory than the transformer.
LEFT = {
    "WithTables": "The n-gram tables that gptlib adds to its embeddings stayed behind",
    "WithCounts": "The n-gram counts that it was trained to correct stayed behind",
    "Mixture": "The n-gram counts that gptlib averages its guesses with stayed behind",
}


def write_page(
    to: Path, model: nn.Module, tokenizer: Tokenizer, notes: dict[str, str]
) -> Path:
    """Write a model as a page; returns the file, to/index.html unless to is a .html.

    notes: rows of the page's table. Of a model around another the transformer inside
    travels. Raises TypeError where there is none, ValueError for weights that half
    precision cannot hold or a file that is no such page, OSError if writing fails.
    """
    file = to if to.suffix == ".html" else to / "index.html"
    name = to.resolve().name.removesuffix(".html")
    content = page_of(name, model, tokenizer, notes).encode()
    if file.exists() and MARK not in file.read_bytes()[:1000]:
        raise ValueError(f"{file} is another page: choose another folder")
    write_atomically(file, content)
    return file


def page_of(
    name: str, model: nn.Module, tokenizer: Tokenizer, notes: dict[str, str]
) -> str:
    """The page's HTML. Raises as `write_page`."""
    left, inner = LEFT.get(type(model).__name__, ""), model
    while isinstance(getattr(inner, "model", None), nn.Module):
        inner = inner.model
    if type(inner) not in (GPT, ModernGPT):
        raise TypeError(
            f"{type(inner).__name__} is no transformer: expected a GPT or a ModernGPT"
        )
    tensors = _half(inner)
    if left:  # what was measured is not what travels
        notes = {f"{k}, with its counts" if "Loss" in k else k: notes[k] for k in notes}
    about = {
        "name": name,
        "parameters": sum(t.size for t in tensors.values()),
        "trained_on": notes.get("Trained on", "").partition(" (")[0],
        "left_behind": left and f"{left}; the transformer alone predicts less well.",
        "facts": notes,
        "config": _describe(inner),
        "tokenizer": tokenizer.to_dict() | {"pattern": PATTERN, "end": END_OF_TEXT},
        "tensors": [[name, t.shape] for name, t in tensors.items()],
    }
    about = to_json(about).replace("<", "\\u003c")  # "</script>" ends nothing
    style = (STATIC / "page.css").read_text("utf-8")
    script = "\n".join((STATIC / part).read_text("utf-8") for part in SCRIPTS)
    allowed = [f"'sha256-{_digest(text)}'" for text in (style, script)]
    parts = {
        "title": escape(name),
        "policy": "default-src 'none'; img-src data:; base-uri 'none'; form-action "
        "'none'; style-src {}; script-src {}".format(*allowed),
        "style": style,
        "script": script,
        "about": about,
        "weights": _zipped(tensors),
    }
    template = (STATIC / "page.html").read_text("utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], template)


def _describe(model: GPT | ModernGPT) -> dict:
    """The configuration as model.js needs it; the rest it sees from the tensors."""
    shape = ("vocab_size", "block_size", "n_layer", "n_head", "n_embd")
    described = {name: getattr(model.config, name) for name in shape}
    modern = isinstance(model, ModernGPT)
    for part in ("relu2", "qk_norm"):
        described[part] = modern and part not in model.config.without
    return described


def _half(model: nn.Module) -> dict[str, np.ndarray]:
    """The weights in half precision, by the names of a ModernGPT."""
    tensors = {}
    for name, tensor in model.state_dict().items():
        half = tensor.detach().to("cpu", torch.float16)
        if not torch.isfinite(half).all():
            raise ValueError(f"{name} holds numbers that half precision cannot")
        tensors[re.sub(r"\bln_", "norm_", name)] = half.numpy()
    return tensors


def _zipped(tensors: dict[str, np.ndarray]) -> str:
    # All low bytes, then all high ones, which alone are worth compressing: an eighth.
    numbers = np.concatenate([t.ravel() for t in tensors.values()]).astype("<f2")
    planes = numbers.view(np.uint8).reshape(-1, 2).T.tobytes()
    return b64encode(gzip.compress(planes, mtime=0)).decode()


def _digest(text: str) -> str:
    return b64encode(sha256(text.encode()).digest()).decode()
