"""Low-rank adapters: they begin as nothing, alone are trained, and can be merged."""

import ast
import inspect
import json

import pytest
import torch
from conftest import small_config
from safetensors.torch import save_file
from torch import nn

from gptlib import (
    GPT,
    CountedNGrams,
    ModelHandler,
    ModernConfig,
    ModernGPT,
    TrainConfig,
    generate,
    train,
)
from gptlib.composed import Mixture
from gptlib.errors import ModelFileError
from gptlib.lora import (
    LoRALinear,
    adapter_state,
    add_adapters,
    block_layers,
    load_adapters,
    merge_adapters,
    save_adapters,
    trained,
)
from gptlib.model import count_parameters


@pytest.fixture(params=["GPT", "ModernGPT"])
def model(request, tok):
    torch.manual_seed(0)
    if request.param == "GPT":
        return GPT(small_config(tok)).eval()
    shape = {"vocab_size": tok.vocab_size, "block_size": 16, "n_layer": 2, "n_head": 2}
    made = ModernGPT(ModernConfig(**shape, n_embd=16)).eval()
    for weight in made.parameters():  # it begins with zeros: nothing would show
        nn.init.normal_(weight, std=0.1)
    return made


def change(model):
    """As if trained: no B is zero any more."""
    torch.manual_seed(1)
    for name, weight in model.named_parameters():
        if name.endswith(".B.weight"):
            nn.init.normal_(weight, std=0.1)
    return model


@pytest.fixture
def idx(tok):
    return torch.arange(12)[None] % tok.vocab_size


def test_the_layer_is_its_formula():
    base = nn.Linear(3, 2)
    weight, bias = base.weight.clone(), base.bias.clone()
    layer = change(LoRALinear(base, rank=1, alpha=4.0))
    x = torch.randn(5, 7, 3)
    expected = x @ (weight + 4.0 * layer.B.weight @ layer.A.weight).T + bias
    torch.testing.assert_close(layer(x), expected)


def test_the_method_is_forty_lines_of_code():
    """The layer, putting it in, merging it: without docstrings and empty lines."""
    parts = (LoRALinear, add_adapters, merge_adapters, block_layers)
    code = [ast.parse(inspect.getsource(part)) for part in parts]
    for node in (node for tree in code for node in ast.walk(tree)):
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            node.body = node.body[1:]
    assert sum(len(ast.unparse(tree).split("\n")) for tree in code) <= 40


def test_adapters_change_nothing_at_first(model, idx):
    before = model(idx)[0]
    add_adapters(model, rank=2)
    torch.testing.assert_close(model(idx)[0], before, rtol=0, atol=0)


def test_only_adapters_are_trained(model, data):
    frozen = {name: p.clone() for name, p in model.named_parameters()}
    add_adapters(model, rank=2, alpha=8)
    for _ in train(model, data, TrainConfig(steps=3, batch_size=2, lr=0.01)):
        pass
    now = {name.replace(".base.", "."): p for name, p in model.named_parameters()}
    for name, before in frozen.items():
        assert torch.equal(now[name], before), name
    assert all(state.abs().sum() > 0 for state in adapter_state(model).values())
    assert sum(p.numel() for p in trained(model)) == sum(
        state.numel() for state in adapter_state(model).values()
    )


def test_merged_the_model_says_the_same_with_its_old_parameters(model, idx):
    names, size = [*model.state_dict()], count_parameters(model)
    change(add_adapters(model, rank=2))
    before = model(idx)[0]
    merge_adapters(model)
    assert [*model.state_dict()] == names and count_parameters(model) == size
    assert all(p.requires_grad for p in model.parameters())
    torch.testing.assert_close(model(idx)[0], before, rtol=1e-4, atol=1e-5)


def test_generation_uses_the_adapters(model, idx):
    change(add_adapters(model, rank=2))
    settings = {"max_new_tokens": 12, "temperature": 0}
    quick = generate(model, idx[:, :2], **settings)
    assert torch.equal(quick, generate(model, idx[:, :2], cache=False, **settings))
    assert torch.equal(quick, generate(merge_adapters(model), idx[:, :2], **settings))


def test_no_folder_and_no_page_is_written_that_could_not_be_read(model, tok, tmp_path):
    handler = ModelHandler(tmp_path / "folder")
    handler.model, handler.tokenizer = add_adapters(model, rank=2), tok
    for write in (
        lambda: handler.save(handler.model, tok),
        lambda: handler.export(tmp_path / "hub"),
        lambda: handler.export(tmp_path / "page", format="page"),
    ):
        with pytest.raises(TypeError, match="has adapters: save_adapters"):
            write()
    assert not list(tmp_path.rglob("*.*"))
    handler.save(merge_adapters(model), tok)
    ModelHandler(handler.path).load()


def test_adapters_come_back_from_their_file(model, idx, tmp_path):
    change(add_adapters(model, rank=2, alpha=6))
    save_adapters(model, tmp_path / "a.safetensors", about="a test")
    expected = model(idx)[0]
    for name, weight in model.named_parameters():
        if name.endswith((".A.weight", ".B.weight")):
            nn.init.zeros_(weight)
    load_adapters(merge_adapters(model), tmp_path / "a.safetensors")
    torch.testing.assert_close(model(idx)[0], expected, rtol=0, atol=0.02)
    stored = adapter_state(model).values()
    assert (tmp_path / "a.safetensors").stat().st_size < 4_000 + 2 * sum(
        state.numel() for state in stored
    )


def test_files_that_are_no_adapters_of_this_model_are_refused(model, tmp_path, idx):
    before = model(idx)[0]
    path = tmp_path / "a.safetensors"
    with pytest.raises(ModelFileError, match="cannot be read"):
        load_adapters(model, path)
    path.write_bytes(b"no tensors")
    with pytest.raises(ModelFileError, match="cannot be read"):
        load_adapters(model, path)
    save_file({"blocks.0.attn.qkv.A.weight": torch.zeros(1, 2)}, path)
    with pytest.raises(ModelFileError, match="no adapters of this library"):
        load_adapters(model, path)
    head = {"format": "gptlib-adapter", "rank": 1, "alpha": 1.0}
    tensors = {"blocks.0.attn.qkv.A.weight": torch.zeros(1, 2)}
    save_file(tensors, path, {"gptlib": json.dumps(head)})
    with pytest.raises(ModelFileError, match="another shape"):
        load_adapters(model, path)
    torch.testing.assert_close(model(idx)[0], before)


def test_mistakes_are_named(model, unchecked):
    with pytest.raises(ValueError, match="has no adapters"):
        save_adapters(model, "nowhere")
    with pytest.raises(ValueError, match="rank=0"):
        add_adapters(model, rank=0)
    add_adapters(model)
    with pytest.raises(ValueError, match="without adapters"):
        add_adapters(model)
    with pytest.raises(ValueError, match="with blocks"):
        add_adapters(nn.Linear(2, 2))


def test_adapters_go_into_the_model_inside(tok, idx):
    shape = ModernConfig(tok.vocab_size, 16, n_layer=1, n_head=2, n_embd=16)
    counts = CountedNGrams.fit(torch.arange(60) % tok.vocab_size, tok.vocab_size, 2)
    model = Mixture(ModernGPT(shape), counts).eval()
    before = model(idx)[0]
    add_adapters(model, 2)
    assert torch.equal(model(idx)[0], before)
    assert len(trained(model)) == 2 * 4
    assert {name.partition(".")[0] for name in adapter_state(model)} == {"model"}
