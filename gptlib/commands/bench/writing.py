"""How fast a model writes: our ways, and Hugging Face's if it is installed."""

import statistics
from importlib.util import find_spec

import torch
from torch import nn

from gptlib.commands.bench import Figure, Plan
from gptlib.commands.bench.clock import Action, in_turns, say
from gptlib.generation import Cached, draw, generate
from gptlib.model import GPT, GPTConfig

HUGGING_FACE = "Hugging Face transformers, its cache"


def figures(config: GPTConfig, plan: Plan) -> list[Figure]:
    """Tokens a second in each way, from one token until the window is full."""
    group = f"generation, {config.n_params / 1e6:.2f} M parameters"
    torch.manual_seed(0)
    model = GPT(config).eval()
    count = config.block_size - 1
    ways = our_ways(model, count, plan.at_once)
    if find_spec("transformers"):
        ways[HUGGING_FACE] = their_way(model, count)
    say(f"{group}: {len(ways)} ways in turns")
    times = in_turns(ways, plan.rounds, plan.seconds)
    speeds = {name: count / statistics.median(runs) for name, runs in times.items()}
    rows = []
    for name, speed in speeds.items():
        texts = plan.at_once if name.startswith(f"{plan.at_once} texts") else 1
        rows.append(Figure(group, name, speed * texts, "tokens/s", len(times[name])))
    if HUGGING_FACE in speeds:
        ours = max(v for k, v in speeds.items() if k.startswith("one text"))
        in_numpy = speeds["one text, cache, NumPy"]
        theirs = speeds[HUGGING_FACE]
        rows += [
            Figure(group, "NumPy over Hugging Face", in_numpy / theirs, "times"),
            Figure(group, "our fastest over Hugging Face", ours / theirs, "times"),
        ]
    return rows


def our_ways(model: GPT, count: int, at_once: int) -> dict[str, Action]:
    """What gptlib offers, from the slowest on."""
    one = torch.zeros(1, 1, dtype=torch.long)
    many = one.expand(at_once, 1)
    return {
        "one text, no cache": lambda: generate(model, one, count, cache=False),
        "one text, cache, torch": lambda: in_torch(model, one, count),
        "one text, cache, NumPy": lambda: generate(model, one, count),
        "one text, cache, int8": lambda: generate(model, one, count, weights="int8"),
        f"{at_once} texts at once, cache": lambda: generate(model, many, count),
    }


def in_torch(model: GPT, idx: torch.Tensor, count: int) -> list[torch.Tensor]:
    """What `generate` would do if there were no `decoding`."""
    texts, drawn = Cached(model, list(idx)), []
    for uniform in torch.rand(count, 1, 1, dtype=torch.double):
        logits = run_step(texts, drawn[-1]) if drawn else texts.logits
        drawn.append(draw(logits, uniform))
    return drawn


def run_step(texts: Cached, tokens: torch.Tensor) -> torch.Tensor:
    texts.make_room()
    return texts.plain_step(tokens)


def their_way(model: GPT, count: int) -> Action:
    """The same model, the same number of tokens, in transformers."""
    from transformers import logging

    logging.set_verbosity_error()
    theirs = to_hugging_face(model)
    one = torch.zeros(1, 1, dtype=torch.long)
    mask = torch.ones_like(one)
    settings = {"do_sample": True, "top_k": 0, "max_new_tokens": count}

    def write():
        with torch.inference_mode():
            text = theirs.generate(one, attention_mask=mask, **settings)
        assert text.shape == (1, count + 1)

    return write


def to_hugging_face(model: GPT) -> nn.Module:
    """The same weights in transformers' GPT-2."""
    from transformers import GPT2Config, GPT2LMHeadModel

    config = model.config
    theirs = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=config.vocab_size,
            n_positions=config.block_size,
            n_embd=config.n_embd,
            n_layer=config.n_layer,
            n_head=config.n_head,
            bos_token_id=0,
            eos_token_id=None,
            pad_token_id=0,
        )
    ).eval()
    names = {
        "blocks.": "h.",
        "attn.qkv": "attn.c_attn",
        "attn.proj": "attn.c_proj",
        "mlp.fc": "mlp.c_fc",
        "mlp.proj": "mlp.c_proj",
    }
    state = {}
    for ours, tensor in model.state_dict().items():
        name = ours
        for old, new in names.items():
            name = name.replace(old, new)
        turned = ".c_" in name and name.endswith("weight")
        state[f"transformer.{name}"] = tensor.T if turned else tensor
    state["lm_head.weight"] = model.wte.weight
    theirs.load_state_dict(state)
    return theirs
