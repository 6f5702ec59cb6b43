"""GPT-2's published weights, and folders of that form, as a `GPT` of ours.

The model is the same; three things about its files differ. Names; matrices, which
GPT-2 stores as (in, out) where `nn.Linear` has (out, in); and the hub's way of
saying what shape a model has. Only safetensors are read, which are numbers; older
kinds of files may run programs. Read next: `export.py`, the way back.
"""

import json
import math
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from gptlib.bpe import BPETokenizer
from gptlib.errors import DataError, ModelFileError, require_int
from gptlib.hub.tokenizer import read_tokenizer
from gptlib.model import GPT, GPTConfig
from gptlib.tokenizer import Tokenizer


@dataclass(frozen=True)
class Published:
    """A model on the Hugging Face hub, at one commit; `parameters` in all."""

    repository: str
    revision: str
    parameters: int


PUBLISHED = {
    "gpt2": Published(
        "openai-community/gpt2",
        "607a30d783dfa663caf39e06633721c8d4cfcd7e",
        124_439_808,
    ),
    "gpt2-medium": Published(
        "openai-community/gpt2-medium",
        "6dcaa7a952f72f9298047fd5137cd6e4f05f41da",
        354_823_168,
    ),
    "gpt2-large": Published(
        "openai-community/gpt2-large",
        "32b71b12589c2f8d625668d2335a01cac3249519",
        774_030_080,
    ),
    "gpt2-xl": Published(
        "openai-community/gpt2-xl",
        "15ea56dee5df4983c59b2538573817e1667135e2",
        1_557_611_200,
    ),
}
CONFIG, WEIGHTS = "config.json", "model.safetensors"
INDEX = f"{WEIGHTS}.index.json"
NAMES = {"blocks": "h", "qkv": "c_attn", "proj": "c_proj", "fc": "c_fc"}
# Masks that old files carry along; every GPT has the same.
MASKS = (".attn.bias", ".attn.masked_bias")
SHAPE = {
    "vocab_size": "vocab_size",
    "block_size": "n_positions",
    "n_layer": "n_layer",
    "n_head": "n_head",
    "n_embd": "n_embd",
}
# What a GPT computes. A configuration that says otherwise is another model's; one that
# does not say means the first of these.
ARCHITECTURE = {
    "model_type": ("gpt2",),
    "activation_function": ("gelu_new", "gelu_pytorch_tanh"),
    "layer_norm_epsilon": (1e-5,),
    "scale_attn_weights": (True,),
    "scale_attn_by_inverse_layer_idx": (False,),
    "add_cross_attention": (False,),
    "tie_word_embeddings": (True,),
}
LISTED = 10  # differences that an error spells out


def load_pretrained(
    source: str | Path, *, dropout: float | None = None
) -> tuple[GPT, Tokenizer]:
    """A published GPT-2, or a folder of that form, with its tokenizer.

    source: as for `read_gpt2`; a folder must hold a tokenizer.json. Rows of the
    embedding that no token uses (a padded vocabulary) are left out. So

        ModelHandler("models/gpt2").save(*load_pretrained("gpt2"))

    makes it a model folder like any other. Raises as `read_gpt2`, and DataError when
    GPT-2's merges cannot be had.
    """
    if source in PUBLISHED:
        tokenizer = BPETokenizer.gpt2()
    else:
        tokenizer = read_tokenizer(Path(source) / "tokenizer.json")
    size = tokenizer.vocab_size
    return read_gpt2(source, dropout=dropout, vocab_size=size), tokenizer


def read_gpt2(
    source: str | Path,
    *,
    dropout: float | None = None,
    vocab_size: int | None = None,
) -> GPT:
    """A GPT in float32 on the CPU, at rest, with the weights of source.

    source: "gpt2", "gpt2-medium", "gpt2-large" or "gpt2-xl", fetched once from the
    Hugging Face hub at a fixed revision (an interrupted download goes on where it
    was), or a folder with config.json and model.safetensors. dropout: None leaves
    the folder's (GPT-2 was trained with 0.1). vocab_size: take only so many rows of
    the embedding. Needs the memory of the model and of one matrix more.
    Raises DataError when nothing is to be had, ModelFileError that lists what is
    missing, too much or of another shape.
    """
    folder = download(source) if source in PUBLISHED else Path(source)
    described = read_config(folder)
    config = to_config(folder / CONFIG, described, dropout)
    files = weight_files(folder)
    places = check_tensors(folder, files, config)
    rows = config.vocab_size if vocab_size is None else vocab_size
    require_int("vocab_size", rows, 1, config.vocab_size)
    weights = {}
    # The largest first, while there is still room beside it for a second copy.
    by_size = sorted(places, key=lambda name: -places[name][2])
    for name in by_size:
        path, stored, _ = places[name]
        keep = rows if name == "wte.weight" else None
        weights[name] = read_tensor(path, stored, turned(stored), keep)
    config = GPTConfig(**vars(config) | {"vocab_size": rows})
    with torch.device("meta"):
        model = GPT(config)
    model.load_state_dict(weights, assign=True)
    return model.requires_grad_().eval()


