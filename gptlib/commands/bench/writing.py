"""How fast a model generates: gptlib, and Hugging Face's library if it is installed."""

import statistics
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import nn

from gptlib.commands.bench import Figure, Plan
from gptlib.commands.bench.clock import Action, in_turns, say
from gptlib.generation import generate
from gptlib.hub.export import export_model
from gptlib.model import GPT, GPTConfig
from gptlib.tokenizer import CharTokenizer

HUGGING_FACE = "Hugging Face transformers, its cache"


def figures(config: GPTConfig, plan: Plan) -> list[Figure]:
    """Tokens per second in each way, from one token until the window is full."""
    group = f"generation, {config.n_params / 1e6:.2f} M parameters"
    torch.manual_seed(0)
    model, count = GPT(config).eval(), config.block_size - 1
    one = torch.zeros(1, 1, dtype=torch.long)
    many = one.expand(plan.at_once, 1)
    together = f"{plan.at_once} texts at once"
    ways = {
        "one text": lambda: generate(model, one, count),
        "one text, int8": lambda: generate(model, one, count, weights="int8"),
        together: lambda: generate(model, many, count),
    }
    if find_spec("transformers"):
        ways[HUGGING_FACE] = their_way(model, count)
    say(f"{group}: {len(ways)} ways in turns")
    times = in_turns(ways, plan.rounds, plan.seconds)
    rows = []
    for name, runs in times.items():
        tokens = count * (plan.at_once if name == together else 1)
        speed = tokens / statistics.median(runs)
        rows.append(Figure(group, name, speed, "tokens/s", len(runs)))
    return rows


def their_way(model: GPT, count: int) -> Action:
    """The same model, the same number of tokens, in transformers."""
    from transformers import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    theirs = to_hugging_face(model)
    one = torch.zeros(1, 1, dtype=torch.long)
    mask = torch.ones_like(one)
    settings = {"do_sample": True, "top_k": 0, "max_new_tokens": count}

    def write():
        with torch.inference_mode():
            text = theirs.generate(one, attention_mask=mask, pad_token_id=0, **settings)
        assert text.shape == (1, count + 1)

    return write


def to_hugging_face(model: GPT) -> nn.Module:
    """The same weights in transformers' GPT-2, which never ends a text."""
    from transformers import GPT2LMHeadModel

    letters = "".join(map(chr, range(256, 256 + model.config.vocab_size)))
    with TemporaryDirectory() as folder:
        export_model(Path(folder), model, CharTokenizer(letters), {})
        return GPT2LMHeadModel.from_pretrained(folder).eval()
