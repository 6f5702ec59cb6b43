"""Models and tokenizers of others: read as they are, or refused with the reason."""

import json

import pytest
import torch
from conftest import small_config

from gptlib import GPT, BPETokenizer, ModelFileError, ModelHandler
from gptlib.errors import DataError
from gptlib.hub.nanogpt import read_nanogpt
from gptlib.hub.pretrained import load_pretrained, their_name
from gptlib.hub.tokenizer import read_tokenizer

TEXT = "".join(f"{i} plus {i + 1} is {2 * i + 1}. Grüße\n" for i in range(120))
END = "<|endoftext|>"


def random_gpt(tok, **changes) -> GPT:
    torch.manual_seed(0)
    model = GPT(small_config(tok, **changes)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return model


@pytest.fixture
def folder(tmp_path):
    tok = BPETokenizer.train(TEXT, 300, [END])
    handler = ModelHandler(tmp_path / "ours").save(random_gpt(tok), tok)
    return handler.export(tmp_path / "theirs")


def add(folder, kind: str, token: str) -> None:
    """Let transformers add a token to the tokenizer, and not resize the model."""
    from transformers import AutoTokenizer

    words = AutoTokenizer.from_pretrained(folder)
    words.add_tokens([token], special_tokens=kind == "special")
    words.save_pretrained(folder)


def test_an_ordinary_token_that_was_added_is_refused_by_name(folder):
    add(folder, "ordinary", "plus")
    with pytest.raises(ModelFileError, match="it adds 'plus', an ordinary token"):
        load_pretrained(folder)


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("normalizer", {"type": "Lowercase"}),
        ("post_processor", {"single": [{"SpecialToken": {"id": END}}]}),
        ("dropout", 0.1),
        ("end_of_word_suffix", "</w>"),
    ],
)
def test_what_would_give_other_ids_than_the_reference_is_refused(folder, part, change):
    stored = json.loads((folder / "tokenizer.json").read_text())
    at = stored if part in stored else stored["model"]
    assert at[part] is None
    at[part] = change
    (folder / "tokenizer.json").write_text(json.dumps(stored))
    with pytest.raises(ModelFileError, match=f"its {part}, .* gives other tokens"):
        load_pretrained(folder)


def test_what_is_no_such_folder_is_told_first(tmp_path, folder):
    (tmp_path / "nanogpt").mkdir()
    (tmp_path / "nanogpt" / "ckpt.pt").touch()
    with pytest.raises(DataError, match=r"gptlib.hub.nanogpt reads nanoGPT's ckpt"):
        load_pretrained(tmp_path / "nanogpt")
    with pytest.raises(ModelFileError, match=r"ours'\).load\(\) reads it"):
        load_pretrained(tmp_path / "ours")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"n_embd": 2**62}))
    with pytest.raises(ModelFileError, match=f"config.json: n_embd={2**62}: expected"):
        load_pretrained(folder)


def test_a_token_for_padding_needs_an_embedding(folder):
    add(folder, "special", "<pad>")
    says = "embeddings of 300 tokens, not of the 301 .*resize_token_embeddings"
    with pytest.raises(ModelFileError, match=says):
        load_pretrained(folder)


def test_the_two_files_of_before_are_read(folder):
    from transformers import GPT2TokenizerFast

    stored = json.loads((folder / "tokenizer.json").read_text())["model"]
    vocabulary = stored["vocab"] | {END: 299}
    lines = ["#version: 0.2", *map(" ".join, stored["merges"]), ""]
    expected = read_tokenizer(folder / "tokenizer.json").to_dict()
    (folder / "tokenizer.json").unlink()
    with pytest.raises(DataError, match=r"tokenizer\.json cannot be read"):
        load_pretrained(folder)
    (folder / "merges.txt").write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(DataError, match=r"vocab\.json cannot be read"):
        load_pretrained(folder)
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    model, tokenizer = load_pretrained(folder)
    assert tokenizer.to_dict() == expected and model.config.vocab_size == 300
    theirs = GPT2TokenizerFast.from_pretrained(folder)
    assert theirs(TEXT)["input_ids"] == tokenizer.encode(TEXT)
    (folder / "added_tokens.json").write_text('{"plus": 300}')
    with pytest.raises(ModelFileError, match=r"added_tokens\.json"):
        load_pretrained(folder)


def test_special_tokens_at_the_beginning_are_refused_with_their_ids(tmp_path):
    from tokenizers import ByteLevelBPETokenizer

    theirs = ByteLevelBPETokenizer()
    theirs.train_from_iterator([TEXT], 300, special_tokens=[END], show_progress=False)
    theirs.save(str(tmp_path / "tokenizer.json"))
    says = r"256 bytes, then merges, then special tokens: '<\|end.*\|>' has 0, exp.*299"
    with pytest.raises(ModelFileError, match=says):
        read_tokenizer(tmp_path / "tokenizer.json")


# nanoGPT


def checkpoint(model: GPT, prefix: str, bias: bool) -> dict:
    """What nanoGPT's train.py stores of a model of this shape."""
    names = {k: f"{prefix}transformer.{their_name(k)}" for k in model.state_dict()}
    weights = {names[k]: v for k, v in model.state_dict().items()}
    weights = {k: v for k, v in weights.items() if bias or not k.endswith("bias")}
    weights[f"{prefix}lm_head.weight"] = model.wte.weight.data
    shape = ("n_layer", "n_head", "n_embd", "block_size", "vocab_size")
    args = {name: getattr(model.config, name) for name in shape}
    return {
        "model": weights,
        "optimizer": {"state": {}, "param_groups": []},
        "model_args": args | {"bias": bias, "dropout": 0.2},
        "iter_num": 250,
        "best_val_loss": torch.tensor(1.5),
        "config": {"dataset": "shakespeare_char"},
    }


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("prefix", ["", "_orig_mod."])
def test_a_checkpoint_of_nanogpt_is_the_same_function(tmp_path, tok, prefix, bias):
    model = random_gpt(tok)
    for name, parameter in model.named_parameters():
        if not bias and name.endswith("bias"):
            parameter.data.zero_()
    torch.save(checkpoint(model, prefix, bias), tmp_path / "ckpt.pt")
    ours = read_nanogpt(tmp_path / "ckpt.pt")
    idx = torch.randint(tok.vocab_size, (2, 16))  # (B, T)
    assert torch.equal(ours(idx)[0], model(idx)[0])
    ModelHandler(tmp_path / "mine").save(ours, tok).load()
    ours(idx, idx)[1].backward()
    cut = read_nanogpt(tmp_path / "ckpt.pt", vocab_size=5)
    torch.testing.assert_close(cut(idx % 5)[0], model(idx % 5)[0][..., :5])


def test_what_is_no_checkpoint_of_nanogpt_is_refused(tmp_path, tok):
    class Evil:
        def __reduce__(self):
            return (tmp_path / "executed").touch, ()

    path, stored = tmp_path / "ckpt.pt", checkpoint(random_gpt(tok), "", bias=True)
    lacking = dict(list(stored["model"].items())[:-3])
    deep = stored["model_args"] | {"n_layer": 10**12}
    wide = stored["model_args"] | {"n_embd": 2**40}
    strange = [{}, [], Evil(), stored | {"model": lacking}, stored | {"model": 3}]
    strange += [stored | {"model_args": args} for args in (deep, wide, None)]
    for content in strange:
        torch.save(content, path)
        with pytest.raises(ModelFileError, match=r"ckpt\.pt is no checkpoint of nano"):
            read_nanogpt(path)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(ModelFileError, match="no checkpoint"):
        read_nanogpt(path)
    assert not (tmp_path / "executed").exists()