# Set here: the class itself stays what 05 shows of it, and knows no files.
GPT.from_pretrained = staticmethod(read_gpt2)


def download(name: str) -> Path:
    """Fetch a published model, or find it in the hub's cache; returns its folder.

    Raises DataError when that fails.
    """
    # Not at the top: it brings a web client along, which nobody else needs.
    from huggingface_hub import (
        constants,
        hf_hub_download,
        try_to_load_from_cache,
    )

    it = PUBLISHED[name]
    try:
        for file in (CONFIG, WEIGHTS):
            wanted = {"filename": file, "revision": it.revision}
            if not isinstance(try_to_load_from_cache(it.repository, **wanted), str):
                look_up_host(constants.ENDPOINT)
            path = hf_hub_download(it.repository, **wanted)
    except Exception as error:  # a network fails in many ways
        first = str(error).strip().partition("\n")[0]
        raise DataError(
            f"{name}: {it.repository} at revision {it.revision} could not be fetched "
            f"from {constants.ENDPOINT} ({type(error).__name__}: {first:.200}). "
            f"It has about {4 * it.parameters:,} bytes. Without a network, put its "
            f"{CONFIG} and {WEIGHTS} into a folder and pass the folder's path"
        ) from None
    return Path(path).parent


def look_up_host(address: str) -> None:
    """Raise OSError at once where a name has no address: there is no network.

    The hub's own client would ask six times, for half a minute.
    """
    if not getproxies():
        socket.getaddrinfo(urlsplit(address).hostname, None)


def read_config(folder: Path) -> dict:
    """What the folder's config.json says. Raises DataError, or ModelFileError."""
    path = folder / CONFIG
    if not path.is_file():
        raise DataError(
            f"{str(folder)!r} is neither a published model ({', '.join(PUBLISHED)}) "
            f"nor a folder with a {CONFIG}"
        )
    try:
        described = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelFileError(f"{path} is damaged: it is no JSON ({error})") from None
    if not isinstance(described, dict):
        raise ModelFileError(f"{path} is damaged: it is no JSON object")
    if "class" in described:
        raise ModelFileError(
            f"{folder} is a model folder of this library: "
            f"ModelHandler({str(folder)!r}).load() reads it"
        )
    return described


def to_config(path: Path, described: dict, dropout: float | None) -> GPTConfig:
    """Our configuration for theirs; ModelFileError lists what a GPT does not have."""
    different = [
        f"{key} is {described[key]!r}, and a GPT has {' or '.join(map(repr, known))}"
        for key, known in ARCHITECTURE.items()
        if described.get(key, known[0]) not in known
    ]
    inner, width = described.get("n_inner"), described.get("n_embd")
    if inner is not None and width is not None and inner != 4 * width:
        different.append(f"n_inner is {inner!r}, and a GPT has 4 n_embd = {4 * width}")
    different += [f"{key} is missing" for key in SHAPE.values() if key not in described]
    if different:
        raise ModelFileError(listing(f"{path} describes no GPT-2", different))
    rates = [described.get(f"{kind}_pdrop", 0.1) for kind in ("embd", "attn", "resid")]
    try:
        # A layer count far beyond the file's would take minutes just to be refused.
        require_int("n_layer", described["n_layer"], 1, 1000)
        shape = {ours: described[theirs] for ours, theirs in SHAPE.items()}
        return GPTConfig(**shape, dropout=max(rates) if dropout is None else dropout)
    except (TypeError, ValueError) as error:
        raise ModelFileError(f"{path}: {error}") from None


