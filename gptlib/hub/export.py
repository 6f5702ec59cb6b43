"""A GPT as a folder for the Hugging Face libraries: `pretrained.py` the other way.

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder)

and everything made for them (serving, quantising, sharing) works on a model of ours.
Read next: `handler.py`, whose `export` calls this.
"""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

from gptlib.bpe import END_OF_TEXT, BPETokenizer
from gptlib.errors import require_choice
from gptlib.files.atomic import remove_leftovers, replacing, write_atomically
from gptlib.hub.pretrained import (
    ARCHITECTURE,
    CONFIG,
    SHAPE,
    WEIGHTS,
    their_name,
    turned,
)
from gptlib.hub.tokenizer import to_hub
from gptlib.model import GPT
from gptlib.tokenizer import Tokenizer
from gptlib.training import Step

FORMATS = ("huggingface",)
CARD = "README.md"
TOKENIZER = ("tokenizer.json", "tokenizer_config.json")


def export_model(
    folder: Path,
    model: nn.Module,
    tokenizer: Tokenizer,
    notes: dict[str, str],
    format: str = "huggingface",
) -> None:
    """Write model and tokenizer into folder, and a model card with the notes.

    notes: rows of the card's table, such as {"Trained on": "..."}. Raises TypeError
    for a model that is no GPT-2, ValueError for numbers that are none, another format
    or a folder with something else in it, OSError when the disk refuses.
    """
    require_choice("format", format, FORMATS)
    if type(model) is not GPT:
        raise TypeError(
            f"{type(model).__name__}: only a GPT is GPT-2, which other libraries "
            "know; this model exists in gptlib alone"
        )
    _require_ours_to_write(folder)
    parts = (to_hub(tokenizer), _tokenizer_config(model, tokenizer))
    files = {
        **dict(zip(TOKENIZER, parts, strict=True)),
        CONFIG: hub_config(model, tokenizer),
    }
    _write_weights(folder, model)
    write_atomically(folder / CARD, model_card(folder.name, model, notes).encode())
    for name, content in files.items():
        text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
        write_atomically(folder / name, text.encode())


def hub_config(model: GPT, tokenizer: Tokenizer) -> dict:
    """The config.json of a GPT, complete: nothing is left to another's defaults."""
    end = _end_of_text(tokenizer)
    config, rate = model.config, model.dropout
    architecture = {key: known[0] for key, known in ARCHITECTURE.items()}
    shape = {theirs: getattr(config, ours) for ours, theirs in SHAPE.items()}
    rates = dict.fromkeys(("embd_pdrop", "attn_pdrop", "resid_pdrop"), rate)
    return {
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
    """What a stranger needs to know of an exported model, as Markdown."""
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

Trained with gptlib and exported by `ModelHandler.export`. It continues text like the
text it was trained on; it knows nothing else, and what it says is not checked by
anything.

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
    """What a model folder knows of its model's training, as rows of a card."""
    notes = {}
    if trained_on:
        notes["Trained on"] = f"{trained_on['corpus']} (SHA-256 {trained_on['sha256']})"
    if trained_on and history:
        last, config = history[-1], trained_on["config"]
        notes["Training"] = (
            f"{last.step:,} of {config['steps']:,} steps, {last.tokens:,} tokens, "
            f"{last.seconds / 60:.1f} minutes, {config['optimizer']}"
        )
    measured = [step for step in history if step.val is not None]
    if measured:
        val = f"{measured[-1].val:.3f} nats a token (step {measured[-1].step:,})"
        notes["Loss on the whole validation split"] = val
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
    special = tokenizer.special_tokens
    if END_OF_TEXT not in special:
        return None
    return len(tokenizer.pieces) + special.index(END_OF_TEXT)


def _require_ours_to_write(folder: Path) -> None:
    """Raise ValueError for a folder with files that an export did not write."""
    if not folder.is_dir():
        return
    remove_leftovers(folder)
    if {path.name for path in folder.iterdir()} - {WEIGHTS, CARD, *TOKENIZER}:
        try:
            before = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
            exported = before.get("model_type") == "gpt2"
        except (OSError, ValueError, AttributeError):
            exported = False
        if not exported:
            raise ValueError(
                f"{folder} holds something else than an exported model: choose an "
                "empty folder, or a new one"
            )


def _write_weights(folder: Path, model: GPT) -> None:
    tensors = {}
    for name, tensor in model.state_dict().items():
        theirs = "transformer." + their_name(name)
        if not torch.isfinite(tensor).all():
            raise ValueError(f"{name} holds numbers that are none: train it anew")
        tensor = tensor.detach().to("cpu", torch.float32)
        tensors[theirs] = (tensor.T if turned(theirs) else tensor).contiguous()
    # Straight to disk: as bytes in memory a large model would be there twice.
    with replacing(folder / WEIGHTS) as file:
        save_file(tensors, file.name, metadata={"format": "pt"})
