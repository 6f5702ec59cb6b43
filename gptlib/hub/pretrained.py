"""Loads GPT-2's published weights, and folders in that format, as a `GPT`.

The model is the same; its files have other names, transposed matrices and another
configuration. Only safetensors are read: pickled files can run programs.
Read next: `tokenizer.py`, `nanogpt.py`, and `export.py` for the way back.
"""

import math
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

import torch
from torch import Tensor

from gptlib.bpe import BPETokenizer
from gptlib.errors import DataError, ModelFileError, describe, require_int
from gptlib.files.meta import meta_device, opened
from gptlib.hub.tokenizer import read_json, read_tokenizer
from gptlib.model import GPT, GPTConfig
from gptlib.tokenizer import Tokenizer


@dataclass(frozen=True)
class Published:
    """A commit of a model on the Hugging Face Hub, and its number of parameters."""

    revision: str
    parameters: int
    owner: str = "openai-community"


PUBLISHED = {
    "gpt2": Published("607a30d783dfa663caf39e06633721c8d4cfcd7e", 124_439_808),
    "gpt2-medium": Published("6dcaa7a952f72f9298047fd5137cd6e4f05f41da", 354_823_168),
    "gpt2-large": Published("32b71b12589c2f8d625668d2335a01cac3249519", 774_030_080),
    "gpt2-xl": Published("15ea56dee5df4983c59b2538573817e1667135e2", 1_557_611_200),
    "distilgpt2": Published(
        "2290a62682d06624634c1f46a6ad5be0f47f38aa", 81_912_576, "distilbert"
    ),
}
CONFIG, WEIGHTS = "config.json", "model.safetensors"
INDEX = f"{WEIGHTS}.index.json"
NAMES = {"blocks": "h", "qkv": "c_attn", "proj": "c_proj", "fc": "c_fc"}
# Causal masks that old files contain; they are the same in every GPT.
MASKS = (".attn.bias", ".attn.masked_bias")
SHAPE = {
    "vocab_size": "vocab_size",
    "block_size": "n_positions",
    "n_layer": "n_layer",
    "n_head": "n_head",
    "n_embd": "n_embd",
}
# What a GPT computes: the values that a configuration may have, the default first.
ARCHITECTURE = {
    "model_type": ("gpt2",),
    "activation_function": ("gelu_new", "gelu_pytorch_tanh"),
    "layer_norm_epsilon": (1e-5,),
    "scale_attn_weights": (True,),
    "scale_attn_by_inverse_layer_idx": (False,),
    "add_cross_attention": (False,),
    "tie_word_embeddings": (True,),
}
LISTED = 10  # differences that an error lists


def load_pretrained(
    source: str | Path, *, dropout: float | None = None
) -> tuple[GPT, Tokenizer]:
    """Load a published GPT-2, or a folder in that format, with its tokenizer.

        ModelHandler("models/gpt2").save(*load_pretrained("gpt2"))

    source: as for `read_gpt2`; a folder must hold a tokenizer.json, or vocab.json and
    merges.txt. Embedding rows beyond the tokenizer's vocabulary are dropped. Raises as
    `read_gpt2`, and DataError if GPT-2's merges cannot be fetched.
    """
    if source in PUBLISHED:
        tokenizer = BPETokenizer.gpt2()
    else:
        read_config(Path(source))  # what is no such folder is told first
        tokenizer = read_tokenizer(Path(source) / "tokenizer.json")
    size = tokenizer.vocab_size
    return read_gpt2(source, dropout=dropout, vocab_size=size), tokenizer


def read_gpt2(
    source: str | Path,
    *,
    dropout: float | None = None,
    vocab_size: int | None = None,
) -> GPT:
    """Read a GPT in float32 on the CPU, in eval mode.

    source: "gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl" or "distilgpt2", fetched once
    from the Hugging Face Hub at a fixed revision (an interrupted download is resumed),
    or a folder with config.json and model.safetensors. dropout: by default the folder's
    (GPT-2 was trained with 0.1). vocab_size: read only so many rows of the embedding.
    Needs memory for the model and one more matrix. Raises DataError if the files cannot
    be fetched or found, ModelFileError with a list of tensors that are missing,
    unexpected or of another shape.
    """
    folder = download(source) if source in PUBLISHED else Path(source)
    described = read_config(folder)
    config = to_config(folder / CONFIG, described, dropout)
    files = weight_files(folder)
    stored = check_tensors(folder, files, config)
    rows = config.vocab_size if vocab_size is None else vocab_size
    if require_int("vocab_size", rows, 1) > config.vocab_size:
        raise ModelFileError(
            f"{folder} holds embeddings of {config.vocab_size:,} tokens, not of the "
            f"{rows:,} of its tokenizer: after adding tokens, such as one for padding, "
            "call resize_token_embeddings, and save it again"
        )
    weights = {}
    # The largest first, while there is enough free memory for a second copy of it.
    for name in sorted(stored, key=lambda name: -stored[name][2]):
        path, their, _ = stored[name]
        keep = rows if name == "wte.weight" else None
        weights[name] = read_tensor(path, their, is_transposed(their), keep)
    config = GPTConfig(**vars(config) | {"vocab_size": rows})
    with meta_device():
        model = GPT(config)
    model.load_state_dict(weights, assign=True)
    return model.requires_grad_().eval()


# Set here, so that the class stays as `05_gpt` shows it and knows no files.
GPT.from_pretrained = staticmethod(read_gpt2)