def weight_files(folder: Path) -> list[Path]:
    """The safetensors of a folder: one, or the several that its index names."""
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    if (folder / INDEX).is_file():
        try:
            index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
            names = sorted(set(index["weight_map"].values()))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelFileError(f"{folder / INDEX} is damaged ({error})") from None
        if all(Path(str(name)).name == name for name in names):
            return [folder / name for name in names]
        raise ModelFileError(f"{folder / INDEX} names files outside of its folder")
    remedy = "expected that file, which save_pretrained writes"
    if any(folder.glob("*.bin")):
        remedy = (
            "its .bin file may run programs and is not read; convert it with "
            "transformers' save_pretrained"
        )
    raise DataError(f"{folder} holds no {WEIGHTS}: {remedy}")


def check_tensors(
    folder: Path, files: list[Path], config: GPTConfig
) -> dict[str, tuple[Path, str, int]]:
    """Compare names and shapes with what config needs, before any memory is taken.

    Returns file, stored name and size of each of our tensors. Raises ModelFileError
    listing every difference.
    """
    with torch.device("meta"):
        needed = {k: list(v.shape) for k, v in GPT(config).state_dict().items()}
    needed = {their_name(k): (k, v) for k, v in needed.items()}
    places, different, heads = {}, [], []
    for path in files:
        with opened(path) as file:
            for stored in file.keys():  # noqa: SIM118  (no dictionary)
                name = stored.removeprefix("transformer.")
                part = file.get_slice(stored)
                shape, kind = part.get_shape(), part.get_dtype()
                if name.endswith(MASKS):
                    continue
                if name == "lm_head.weight":
                    heads.append((path, stored))
                    continue
                ours, wanted = needed.pop(name, (None, None))
                wanted = wanted[::-1] if wanted and turned(name) else wanted
                if wanted is None:
                    different.append(f"{stored}: unexpected, of shape {shape}")
                elif wanted != shape:
                    different.append(f"{stored}: shape {shape}, expected {wanted}")
                elif kind not in ("F32", "F16", "BF16", "F64"):
                    different.append(f"{stored}: numbers of type {kind}, expected F32")
                places[ours] = (path, stored, math.prod(shape))
    different += [f"{name}: missing" for name in needed]
    if different:
        head = f"{folder} does not hold the weights its {CONFIG} describes"
        raise ModelFileError(listing(head, sorted(different)))
    for head in heads:
        check_tied(head, places["wte.weight"][:2])
    return places


def check_tied(head: tuple[Path, str], table: tuple[Path, str]) -> None:
    """Raise ModelFileError unless a stored output matrix is the token embedding."""
    with opened(head[0]) as one, opened(table[0]) as other:
        one, other = one.get_slice(head[1]), other.get_slice(table[1])
        same = one.get_shape() == other.get_shape()
        for row in range(0, other.get_shape()[0] if same else 0, 4096):
            same = same and torch.equal(one[row : row + 4096], other[row : row + 4096])
    if not same:
        raise ModelFileError(
            f"{head[0]}: lm_head.weight is not wte.weight; a GPT has one matrix for "
            "both, so this is another model"
        )


def read_tensor(path: Path, name: str, turn: bool, rows: int | None) -> Tensor:
    """One tensor of a file in float32, in memory of its own; its first rows only."""
    # Opened for each tensor: what was read is unmapped again, not counted twice.
    with opened(path) as file:
        stored = file.get_tensor(name)[:rows]
        stored = stored.T if turn else stored
        return torch.empty(stored.shape).copy_(stored)


def opened(path: Path):
    """A safetensors file, its header checked. Raises ModelFileError, or DataError."""
    try:
        return safe_open(path, framework="pt")
    except FileNotFoundError:
        raise DataError(f"{path} is missing, though an index names it") from None
    except SafetensorError as error:
        raise ModelFileError(
            f"{path} is cut short, damaged or no safetensors file ({error}); delete "
            "it and fetch it again"
        ) from None


def their_name(name: str) -> str:
    """The hub's name for a tensor of ours: blocks.0.attn.qkv -> h.0.attn.c_attn."""
    return ".".join(NAMES.get(part, part) for part in name.split("."))


def turned(name: str) -> bool:
    """Does GPT-2 store this tensor (in, out), where `nn.Linear` has (out, in)?"""
    return ".c_" in name and name.endswith(".weight")


def listing(head: str, items: list[str]) -> str:
    """An error's text: one line an item, the first ten of them."""
    more = [f"and {len(items) - LISTED} more"] if len(items) > LISTED else []
    return head + ":\n- " + "\n- ".join([*items[:LISTED], *more])
