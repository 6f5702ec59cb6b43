"""Writes a GPT as a folder that the Hugging Face libraries load.

`AutoModelForCausalLM.from_pretrained(folder)` gives the model, and tools for serving,
quantising and sharing work with it. Read next: `page.py`; then `handler/`, whose
`export` calls this.
"""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from gptlib.bpe import END_OF_TEXT, BPETokenizer
from gptlib.errors import require_choice
from gptlib.files.atomic import (
    remove_leftovers,
    replacing,
    to_json,
    write_atomically,
)
from gptlib.files.lock import LOCK, locked
from gptlib.hub.page import write_page
from gptlib.hub.pretrained import (
    ARCHITECTURE,
    CONFIG,
    SHAPE,
    WEIGHTS,
    is_transposed,
    their_name,
)
from gptlib.hub.tokenizer import to_hub
from gptlib.model import GPT
from gptlib.tokenizer import Tokenizer
from gptlib.training import Step

FORMATS = ("huggingface", "page")
CARD, MARK = "README.md", ("exported_by", "gptlib")
TOKENIZER = ("tokenizer.json", "tokenizer_config.json")


def export_model(
    folder: Path,
    model: nn.Module,
    tokenizer: Tokenizer,
    notes: dict[str, str],
    format: str = "huggingface",
) -> Path:
    """Write a model, its tokenizer and a model card into folder; returns it.

    notes: rows of the card's table, such as {"Trained on": "..."}. format "page": as
    `write_page` does. Raises TypeError for a model that is no GPT, ValueError for
    weights that are not finite, an unknown format or a folder with other files, OSError
    if writing fails.
    """
    if require_choice("format", format, FORMATS) == "page":
        return write_page(folder, model, tokenizer, notes)
    if type(model) is not GPT:
        raise TypeError(
            f"{type(model).__name__} exists only in gptlib: expected a GPT, which "
            "other libraries know as GPT-2"
        )
    tensors = _their_tensors(model)
    with locked(folder, keep=False):  # it is for others, as it is
        _require_export_folder(folder)
        remove_leftovers(folder)
        _write_export(folder, model, tensors, tokenizer, notes)
    return folder


def _write_export(
    folder: Path,
    model: GPT,
    tensors: dict[str, Tensor],
    tokenizer: Tokenizer,
    notes: dict[str, str],
) -> None:
    files = {
        TOKENIZER[0]: to_hub(tokenizer),
        TOKENIZER[1]: _tokenizer_config(model, tokenizer),
        CONFIG: hub_config(model, tokenizer),  # written last: it marks a whole export
    }
    # Straight to disk: bytes in memory would be a second copy of the model.
    with replacing(folder / WEIGHTS) as file:
        save_file(tensors, file.name, metadata={"format": "pt"} | dict([MARK]))
    write_atomically(folder / CARD, model_card(folder.name, model, notes).encode())
    for name, content in files.items():
        text = to_json(content, ensure_ascii=False, indent=1) + "\n"
        write_atomically(folder / name, text.encode())


def hub_config(model: GPT, tokenizer: Tokenizer) -> dict:
    """The complete config.json of a GPT, independent of other libraries' defaults."""
    end = _end_of_text(tokenizer)
    config, rate = model.config, model.dropout
    architecture = {key: known[0] for key, known in ARCHITECTURE.items()}
    shape = {theirs: getattr(config, ours) for ours, theirs in SHAPE.items()}
    rates = dict.fromkeys(("embd_pdrop", "attn_pdrop", "resid_pdrop"), rate)
    return {
        MARK[0]: MARK[1],
        "architectures": ["GPT2LMHeadModel"],
        **architecture,
        **shape,
        **rates,
        "n_inner": None,
        "dtype": "float32",
        "bos_token_id": end,
        "eos_token_id": end,
    }


