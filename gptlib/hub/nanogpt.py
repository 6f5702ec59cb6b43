"""Loads a checkpoint of nanoGPT, its ckpt.pt, as a `GPT`.

    model = read_nanogpt("out-shakespeare-char/ckpt.pt")
    ModelHandler("models/mine").save(model, CharTokenizer(text))

Read next: `export.py`.
"""

from pathlib import Path
from pickle import UnpicklingError

import torch

from gptlib.errors import ModelFileError, describe, require_int
from gptlib.files.meta import meta_device
from gptlib.hub.pretrained import SHAPE, their_name
from gptlib.model import GPT, GPTConfig

PREFIXES = ("_orig_mod.", "transformer.")  # of a compiled model, of all but the head
DAMAGE = (KeyError, TypeError, ValueError, AttributeError)
DAMAGE += (RuntimeError, EOFError, UnpicklingError)


def read_nanogpt(path: str | Path, *, vocab_size: int | None = None) -> GPT:
    """Read a ckpt.pt in float32 on the CPU, in eval mode.

    Only tensors, numbers and texts are unpickled, no programs. vocab_size: read only so
    many rows of the embedding. Biases that it lacks are zero. nanoGPT's GELU is exact,
    GPT-2's an approximation: logits differ by up to 0.02, losses in the sixth decimal
    (measured on models/plain). Raises OSError, or ModelFileError for another file.
    """
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
        shape = {name: stored["model_args"][name] for name in SHAPE}
        require_int("n_layer", shape["n_layer"], 1, 1000)
        rows = shape["vocab_size"] if vocab_size is None else vocab_size
        config = GPTConfig(**shape | {"vocab_size": rows})
        weights = dict(stored["model"])
        for prefix in PREFIXES:
            weights = {k.removeprefix(prefix): v for k, v in weights.items()}
        weights["wte.weight"] = weights["wte.weight"][:rows]
        with meta_device():
            model = GPT(config)
        needed = model.state_dict()
        biases = {k: torch.zeros(v.shape) for k, v in needed.items() if "bias" in k}
        theirs = {k: weights.get(their_name(k)) for k in needed}
        found = {k: v.float() for k, v in theirs.items() if v is not None}
        model.load_state_dict(biases | found, assign=True)
    except DAMAGE as error:
        raise ModelFileError(
            f"{path} is no checkpoint of nanoGPT ({describe(error)})"
        ) from None
    return model.requires_grad_().eval()