def download(name: str) -> Path:
    """Return the folder of a published model in the Hub's cache; fetch it if missing.

    Raises DataError if that fails.
    """
    # Imported here because it loads a web client, which is needed nowhere else.
    from huggingface_hub import constants, hf_hub_download, try_to_load_from_cache

    published = PUBLISHED[name]
    repository = f"{published.owner}/{name}"
    try:
        for file in (CONFIG, WEIGHTS):
            wanted = {"filename": file, "revision": published.revision}
            if not isinstance(try_to_load_from_cache(repository, **wanted), str):
                look_up_host(constants.ENDPOINT)
            path = hf_hub_download(repository, **wanted)
    except Exception as error:  # a network fails in many ways
        raise DataError(
            f"{repository} at revision {published.revision} could not be fetched from "
            f"{constants.ENDPOINT} ({describe(error)}). It has "
            f"about {4 * published.parameters:,} bytes. Without a network, put its "
            f"{CONFIG} and {WEIGHTS} into a folder and pass the folder's path"
        ) from None
    return Path(path).parent


def look_up_host(address: str) -> None:
    """Raise OSError at once if the host has no address, as without a network.

    The Hub's own client would retry for half a minute.
    """
    if not getproxies():
        socket.getaddrinfo(urlsplit(address).hostname, None)


def read_config(folder: Path) -> dict:
    """The content of the folder's config.json. Raises DataError or ModelFileError."""
    path = folder / CONFIG
    if not path.is_file():
        raise DataError(
            f"{str(folder)!r} is neither a published model ({', '.join(PUBLISHED)}) "
            f"nor a folder with a {CONFIG}; gptlib.hub.nanogpt reads nanoGPT's ckpt.pt"
        )
    described = read_json(path)
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
        # Building a model with a billion layers would take minutes before any error.
        require_int("n_layer", described["n_layer"], 1, 1000)
        require_int("n_embd", described["n_embd"], 1, 2**20)
        shape = {ours: described[theirs] for ours, theirs in SHAPE.items()}
        return GPTConfig(**shape, dropout=max(rates) if dropout is None else dropout)
    except (TypeError, ValueError) as error:
        raise ModelFileError(f"{path}: {error}") from None


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a folder: one, or those that its index names."""
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    if (folder / INDEX).is_file():
        index = read_json(folder / INDEX)
        try:
            names = sorted(set(index["weight_map"].values()))
        except (KeyError, TypeError, AttributeError) as error:
            raise ModelFileError(f"{folder / INDEX} is damaged ({error})") from None
        if all(Path(str(name)).name == name for name in names):
            return [folder / name for name in names]
        raise ModelFileError(f"{folder / INDEX} names files outside its folder")
    remedy = "expected that file, which save_pretrained writes"
    if any(folder.glob("*.bin")):
        remedy = (
            "its .bin file can run programs and is not read; convert it with "
            "transformers' save_pretrained"
        )
    raise DataError(f"{folder} holds no {WEIGHTS}: {remedy}")


def check_tensors(
    folder: Path, files: list[Path], config: GPTConfig
) -> dict[str, tuple[Path, str, int]]:
    """Compare stored names and shapes with those of config, before allocating memory.

    Returns (file, stored name, size) for each of our tensors. Raises ModelFileError
    with a list of all differences.
    """
    with meta_device():
        needed = {k: list(v.shape) for k, v in GPT(config).state_dict().items()}
    needed = {their_name(k): (k, v) for k, v in needed.items()}
    found, different, heads = {}, [], []
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
                wanted = wanted[::-1] if wanted and is_transposed(name) else wanted
                if wanted is None:
                    different.append(f"{stored}: unexpected, of shape {shape}")
                elif wanted != shape:
                    different.append(f"{stored}: shape {shape}, expected {wanted}")
                elif kind not in ("F32", "F16", "BF16", "F64"):
                    different.append(f"{stored}: numbers of type {kind}, expected F32")
                found[ours] = (path, stored, math.prod(shape))
    different += [f"{name}: missing" for name in needed]
    if different:
        head = f"{folder} does not hold the weights its {CONFIG} describes"
        raise ModelFileError(listing(head, sorted(different)))
    for head in heads:
        check_tied(head, found["wte.weight"][:2])
    return found


def check_tied(head: tuple[Path, str], table: tuple[Path, str]) -> None:
    """Raise ModelFileError unless a stored output matrix equals the token embedding."""
    with opened(head[0]) as one, opened(table[0]) as other:
        one, other = one.get_slice(head[1]), other.get_slice(table[1])
        same = one.get_shape() == other.get_shape()
        for row in range(0, other.get_shape()[0] if same else 0, 4096):
            same = same and torch.equal(one[row : row + 4096], other[row : row + 4096])
    if not same:
        raise ModelFileError(
            f"{head[0]}: lm_head.weight differs from wte.weight; a GPT has one matrix "
            "for both, so this is another model"
        )


def read_tensor(path: Path, name: str, transpose: bool, rows: int | None) -> Tensor:
    """Copy the first rows of one tensor of a file, in float32."""
    # Opened anew for each tensor, so that the mapped memory is released in between.
    with opened(path) as file:
        stored = file.get_tensor(name)[:rows]
        stored = stored.T if transpose else stored
        return torch.empty(stored.shape).copy_(stored)


def their_name(name: str) -> str:
    """The Hub's name of our tensor: blocks.0.attn.qkv -> h.0.attn.c_attn."""
    return ".".join(NAMES.get(part, part) for part in name.split("."))


def is_transposed(name: str) -> bool:
    """Whether GPT-2 stores this tensor as (in, out); `nn.Linear` has (out, in)."""
    return ".c_" in name and name.endswith(".weight")


def listing(head: str, items: list[str]) -> str:
    """An error message with one line per item, for at most ten items."""
    more = [f"and {len(items) - LISTED} more"] if len(items) > LISTED else []
    return head + ":\n- " + "\n- ".join([*items[:LISTED], *more])