def model_card(name: str, model: GPT, notes: dict[str, str]) -> str:
    """The README.md of an exported model."""
    config = model.config
    shape = f"{config.n_layer} layers, {config.n_head} heads, {config.n_embd} wide"
    rows = {
        "Architecture": f"GPT-2: {shape}",
        "Parameters": f"{config.n_params:,}, the output tied to the embedding",
        "Context": f"{config.block_size} tokens",
        "Vocabulary": f"{config.vocab_size:,} tokens",
    } | notes
    table = "\n".join(f"| {key} | {value} |" for key, value in rows.items())
    return f"""---
library_name: transformers
pipeline_tag: text-generation
tags:
- gpt2
- gptlib
---

# {name}

| | |
|---|---|
{table}

Trained with gptlib and exported by `ModelHandler.export`. The model continues text like
its training text. It knows nothing else, and nothing checks what it generates.

```python
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("{name}")
model = AutoModelForCausalLM.from_pretrained("{name}")
```

Back into gptlib:

```python
from gptlib import ModelHandler
from gptlib.hub.pretrained import load_pretrained

ModelHandler("models/{name}").save(*load_pretrained("{name}"))
```
"""


def training_notes(trained_on: dict, history: list[Step]) -> dict[str, str]:
    """The rows of a model card about the training, if the folder tells of one."""
    if "corpus" not in trained_on:
        return {}
    config = trained_on.get("config", {})
    corpus = Path(str(trained_on["corpus"])).name  # no folder of the writer's
    notes = {"Trained on": f"{corpus} (SHA-256 {trained_on['sha256']})"}
    if history:
        # A folder stored before there was a choice does not name its optimizer.
        last = history[-1]
        notes["Training"] = (
            f"{last.step:,} of {config['steps']:,} steps, {last.tokens:,} tokens, "
            f"{last.seconds / 60:.1f} minutes, {config.get('optimizer', 'adamw')}"
        )
    measured = [step for step in history if step.val is not None]
    if measured:
        val = f"{measured[-1].val:.3f} nats per token (step {measured[-1].step:,})"
        whole = config.get("eval_tokens") is None
        split = "the whole validation split" if whole else "validation"
        notes[f"Loss on {split}"] = val
    return notes


def _tokenizer_config(model: GPT, tokenizer: Tokenizer) -> dict:
    described = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": model.block_size,
        "clean_up_tokenization_spaces": False,
    }
    if _end_of_text(tokenizer) is not None:
        described |= {"bos_token": END_OF_TEXT, "eos_token": END_OF_TEXT}
    return described


def _end_of_text(tokenizer: Tokenizer) -> int | None:
    if not isinstance(tokenizer, BPETokenizer):
        return None
    return tokenizer.special_ids.get(END_OF_TEXT)


def _require_export_folder(folder: Path) -> None:
    """Raise ValueError for a folder with files that an export did not write."""
    if not folder.is_dir():
        return
    if {path.name for path in folder.iterdir()} - {LOCK} and not _is_ours(folder):
        raise ValueError(
            f"{folder} holds other files than a model exported by gptlib: choose an "
            "empty or a new folder"
        )


def _is_ours(folder: Path) -> bool:
    """Whether an export wrote the folder; a whole one, or one that was cut off."""
    try:
        if (folder / CONFIG).is_file():
            before = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        else:
            with safe_open(folder / WEIGHTS, framework="pt") as file:
                before = file.metadata()
        return before.get(MARK[0]) == MARK[1]
    except (OSError, ValueError, AttributeError, TypeError, SafetensorError):
        return False


def _their_tensors(model: GPT) -> dict[str, Tensor]:
    """The weights as Hugging Face names and lays them out; ValueError unless finite."""
    tensors = {}
    for name, tensor in model.state_dict().items():
        theirs = "transformer." + their_name(name)
        if not torch.isfinite(tensor).all():
            raise ValueError(f"{name} holds numbers that are not finite: train again")
        tensor = tensor.detach().to("cpu", torch.float32)
        tensor = tensor.T if is_transposed(theirs) else tensor
        tensors[theirs] = tensor.contiguous()
    return tensors
